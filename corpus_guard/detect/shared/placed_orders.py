"""Where an order to a model stands in a record, and whether one belongs there."""

import bisect
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from corpus_guard.detect.shared.model_orders import ADDRESSED, PAYLOAD, order_in
from corpus_guard.detect.shared.plain_words import plain

Place = Literal["data", "description", "field", "prose"]

_FIELD = re.compile(r"^([\w.\[\]$/-]{1,200}): ", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])")
_OF_DATA = frozenset(
    "tool tools function functions parameters schema properties enum observation alt filename file path "
    "exif attachment attachments".split()
)
_OF_DESCRIPTIONS = frozenset(
    "title caption description desc summary keywords tags tag comment comments meta metadata author name "
    "subtitle heading image images label labels note notes".split()
)
_DATA_LINE = re.compile(r"\s*(?:[\w ]{1,24}:\s*)?(?:```\w*\s*)?[\[{]\s*[\"\[{]")

_CONCEALS = re.compile(
    r"\b(?:do not|don't|never|must not|should not|without) (?:\w+ ){0,2}?(?:tell|inform|mention|reveal|disclos|"
    r"notify|explain)\w*(?: [\w']+){0,5} (?:the |any )?users?\b"
)
_TAKES = re.compile(
    r"(?:~|home|\$home|%userprofile%)?[/\\]\.(?:ssh|aws|env|cursor|config|npmrc|netrc)\b|\bid_rsa\b|\bmcp\.json\b|"
    r"\.env\b|\bapi[ _]?keys?\b|\b(?:chat|conversation) history\b|\bsystem prompt\b|\bprivate keys?\b|\bcredentials\b"
)
_INTERPOSES = re.compile(
    r"<important>|\b(?:before|after|when) (?:using|calling|invoking) (?:this|any|other|the) (?:other )?(?:tool|function)s?\b|"
    r"\b(?:must|should|always) (?:also |first )?(?:read|send|pass|forward|upload|bcc)\b|\bas (?:the )?['\"`]?sidenote"
)
TOOL_HINTS = (
    r"(?i:\b(?:do not|don't|never|must not|should not|without) (?:\w+ ){0,2}(?:tell|inform|mention|reveal|disclos|"
    r"notify|explain)|<important>|\bid_rsa\b|mcp\.json)"
)
"""What a poisoned description of a tool holds, in a syntax that RE2 and Python share."""


LEAST = 4
"""More than an addressee and an imperative."""


class Field(NamedTuple):
    """A field in the column `other`: its name, its value and where that begins."""

    name: str
    value: str
    start: int


def fields_of(other: str) -> Iterator[Field]:
    """Yield the fields of a text of `name: value` lines; values go over several lines."""
    heads = list(_FIELD.finditer(other))
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(other)
        yield Field(head[1], other[head.end() : end], head.end())


class Places:
    """Tells in what kind of places of a text characters stand, asked for in order."""

    def __init__(self, column: str, text: str) -> None:
        """Take a text of a batch's column."""
        self._column, self._text = column, text
        self._fields = list(fields_of(text)) if column == "other" else []
        self._starts = [field.start for field in self._fields]
        self._line = 0

    def of(self, start: int) -> tuple[Place, str]:
        """Return the kind of place, and its name for people; `start` is never less than before."""
        if self._column in ("record_id", "label", "time"):
            return "field", f"the field of the {self._column.replace('_', ' ')}"
        if self._column == "other":
            number = bisect.bisect_right(self._starts, start) - 1
            name = self._fields[number].name if number >= 0 else ""
            return kind_of_field(name), f"the field {name[:60] or 'of no name'}"
        self._line = max(self._line, self._text.rfind("\n", self._line, start) + 1)
        if self._column == "prompt" and _DATA_LINE.match(self._text, self._line, start):
            return "field", "data in a prompt"
        return "prose", self._column


def kind_of_field(name: str) -> Place:
    """Return what kind of place a field is, by the words in its name and in what holds it."""
    tokens = {token.lower() for token in _TOKEN.findall(name)}
    if tokens & _OF_DATA:
        return "data"
    return "description" if tokens & _OF_DESCRIPTIONS else "field"


def has_payload(text: str, end: int) -> bool:
    """Say whether an override goes on to say what to do instead."""
    return PAYLOAD.match(plain(text[end : end + 120])) is not None


def poisons_a_tool(value: str) -> bool:
    """Say whether a description of a tool has a model do something else in secret."""
    words = plain(value)
    cues = (_CONCEALS.search(words), _TAKES.search(words), _INTERPOSES.search(words))
    return sum(cue is not None for cue in cues) >= 2


def speaks_to_models(value: str) -> str:
    """Return what a description says to models that read it, "" where it says nothing."""
    words = plain(value)
    order = order_in(words) if ADDRESSED.search(words) else None
    return order.text if order and order.is_addressed and order.weight > LEAST else ""
