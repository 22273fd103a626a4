"""The orders to a model that a page, or a text with markup in it, hides from its reader."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpus_guard.detect.shared.encoded import ENCODED, decoded_texts
from corpus_guard.detect.shared.marks import for_python
from corpus_guard.detect.shared.model_orders import Order, may_order, order_in, overrides
from corpus_guard.detect.shared.page_parts import HiddenText, page_parts
from corpus_guard.detect.shared.plain_words import plain

_FENCE = re.compile(
    r"^(```|~~~).*?(?:^\1|\Z)|``.{1,2000}?``|`[^`\n]{1,2000}`", re.DOTALL | re.MULTILINE
)
_MARKDOWN = (
    ("image text", re.compile(r"!\[([^\]\[]{12,2000})\]\s?[(\[]")),
    ("title of a link", re.compile(r"\]\([^()\s]{0,500}\s+[\"']([^\"'\n]{12,2000})[\"']\)")),
    (
        "comment",
        re.compile(
            r"^ {0,3}\[(?://|comment|_)\]:\s*(?:#|<>)\s*[(\"'](.{12,2000}?)[)\"']\s*$", re.M
        ),
    ),
)
SHORTEST = 12
FEW_CHARACTERS = 20_000
"""So much text is read in less time than Arrow takes to compile the patterns, 20 ms."""

_ENCODED = re.compile(for_python(ENCODED))


class HiddenOrder(NamedTuple):
    """An order to a model, how it is hidden, and the number of the text that hides it."""

    how: str
    order: Order
    place: int


class _Piece(NamedTuple):
    place: int
    how: str
    words: str
    only_override: bool = False


def hidden_orders(texts: Sequence[str], *, is_page: bool) -> Iterator[HiddenOrder]:
    """Yield the orders in what some texts hide, but for those that a reader sees as well.

    In texts that are no pages, code is shown, and Markdown hides too.
    """
    seen: list[str] = []
    pieces: list[_Piece] = []
    for place, text in enumerate(texts):
        visible, hidden = _parts(text, is_page)
        seen.append(visible)
        pieces += _pieces(place, hidden)
    if not pieces:
        return
    for number in _worth_reading(pieces):
        piece = pieces[number]
        order = order_in(piece.words, piece.how)
        if order is None or (piece.only_override and order.cues != "override"):
            continue
        if order.core not in plain(seen[piece.place]):
            yield HiddenOrder(piece.how, order, piece.place)


def _worth_reading(pieces: Sequence[_Piece]) -> Iterable[int]:
    """Return the numbers of the pieces that may hold an order; all of few, that is faster."""
    if sum(len(piece.words) for piece in pieces) < FEW_CHARACTERS:
        return range(len(pieces))
    words = pa.array([_encodable(piece.words) for piece in pieces], pa.string())
    may = overrides(words)
    single = np.flatnonzero([not piece.only_override for piece in pieces])
    may[single] |= may_order(words.take(pa.array(single)))
    return np.flatnonzero(may).tolist()


def _parts(text: str, is_page: bool) -> tuple[str, list[HiddenText]]:
    if is_page:
        parts = page_parts(text)
        return parts.visible, list(parts.pieces)
    markup = _FENCE.sub(" ", text) if "`" in text or "~~~" in text else text
    hidden = list(_in_markdown(markup))
    for _, pattern in _MARKDOWN if hidden else ():
        markup = pattern.sub(" ", markup)
    parts = page_parts(markup)
    return parts.visible, [*parts.pieces, *hidden]


def _pieces(place: int, hidden: list[HiddenText]) -> Iterator[_Piece]:
    whole = []
    for how, text in hidden:
        if len(text) < SHORTEST:
            continue
        words = plain(text)
        whole.append(words)
        yield _Piece(place, how, words)
        if _ENCODED.search(text):
            for _, _, encoding, inner in decoded_texts(text):
                yield _Piece(place, f"{how}, in {encoding}", plain(inner))
    if len(whole) > 1:
        yield _Piece(place, "several hidden places", " ".join(whole), only_override=True)


def _in_markdown(text: str) -> Iterator[HiddenText]:
    for how, pattern in _MARKDOWN:
        for match in pattern.finditer(text):
            yield HiddenText(how, match[1])


def _encodable(text: str) -> str:
    """Return a text without halves of surrogate pairs, which character references can bring in."""
    return text.encode("utf-8", "replace").decode()
