"""Records sorted by their layouts, many at a time.

Records that hold the same fields, with values of the same kinds, are read alike. What that means for
them is found once and remembered, so that a file of one layout costs little more than a look at its
keys. However many different records there are, what is remembered is bounded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus_guard.normalise.facts import ABSENT, BLANK, LIST_OF_MAPPINGS, SCALAR, Record
from corpus_guard.normalise.fields import field_value, leaf
from corpus_guard.normalise.pairs import read_otherwise
from corpus_guard.normalise.scheme import LABELS, Scheme, named_by
from corpus_guard.normalise.strange import Strange
from corpus_guard.normalise.turns import is_chat
from corpus_guard.types import Layout, LayoutRows

MOST_REMEMBERED = 1024
MOST_FIELDS_REMEMBERED = 64
MOST_OTHERS = 256
MOST_COUNTED = 64
LONGEST_LABEL = 100
_PLAIN = frozenset({str, int, bool, type(None)})

Marks = tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """The fields of some records that have a meaning by their names, and whether there are no others."""

    known: tuple[str, ...]
    is_whole: bool


@dataclass(slots=True)
class Sorter:
    """Sorts records by their layouts, and counts them."""

    scheme: Scheme
    _of_keys: dict[Marks, tuple[_Held, tuple[str, ...]]] = field(default_factory=dict)
    _held: dict[Marks, _Held] = field(default_factory=dict)
    _layouts: dict[Marks, Layout | None] = field(default_factory=dict)
    _one_of_each: dict[str, Layout] = field(default_factory=dict)
    _counted: dict[int, tuple[Layout, int]] = field(default_factory=dict)
    _rare: Counter[tuple[str, str]] = field(default_factory=Counter)
    _strange: Strange = field(default_factory=Strange)

    def groups(self, records: Sequence[Record]) -> list[tuple[Layout, Sequence[int]]]:
        """Return the layouts of records, and the places of those that are read by each, sorted."""
        found: dict[int, tuple[Layout, list[Sequence[int]]]] = {}
        for held, places, others in self._by_keys(records):
            chosen = [records[place] for place in places] if len(places) < len(records) else records
            for layout, among in self._by_marks(held, chosen, others):
                here = places if len(among) == len(places) else [places[place] for place in among]
                found.setdefault(id(layout), (layout, []))[1].append(here)
                self._count(layout, len(here))
        return [(layout, _joined(pieces)) for layout, pieces in found.values()]

    def counted(self) -> tuple[LayoutRows, ...]:
        """Return how many records were read by each layout since this was last asked."""
        found = [LayoutRows(layout=layout, rows=rows) for layout, rows in self._counted.values()]
        for (kind, name), rows in self._rare.items():
            rare = Layout(kind=kind, roles={}, name=name)  # type: ignore[arg-type]
            found.append(LayoutRows(layout=rare, rows=rows))
        self._counted, self._rare = {}, Counter()
        return tuple(sorted(found, key=lambda one: (-one.rows, repr(one.layout))))

    def look_at_rest(
        self, layout: Layout, records: Sequence[Record], columns: Mapping[str, Sequence[str | None]]
    ) -> None:
        """Note the records of a layout that say most in fields of no role."""
        if not self.scheme.turned and not self.scheme.names_texts:
            self._strange.look(layout, records, columns)

    def not_understood(self, rows: int) -> str:
        """Return why some of so many rows were not understood, since this was last asked; "" if all."""
        told, self._strange = self._strange.told(rows), Strange()
        return told

    def _count(self, layout: Layout, rows: int) -> None:
        before = self._counted.get(id(layout), (layout, 0))[1]
        if before or len(self._counted) < MOST_COUNTED:
            self._counted[id(layout)] = (layout, before + rows)
        else:
            self._rare[layout.kind, layout.name] += rows

    def _by_keys(
        self, records: Sequence[Record]
    ) -> Iterator[tuple[_Held, Sequence[int], Sequence[tuple[str, ...]]]]:
        """Yield records by their fields: their places, and what other fields each of them has."""
        keys: list[Marks] = list(map(tuple, records))
        if keys and keys.count(keys[0]) == len(keys):
            held, others = self._fields(keys[0])
            yield held, range(len(keys)), () if held.is_whole else [others] * len(keys)
            return
        found: dict[_Held, tuple[list[int], list[tuple[str, ...]]]] = {}
        for place, key in enumerate(keys):
            held, others = self._fields(key)
            group = found.setdefault(held, ([], []))
            group[0].append(place)
            group[1].append(others)
        for held, (places, beside) in found.items():
            yield held, places, () if held.is_whole else beside

    def _fields(self, keys: Marks) -> tuple[_Held, tuple[str, ...]]:
        """Return what of some keys has a meaning, and the others; of very many others not all."""
        found = self._of_keys.get(keys)
        if found is None:
            strings = {key for key in keys if isinstance(key, str)}
            known = {key for key in strings if self.scheme.knows(key)}
            known.update(named_by(self.scheme.overrides))
            others = tuple(sorted(strings - known)[:MOST_OTHERS])
            told = (tuple(sorted(known)), not others)
            if told not in self._held:
                _remember(self._held, told, _Held(*told))
            found = (self._held[told], others)
            if len(keys) <= MOST_FIELDS_REMEMBERED:
                _remember(self._of_keys, keys, found)
        return found

    def _by_marks(
        self, held: _Held, records: Sequence[Record], others: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[Layout, Sequence[int]]]:
        """Yield the layouts of records that hold the same fields, with the places of those of each."""
        columns = [self._marks(name, records) for name in held.known]
        if others:
            columns.append(list(map(_chats, records, others)))
        told, count = _told(columns), len(records)
        if told is None:
            firsts: dict[Any, int] = {None: 0}
        else:
            firsts = dict(zip(reversed(told), range(count - 1, -1, -1), strict=True))
        found: dict[Any, Layout | None] = {}
        for marks, place in firsts.items():
            key: Marks = (held, *(c if isinstance(c, str) else c[place] for c in columns))
            fields = (*held.known, *(key[-1] if others else ()))
            found[marks] = self._layout(key, records[place], fields, is_all=held.is_whole)
        one = next(iter(found.values()))
        if one is not None and all(layout is one for layout in found.values()):
            yield one, range(count)
            return
        for marks, places in _places(told if told is not None else [None] * count).items():
            layout = found[marks]
            if layout is not None:
                yield layout, places
                continue
            for place in places:
                yield self._by_all(records[place], (*held.known, *others[place])), [place]

    def _marks(self, name: str, records: Sequence[Record]) -> str | list[object]:
        """Return what tells the values of a field apart, as one mark where it is the same for all."""
        values = [record.get(name) for record in records]
        types, known = set(map(type, values)), self.scheme.survey.facts
        if types <= _PLAIN and (name, SCALAR) in known:
            found = _quick_marks(values, types, leaf(name.lower()) in LABELS)
            if found is not None:
                return found
        if types == {list} and (name, LIST_OF_MAPPINGS) in known and _are_lists_of_mappings(values):
            return LIST_OF_MAPPINGS
        if "." in name:
            values = [field_value(record, name) for record in records]
        marks = [self.scheme.mark(name, value) for value in values]
        first = marks[0]
        return first if isinstance(first, str) and marks.count(first) == len(marks) else marks

    def _layout(
        self, marks: Marks, record: Record, fields: Sequence[str], *, is_all: bool
    ) -> Layout | None:
        if marks not in self._layouts:
            found = self._kept(self.scheme.layout(record, fields, is_all=is_all))
            if len(fields) > MOST_FIELDS_REMEMBERED:
                return found
            _remember(self._layouts, marks, found)
        return self._layouts[marks]

    def _by_all(self, record: Record, fields: Sequence[str]) -> Layout:
        """Return the layout of a record with text in fields that only it may have."""
        found = self._kept(self.scheme.layout(record, fields, is_all=True))
        if found is None:
            raise TypeError("a record has no layout by all its fields")
        return found

    def _kept(self, layout: Layout | None) -> Layout | None:
        """Return the one layout of those that are equal, so that its records stay together."""
        if layout is None:
            return None
        if self.scheme.turned:
            layout = read_otherwise(layout, self.scheme.turned)
        told = repr(layout)
        if told not in self._one_of_each:
            _remember(self._one_of_each, told, layout)
        return self._one_of_each[told]


def _chats(record: Record, fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that hold a list of messages."""
    return tuple(f for f in fields if isinstance(record[f], list) and is_chat(record[f]))


