"""Which fields of some records fill the slots of a known layout."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from corpus_guard.normalise.fields import field_value
from corpus_guard.normalise.known import KNOWN, Known
from corpus_guard.normalise.shapes import COMMON_SHARE, SHAPES
from corpus_guard.types import Layout

Records = Sequence[Mapping[str, object]]
Roles = dict[str, tuple[str, ...]]

_OPTION = re.compile(r"([^:?]+)(?::(\w+))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields that enough of the records hold, by name in lower case."""

    records: Records
    folded: Mapping[str, str]

    @classmethod
    def of(cls, records: Records, named: set[object]) -> "Fields":
        """Return the fields less those that the user names, which have their roles already."""
        held = Counter(
            str(name) for record in records for name, value in record.items() if value is not None
        )
        enough = len(records) // COMMON_SHARE
        present = sorted(name for name, count in held.items() if count >= enough)
        return cls(
            records=records,
            folded={name.lower(): name for name in present if name not in named},
        )

    def without(self, roles: Roles) -> "Fields":
        """Return the fields less those that play a role."""
        taken = {name for names in roles.values() for name in names}
        free = {low: name for low, name in self.folded.items() if name not in taken}
        return Fields(records=self.records, folded=free)

    def values(self, name: str) -> list[object]:
        """Return a field's values that are not null."""
        found = [field_value(record, name) for record in self.records]
        return [value for value in found if value is not None]

    def named(self, candidate: str) -> str | None:
        """Return a field by its name in any case, or a path of which enough records hold something."""
        if candidate in self.folded or "." not in candidate:
            return self.folded.get(candidate)
        first, _, rest = candidate.partition(".")
        if first not in self.folded:
            return None
        path = f"{self.folded[first]}.{rest}"
        return path if len(self.values(path)) >= max(1, len(self.records) // COMMON_SHARE) else None

    def matching(self, candidates: Sequence[str]) -> tuple[str, ...]:
        """Return the candidates that are present."""
        return tuple(name for low in candidates if (name := self.named(low)) is not None)

    def fits(self, name: str, shape: str) -> bool:
        """Say whether a field's values have a shape."""
        values = self.values(name)
        return bool(values) and SHAPES[shape](values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    options: tuple[tuple[str, str], ...]
    is_optional: bool
    is_again: bool

    def fill(self, fields: Fields, taken: Sequence[str]) -> str | None:
        """Return the first field that is there and fits, none that is taken in whole or in part."""
        taken = () if self.is_again else taken
        tops = {name.split(".")[0] for name in taken}
        for candidate, shape in self.options:
            name = fields.named(candidate)
            if name is None or name in taken or name in tops:
                continue
            if not shape or fields.fits(name, shape):
                return name
        return None


@cache  # the table does not change
def _slots(text: str) -> tuple[_Slot, ...]:
    slots = []
    for word in text.split():
        parts = word.removesuffix("?").removeprefix("&").split("|")
        options = [match for part in parts if (match := _OPTION.match(part))]
        slots.append(
            _Slot(
                options=tuple((match[1], match[2] or "") for match in options),
                is_optional=word.endswith("?"),
                is_again=word.startswith("&"),
            )
        )
    return tuple(slots)


def candidates(fields: Fields) -> tuple[Known, ...]:
    """Return the entries whose fields are there as far as names tell."""
    return _candidates(_field_names().intersection(fields.folded))


@cache  # the table does not change
def _field_names() -> frozenset[str]:
    """Return every top field that the table names."""
    return frozenset(
        top
        for known in KNOWN
        for text in (*known.roles.values(), known.needs, known.winner)
        for slot in _slots(text)
        for name, _ in slot.options
        for top in (name, name.split(".")[0])
    )


@lru_cache(maxsize=256)  # a pure function; records of a few kinds come by the million
def _candidates(names: frozenset[str]) -> tuple[Known, ...]:
    def may_fill(slot: _Slot) -> bool:
        return slot.is_optional or any(
            name in names or name.split(".")[0] in names for name, _ in slot.options
        )

    return tuple(
        known
        for known in KNOWN
        if all(
            may_fill(slot)
            for text in (*known.roles.values(), known.needs, known.winner)
            for slot in _slots(text)
        )
    )


def fitted(known: Known, fields: Fields, named: Mapping[str, str]) -> Layout | None:
    """Return a known layout with these fields, or None if they do not fit."""
    if named and (known.kind == "chat" or not named.keys() <= known.roles.keys()):
        return None
    if _filled(known.needs, fields) is None:
        return None
    roles: Roles = {}
    for role, slots in known.roles.items():
        taken = [name for names in roles.values() for name in names]
        names = (named[role],) if role in named else _filled(slots, fields, taken)
        if names is None:
            return None
        if names:
            roles[role] = names
    winner = _filled(known.winner, fields)
    if winner is None:
        return None
    return Layout(
        kind=known.kind,
        roles=roles,
        name=known.name,
        winner=winner[0] if winner else "",
        second=known.second,
    )


def _filled(slots: str, fields: Fields, taken: Sequence[str] = ()) -> tuple[str, ...] | None:
    """Return the fields that fill the slots, or None when one stays empty that must not."""
    names: list[str] = []
    for slot in _slots(slots):
        name = slot.fill(fields, (*taken, *names))
        if name is not None:
            names.append(name)
        elif not slot.is_optional:
            return None
    return tuple(names)
