"""One record in, one or more plain records out, by what each record holds.

A record that its own fields explain stays as it is. Else, in this order: texts that hold data are
parsed, exports made plain, a chat template that was applied is taken apart, mappings are opened, and
lists of records become records of their own. Nothing is left out: what is not understood stays.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise.forms.exports import LABEL_MARK, Export, export_of
from corpus_guard.normalise.forms.nested import (
    MANY_ROUNDS,
    are_many_rounds,
    exploded,
    flat,
    lists_of_records,
)
from corpus_guard.normalise.forms.packed import data_in, hides_characters, may_hold_data
from corpus_guard.normalise.forms.templates import may_be_templated, messages_in
from corpus_guard.normalise.forms.threads import Table, Threads
from corpus_guard.normalise.scheme import Scheme, named_by
from corpus_guard.normalise.turns import is_chat, is_message_list, is_pairs
from corpus_guard.read.blocks import digest_of
from corpus_guard.types import RecordBlock, Unread

Record = Mapping[str, object]
Plain = dict[str, object]

DEEPEST = 4
MOST_REMEMBERED = 1024
_NESTED = (dict, list)


@dataclass(slots=True)
class Unfolder:
    """Unfolds records; remembers what records of one structure are, and counts what it did.

    `kept` are fields that the user names: they stay where they are. With `threads`, records are replies
    to others, whose texts are in the `table`. `forms` counts records by what they were unfolded from.
    """

    kept: frozenset[str] = frozenset()
    threads: Threads | None = None
    table: Table | None = None
    forms: Counter[str] = field(default_factory=Counter)
    _plans: dict[object, "_Plan"] = field(default_factory=dict)

    @classmethod
    def of(cls, overrides: FieldOverrides) -> "Unfolder":
        """Return one that leaves the fields alone that the user names."""
        return cls(kept=frozenset(name.split(".")[0] for name in named_by(overrides)))

    def each(self, items: Iterable[RecordBlock | Unread]) -> Iterator[RecordBlock | Unread]:
        """Yield what a reader yields, unfolded; records are numbered through."""
        more = 0
        waiting: list[Unread] = []
        for item in items:
            if isinstance(item, Unread):
                waiting.append(item)
                continue
            changed = self._changed(item)
            if waiting or changed or more:
                item, waiting, more = _numbered(item, waiting, changed, more)
            yield from waiting
            waiting = []
            yield item
        for last in waiting:
            yield replace(last, row=last.row + more) if last.row >= 0 else last

    def records(self, record: Record) -> list[Record]:
        """Return what a record holds: itself, or plain records."""
        if self.threads is not None:
            self.forms[self.threads.name] += 1
            return [self.threads.joined(record, self.table)]
        return list(self._unfolded(record, 0)) if _may_be_folded(record) else [record]

    def _changed(self, block: RecordBlock) -> dict[int, list[Record]]:
        """Return the records of a block that are folded, as what they hold, by place."""
        found: dict[int, list[Record]] = {}
        for place, record in enumerate(block.fields):
            units = self.records(record)
            if len(units) != 1 or units[0] is not record:
                found[place] = units
        return found

    def _unfolded(self, record: Record, depth: int) -> Iterator[Record]:
        record = self._parsed(record)
        plan = self._plan(record)
        if plan.export is not None:
            self.forms[plan.export.name] += depth == 0
            record = plan.export.plain(record)
            plan = self._plan(record)
        if plan.is_flat:
            record = flat(record, self.kept)
        if plan.within is not None and depth < DEEPEST and plan.within in record:
            if depth == 0:
                self.forms["records in records"] += 1
            for inner in exploded(record, plan.within):
                yield from self._unfolded(inner, depth + 1)
            return
        yield self._untemplated(record) if plan.is_plain else record

    def _parsed(self, record: Record) -> Record:
        """Return a record whose texts that hold data are parsed, where those are what they are for."""
        packed = [n for n, v in record.items() if isinstance(v, str) and may_hold_data(v)]
        if not packed:
            return record
        found: Plain = dict(record)
        for name in packed:
            text: Any = record[name]
            value = self._value(record, name, text, len(packed))
            if value is not None:
                found[name] = value
                self.forms["data in a text"] += 1
        return found

    def _value(self, record: Record, name: str, text: str, packed: int) -> object:
        """Return what a text holds that is to be read as data: a chat, or all that the record says."""
        value = data_in(text)
        if value is None or hides_characters(text) or is_chat(value) or is_pairs(value):
            return value
        others = sum(isinstance(v, str) and len(v.split(None, 3)) > 3 for v in record.values())
        if isinstance(value, list):
            is_meant = (others <= packed and _is_table(value)) or name.lower() in _LABELS
        else:
            inner = cast(Record, value)
            is_answer = name.lower() in _ANSWERS and "text" in inner
            is_meant = is_answer or (others <= packed and bool(_understood(inner)))
        return value if is_meant else None

    def _plan(self, record: Record) -> "_Plan":
        key = _structure(record)
        if key is None:
            return _planned(record, self.kept)
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= MOST_REMEMBERED:
                self._plans.clear()
            found = self._plans[key] = _planned(record, self.kept)
        return found

    def _untemplated(self, record: Record) -> Record:
        """Return a record whose text, a chat template applied to turns, is the turns."""
        for name, value in record.items():
            if isinstance(value, str) and may_be_templated(value):
                found = messages_in(value)
                if found is not None:
                    self.forms[f"{found[0]} template"] += 1
                    return {**record, name: found[1]}
        return record


_ANSWERS = frozenset({"answers", "answer"})
_LABELS = frozenset({"label", "labels", "category", "categories", "emotion", "emotions", "intents"})


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done with records of one structure."""

    export: Export | None = None
    is_flat: bool = False
    within: str | None = None
    is_plain: bool = False