def _quick_marks(
    values: list[object], types: set[type], is_label: bool
) -> str | list[object] | None:
    """Return the marks of texts and whole numbers; None where some are no labels."""
    if is_label and max(map(len, map(str, values))) > LONGEST_LABEL:
        return None
    if type(None) not in types and "" not in values:
        return SCALAR
    blank = ABSENT if is_label else BLANK
    if type(None) not in types and values.count("") == len(values):
        return blank
    return [ABSENT if value is None else blank if value == "" else SCALAR for value in values]


def _are_lists_of_mappings(values: list[Any]) -> bool:
    return {type(value[0]) if value else None for value in values} == {dict}


def _told(columns: Sequence[str | list[Any]]) -> list[Any] | None:
    """Return what tells records apart, one after the other; None where nothing does."""
    varying = [column for column in columns if not isinstance(column, str)]
    if len(varying) == 1:
        return varying[0]
    return list(zip(*varying, strict=True)) if varying else None


def _places(marks: Iterable[Any]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = {}
    for place, mark in enumerate(marks):
        found.setdefault(mark, []).append(place)
    return found


def _joined(pieces: Sequence[Sequence[int]]) -> Sequence[int]:
    return pieces[0] if len(pieces) == 1 else sorted(place for piece in pieces for place in piece)


def _remember(found: dict[Any, Any], key: object, value: object) -> None:
    if len(found) >= MOST_REMEMBERED:
        found.clear()
    found[key] = value
