"""Which fields of some records fill the slots of a known layout."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from corpus_guard.normalise.facts import Facts
from corpus_guard.normalise.known import KNOWN, Known
from corpus_guard.types import Layout

Roles = dict[str, tuple[str, ...]]

_OPTION = re.compile(r"([^:?]+)(?::(\w+))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields that a record holds, by name in lower case, and what their values are like.

    `facts` are by name and by the paths that the tables of names lead into it.
    """

    folded: Mapping[str, str]
    facts: Mapping[str, Facts]

    def without(self, roles: Roles) -> "Fields":
        """Return the fields less those that play a role."""
        taken = {name for names in roles.values() for name in names}
        free = {low: name for low, name in self.folded.items() if name not in taken}
        return Fields(folded=free, facts=self.facts)

    def named(self, candidate: str) -> str | None:
        """Return a field by its name in any case, or a path that leads to something."""
        if candidate in self.folded or "." not in candidate:
            return self.folded.get(candidate)
        first, _, rest = candidate.partition(".")
        path = f"{self.folded.get(first, '')}.{rest}"
        return path if path in self.facts else None

    def matching(self, candidates: Sequence[str]) -> tuple[str, ...]:
        """Return the candidates that are present."""
        return tuple(name for low in candidates if (name := self.named(low)) is not None)

    def fits(self, name: str, shape: str) -> bool:
        """Say whether a field's values have a shape."""
        return name in self.facts and shape in self.facts[name].shapes


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
    return _candidates(table_names().intersection(fields.folded))


@cache  # the table does not change
def table_names() -> frozenset[str]:
    """Return every field and path that the table names, and where the paths begin."""
    return frozenset(
        top
        for known in KNOWN
        for text in (*known.roles.values(), known.needs, known.winner)
        for slot in _slots(text)
        for name, _ in slot.options
        for top in (name, name.split(".")[0])
    )


@lru_cache(maxsize=1024)  # a pure function; records of a few kinds come by the million
def _candidates(names: frozenset[str]) -> tuple[Known, ...]:
    return tuple(
        known for known, required in _required() if not any(map(names.isdisjoint, required))
    )


@cache  # the table does not change
def _required() -> tuple[tuple[Known, tuple[frozenset[str], ...]], ...]:
    """Return each entry with the fields that may fill each slot that must be filled."""
    return tuple(
        (
            known,
            tuple(
                frozenset(top for name, _ in slot.options for top in (name, name.split(".")[0]))
                for text in (*known.roles.values(), known.needs, known.winner)
                for slot in _slots(text)
                if not slot.is_optional
            ),
        )
        for known in KNOWN
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