def _planned(record: Record, kept: frozenset[str]) -> _Plan:
    export = export_of(record)
    if export is not None:
        return _Plan(export=export)
    for name in record:
        if name not in kept and are_many_rounds(record[name]):
            return _Plan(within=name)
    if kind := _understood(record):
        return _Plan(is_plain=kind == "plain")
    if not any(isinstance(value, _NESTED) for value in record.values()):
        return _Plan(is_plain=True)
    opened = flat(record, kept)
    is_flat = opened.keys() != record.keys()
    if is_flat and (kind := _understood(opened)):
        return _Plan(is_flat=True, is_plain=kind == "plain")
    for name in lists_of_records(opened):
        if name not in kept and _holds_more(opened, name):
            return _Plan(is_flat=is_flat, within=name)
    return _Plan(is_flat=is_flat, is_plain=True)


def _understood(record: Record) -> str:
    """Return the kind of layout that a record's own fields tell without doubt; "" where there is doubt.

    A text alone is in doubt where a larger part of the record lies deeper.
    """
    layout = Scheme().layout(record, sorted(map(str, record)), is_all=True)
    if layout is None:
        return ""
    if layout.kind in ("instruction", "chat", "preference"):
        return layout.kind if "response" in layout.roles else ""
    has_more = any(isinstance(value, _NESTED) and value for value in record.values())
    is_told = not has_more or _is_mostly(record, layout.roles.get("text", ()))
    return layout.kind if is_told else ""


def _is_mostly(record: Record, names: Iterable[str]) -> bool:
    said = sum(len(value) for name in names if isinstance(value := record.get(name), str))
    deeper = sum(_text_in(value) for value in record.values() if isinstance(value, _NESTED))
    return said > deeper


def _text_in(value: object) -> int:
    total, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            total += len(item) if len(item.split(None, 2)) > 2 else 0
        elif isinstance(item, Mapping):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return total


def _holds_more(record: Record, name: str) -> bool:
    """Say whether what is in a field are records themselves and no more than parts of this one."""
    inner: Any = record[name]
    first = next(exploded({**record, name: inner[:1]}, name))
    own = inner[0]
    if isinstance(own, list) or _understood(first) in ("instruction", "chat", "preference"):
        return True
    if any(_holds_more(flat(first), one) for one in lists_of_records(flat(own))):
        return True
    return bool(_understood(own)) and _text_in(inner) * 2 > _text_in(list(record.values()))


def _is_table(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(item, Mapping) for item in value)


def _may_be_folded(record: Record) -> bool:
    """Say whether there may be anything to unfold: a quick look, for each record."""
    for value in record.values():
        if isinstance(value, str):
            is_folded = may_hold_data(value) or may_be_templated(value)
            if is_folded or value.startswith(LABEL_MARK):
                return True
        elif isinstance(value, _NESTED):
            return True
    return False


def _structure(record: Record) -> object:
    """Return what records that are to be read alike have in common; None where that is too much."""
    if len(record) > 64:
        return None
    parts = []
    for name, value in record.items():
        shape = _shape(value, 3)
        if shape is None:
            return None
        parts.append((name, shape))
    return tuple(parts)


def _shape(value: object, depth: int) -> object:
    if isinstance(value, str):
        if value.startswith(LABEL_MARK):
            return LABEL_MARK
        return "" if not value else "s" if len(value.split(None, 3)) < 3 else "t"
    if isinstance(value, Mapping):
        if len(value) > 32 or depth == 0:
            return None
        inner = [(str(name), _shape(below, depth - 1)) for name, below in value.items()]
        return None if any(shape is None for _, shape in inner) else ("m", *inner)
    if isinstance(value, list):
        if value and is_message_list(value):
            return "chat"
        first = _shape(value[0], depth - 1) if value and depth else ""
        return None if first is None else ("l", first, len(value) >= MANY_ROUNDS)
    return "n" if value is not None else ""


def _numbered(
    block: RecordBlock, unread: list[Unread], changed: Mapping[int, list[Record]], more: int
) -> tuple[RecordBlock, list[Unread], int]:
    """Return a block and what was not read before it, with the records that changed in place of others.

    `more` is by how many the records before it became more; so it is returned for what comes after.
    """
    starts, made = [], replace(block, rows=[], byte_offsets=[], digests=[], fields=[], oddities=[])
    for place, record in enumerate(block.fields):
        found, start = changed.get(place, [record]), block.rows[place] + more
        starts.append(start)
        more += len(found) - 1
        made.rows.extend(range(start, start + len(found)))
        made.fields.extend(found)
        made.byte_offsets.extend([block.byte_offsets[place]] * len(found))
        made.oddities.extend([block.oddities[place]] * len(found))
        whole = len(found) == 1
        made.digests.extend([block.digests[place]] if whole else map(digest_of, found))
    told = []
    for item in unread:
        place = bisect_right(block.rows, item.row) - 1
        moved = starts[place] - block.rows[place] if place >= 0 else 0
        if place >= 0 and item.row > block.rows[place]:
            moved += len(changed.get(place, [()])) - 1
        told.append(replace(item, row=item.row + moved) if item.row >= 0 else item)
    return made, told, more
