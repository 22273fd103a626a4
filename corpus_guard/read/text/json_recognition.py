"""Tell JSON that is one document from JSON Lines by the first bytes of a file, whatever its name."""

from corpus_guard.read.text.json_head import first_value
from corpus_guard.read.text.json_lists import are_turns
from corpus_guard.read.text.json_record import begins_with_line
from corpus_guard.read.text.json_shape import PLAIN, shape_of

_FEWEST = 8
"""An object on a line by itself is taken apart only if it holds so many of something."""

_WHITE = b" \t\r\n"


def is_document(head: bytes) -> bool:
    """Say whether a text, of which `head` are the first bytes, is certainly no JSON Lines but JSON.

    That is an array of records, rows or texts; an object that goes over several lines; or one that is a
    table or wraps one and stands alone.
    """
    if head.startswith(b"{") and begins_with_line(head) and head.partition(b"\n")[2].strip(_WHITE):
        return False
    begun = first_value(head)
    if begun is None or not begun.value:
        return False
    text, rest = head[: begun.end], head[begun.end :].strip(_WHITE)
    is_indented = text.partition(b"\n")[0].rstrip().endswith((b"[", b"{", b",")) and b"\n" in text
    if rest and not begun.is_cut:
        return is_indented
    if isinstance(begun.value, dict):
        return is_indented or (
            shape_of(begun.value, is_cut=begun.is_cut) != PLAIN and not _may_be_line(begun.value)
        )
    first = begun.value[0]
    if isinstance(first, dict):
        return is_indented or not are_turns(begun.value)
    return isinstance(first, list) or (isinstance(first, str) and (is_indented or begun.is_cut))


def _may_be_line(value: object) -> bool:
    """Say whether an object holds so few of everything that it may well be one record."""
    if isinstance(value, dict):
        return len(value) < _FEWEST and all(map(_may_be_line, value.values()))
    return not isinstance(value, list) or len(value) < _FEWEST


def are_lines_of_lists(head: bytes) -> bool:
    """Say whether a text begins with a list that ends with its line, and goes on with another line."""
    if not head.startswith(b"["):
        return False
    line, _, rest = head.partition(b"\n")
    if not line.rstrip().endswith(b"]") or rest.lstrip(_WHITE)[:1] not in (b"[", b"{", b'"'):
        return False
    begun = first_value(line)
    return begun is not None and not begun.is_cut and begun.end == len(line.rstrip())
