"""Messages that are records of their own, joined to what they reply to.

A record may name the message that it replies to by its id, or the conversation that it is a turn of.
The file is read once before, for the texts; what it replies to becomes the prompt of a reply.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus_guard.normalise.fields import NOTHING, as_text
from corpus_guard.normalise.speakers import (
    PROMPT,
    RESPONSE,
    ROLE_FIELDS,
    Speakers,
    learned_speakers,
    named_side,
)

Record = Mapping[str, object]
Plain = dict[str, object]

PARENTS = ("parent_id", "parent", "parentid", "parent_message_id", "reply_to", "reply_to_id",
           "in_reply_to", "in_reply_to_id")  # fmt: skip
IDS = ("message_id", "id", "msg_id", "_id", "uuid", "comment_id", "post_id")
CONVERSATIONS = ("conversation_id", "conv_id", "conversationid", "dialogue_id", "dialog_id", "thread_id",
                 "session_id", "chat_id", "dialog")  # fmt: skip
TURNS = ("turn", "turn_id", "turn_index", "turn_idx", "utterance_idx", "index", "idx", "position",
         "order", "seq", "timestamp", "created_at", "date")  # fmt: skip
TEXTS = ("text", "content", "body", "message", "utterance", "value", "comment")
FEWEST_JOINED = 2
MOST_CHARACTERS = 256 << 20
"""Of so much text the replies are joined; those to the rest are read without what they reply to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Which fields join the records of a file, and on which side speakers of no known name are."""

    text: str
    speaker: str | None
    id: str | None = None
    parent: str | None = None
    conversation: str | None = None
    turn: str | None = None
    speakers: Speakers = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        return "replies joined by id" if self.parent else "turns joined by conversation"

    def joined(self, record: Record, table: "Table | None") -> Record:
        """Return a record as a chat: what it replies to, if anything, and what it says."""
        if record.get(self.text) in NOTHING:
            return record
        before = table.before(self, record) if table is not None else None
        rest = {n: v for n, v in record.items() if n not in (self.text, self.speaker)}
        said = {"role": "user", "content": record[self.text]}
        if before is None:
            return {"messages": [said], **rest}
        asked, depth = before
        side = self._side(record) or (RESPONSE if depth % 2 else PROMPT)
        if side == PROMPT:
            return {"messages": [said], **rest}
        answer = {"role": "assistant", "content": record[self.text]}
        return {"messages": [{"role": "user", "content": asked}, answer], **rest}

    def _side(self, record: Record) -> str | None:
        name = (as_text(record.get(self.speaker)) or "") if self.speaker else ""
        return self.speakers.get(name.strip().lower()) or named_side(name)


def threads_of(records: Iterable[Record]) -> Threads | None:
    """Return how the records of a file are joined, by a sample of them; None where they are not."""
    sample = [record for record in records if isinstance(record, Mapping)]
    names: dict[str, str] = {}
    for record in sample[:64]:
        names.update({str(n).lower(): n for n, v in record.items() if v not in NOTHING})
    text, speaker = _first(names, TEXTS), _first(names, ROLE_FIELDS)
    if text is None or any(isinstance(record.get(text), list | dict) for record in sample[:64]):
        return None
    key, parent = _first(names, IDS), _first(names, PARENTS)
    if key is not None and parent is not None:
        known = {_key(record.get(key)) for record in sample}
        found = sum(_key(r.get(parent)) in known for r in sample if r.get(parent) not in NOTHING)
        if found >= FEWEST_JOINED:
            return Threads(text=text, speaker=speaker, id=key, parent=parent)
    conversation = _first(names, CONVERSATIONS)
    if conversation is not None and speaker is not None:
        held = [_key(r.get(conversation)) for r in sample if r.get(conversation) not in NOTHING]
        if len(held) - len(set(held)) >= FEWEST_JOINED:
            turn = _first(names, TURNS)
            spoken = _spoken(sample, conversation, turn, speaker)
            return Threads(
                text=text,
                speaker=speaker,
                conversation=conversation,
                turn=turn,
                speakers=learned_speakers(spoken),
            )
    return None


def _spoken(
    sample: list[Record], conversation: str, turn: str | None, speaker: str
) -> Iterator[list[str]]:
    """Yield who speaks in the conversations of a sample, in order."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for place, record in enumerate(sample):
        name = (as_text(record.get(speaker)) or "").strip().lower()
        found.setdefault(_key(record.get(conversation)), []).append(
            (_order(record, turn, place), name)
        )
    for turns in found.values():
        yield [name for _, name in sorted(turns)]


def _first(names: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def _key(value: object) -> str:
    return as_text(value) or ""


def _order(record: Record, turn: str | None, place: int) -> tuple[float, str, int]:
    value = record.get(turn) if turn is not None else None
    if isinstance(value, int | float):
        return float(value), "", place
    text = as_text(value) or ""
    return (float(text), "", place) if text.isascii() and text.isdigit() else (0.0, text, place)


@dataclass(slots=True)
class Table:
    """The texts of a file's messages, by what others may name them by."""

    messages: dict[str, tuple[str, str]] = field(default_factory=dict)
    turns: dict[str, list[tuple[tuple[float, str, int], str]]] = field(default_factory=dict)
    left_out: int = 0
    _places: dict[str, dict[str, int]] = field(default_factory=dict)
    _size: int = 0
    _place: int = 0

    def add(self, threads: Threads, record: Record) -> None:
        """Take in a message; of too much text only count it."""
        text = as_text(record.get(threads.text)) or ""
        self._size += len(text) + 64
        self._place += 1
        if self._size > MOST_CHARACTERS:
            self.left_out += 1
        elif threads.parent is not None and threads.id is not None:
            parent = _key(record.get(threads.parent))
            self.messages.setdefault(_key(record.get(threads.id)), (text, parent))
        elif threads.conversation is not None:
            order = _order(record, threads.turn, self._place)
            held = self.turns.setdefault(_key(record.get(threads.conversation)), [])
            held.append((order, text))

    def finish(self) -> None:
        """Put the turns of each conversation in order, and note where each text stands first."""
        for name, turns in self.turns.items():
            turns.sort()
            places = self._places[name] = {}
            for place, (_, text) in enumerate(turns):
                places.setdefault(text, place)

    def before(self, threads: Threads, record: Record) -> tuple[str, int] | None:
        """Return what a message replies to, and how many messages came before it; None for a first."""
        if threads.parent is not None:
            parent = _key(record.get(threads.parent))
            found = self.messages.get(parent) if parent else None
            return (found[0], self._depth(parent)) if found is not None else None
        name = _key(record.get(threads.conversation or ""))
        place = self._places.get(name, {}).get(as_text(record.get(threads.text)) or "", 0)
        return (self.turns[name][place - 1][1], place) if place else None

    def _depth(self, name: str) -> int:
        depth = 0
        while name in self.messages and depth < 64:
            name, depth = self.messages[name][1], depth + 1
        return depth
