"""What decides by which layout a record is read: its own fields, then a sample of all records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, lru_cache

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import names
from corpus_guard.normalise.facts import (
    ABSENT,
    BLANK,
    NO_LABEL_VALUE,
    SCALAR,
    Facts,
    Record,
    Survey,
    asked,
    kind_of,
)
from corpus_guard.normalise.fields import NOTHING, field_value, leaf
from corpus_guard.normalise.languages import LANGUAGES
from corpus_guard.normalise.layouts import layout_of
from corpus_guard.normalise.matching import Fields, table_names
from corpus_guard.normalise.shapes import is_label_like
from corpus_guard.normalise.speakers import Speakers, learned_speakers
from corpus_guard.normalise.turns import is_chat, speakers_in
from corpus_guard.types import Layout

JUDGED_ROLES = ("text", "prompt", "response", "rejected", "label")
LONGEST_KNOWN_NAME = 40
LABELS = frozenset(names.LABEL)
_TEXTS = ("text", "prompt", "response")
_TRANSLATION = frozenset({"translation", "translations"})


@cache  # the tables do not change
def known_names() -> frozenset[str]:
    """Return every field and path that has a meaning by its name, and where the paths begin."""
    beside = (names.TEXT, names.HEADING, names.LABEL, names.SOURCE, names.TIME, names.URL, names.ID)
    found = {name for group in beside for name in group} | table_names() | _TRANSLATION
    return frozenset(found | {name.split(".")[0] for name in found})


@cache
def _paths() -> Mapping[str, tuple[str, ...]]:
    """Return the paths that have a meaning by where they begin, without that."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(name for name in known_names() if "." in name):
        first, _, rest = path.partition(".")
        found[first] = (*found.get(first, ()), rest)
    return found


@lru_cache(maxsize=16)  # asked for each record of a layout of its own
def named_by(overrides: FieldOverrides) -> tuple[str, ...]:
    """Return the fields that the user names, sorted."""
    return tuple(sorted({name for name in asdict(overrides).values() if name is not None}))


def holds(record: Record, name: str) -> bool:
    """Say whether a record has a field, by its name or by a path that leads to something."""
    return name in record or ("." in name and field_value(record, name) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How records are read: what the user names, and what a sample of all of them tells.

    `speakers` are the sides of those in chats whose names tell nothing. With `turned` above 0, records
    are read by the so many-th of the other readings of their layouts, see `Layout.turned`.
    """

    overrides: FieldOverrides = field(default_factory=FieldOverrides)
    survey: Survey = field(default_factory=Survey)
    speakers: Speakers = field(default_factory=dict)
    turned: int = 0

    @classmethod
    def of(cls, records: Iterable[Record], overrides: FieldOverrides) -> "Scheme":
        """Return the scheme that a sample of the records tells."""
        paths = {name for name in known_names() if "." in name}
        named = set(named_by(overrides))
        known = known_names() | {name.lower() for name in named}
        sample = list(records)
        survey = Survey.of(sample, known, paths | {name for name in named if "." in name})
        speakers = learned_speakers(
            speakers_in(value)
            for record in sample
            for value in record.values()
            if isinstance(value, list) and is_chat(value)
        )
        return cls(overrides=overrides, survey=survey, speakers=speakers)

    @property
    def names_texts(self) -> bool:
        """Whether the user says which fields are texts."""
        return any(getattr(self.overrides, role) is not None for role in _TEXTS)

    def knows(self, name: str) -> bool:
        """Say whether a field's name says anything: it is in the tables, or in the sample."""
        if name in self.survey.names:
            return True
        low = name.lower() if len(name) <= LONGEST_KNOWN_NAME else name
        return low in known_names() or leaf(low) in known_names() or low in LANGUAGES

    def mark(self, name: str, value: object) -> object:
        """Return what of a value decides how its record is read; equal marks, equal layouts.

        That is its kind, and where the survey says nothing, what it says itself.
        """
        kind = _kind(name, value)
        if kind in (ABSENT, BLANK):
            return kind
        parts, known = _parts(name, kind, value), self.survey.facts
        own = tuple(Facts.of_one(v) for path, v, k in parts if (path, asked(k)) not in known)
        inside = tuple((path, k) for path, _, k in parts[1:])
        pair = _languages(name, value)
        return (kind, inside, own, pair) if inside or own or pair else kind

    def layout(self, record: Record, fields: Sequence[str], *, is_all: bool) -> Layout | None:
        """Return the layout of a record by some of its fields; None where the others may matter.

        Empty values play a role only beside all that the others say: a table has a column for
        every field of any of its records.
        """
        kinds = {name: _kind(name, field_value(record, name)) for name in fields}
        held = [name for name, kind in kinds.items() if kind != ABSENT]
        filled = [name for name in held if kinds[name] != BLANK]
        best = self._fitting(record, filled, kinds, is_all)
        if best is None or len(filled) == len(held):
            return best
        wide = self._fitting(record, held, kinds, is_all)
        return wide if wide is not None and _includes(wide, best) else best

    def _fitting(
        self, record: Record, fields: Sequence[str], kinds: Mapping[str, str], is_all: bool
    ) -> Layout | None:
        facts: dict[str, Facts] = {}
        for name in fields:
            for path, value, kind in _parts(name, kinds[name], field_value(record, name)):
                facts[path] = self._facts(path, kind, value)
        named = named_by(self.overrides)
        ordinary = sorted(name for name in fields if name in record and name not in named)
        known = Fields(folded=_folded(ordinary), facts=facts)
        return layout_of(known, self._overrides(record), is_all=is_all)

    def _facts(self, name: str, kind: str, value: object) -> Facts:
        facts = self.survey.of_value(name, kind, value)
        if kind == NO_LABEL_VALUE:
            shapes = tuple(s for s in facts.shapes if s not in ("label", "some_labels"))
            return replace(facts, shapes=shapes, few=0)
        pair = _languages(name, value)
        return replace(facts, languages=pair) if pair else facts

    def _overrides(self, record: Record) -> FieldOverrides:
        """Return what the user names, less what this record does not hold at all."""
        given = self.overrides
        if not named_by(given):
            return given
        if given.label is not None and not holds(record, given.label):
            given = replace(given, label="")
        texts = [getattr(given, role) for role in _TEXTS]
        if not any(name is not None and holds(record, name) for name in texts):
            given = replace(given, text=None, prompt=None, response=None)
        return given


def _folded(fields: Iterable[str]) -> dict[str, str]:
    """Return fields by name in lower case; one with a path by its last part too, where that is free."""
    found = {name.lower(): name for name in fields}
    for low, name in sorted(found.items()):
        if "." in low:
            found.setdefault(leaf(low), name)
    return found


def _kind(name: str, value: object) -> str:
    """Return the kind of a value; in the field of a label, whether it could be one."""
    kind = kind_of(value)
    if kind not in (SCALAR, BLANK) or leaf(name.lower()) not in LABELS:
        return kind
    if kind == BLANK:
        return ABSENT
    return SCALAR if is_label_like([value]) else NO_LABEL_VALUE


def _parts(name: str, kind: str, value: object) -> list[tuple[str, object, str]]:
    """Return a value and what has a meaning inside it: (path, value, kind)."""
    found = [(name, value, kind)]
    if kind == "m" and isinstance(value, Mapping):
        for rest in _paths().get(name.lower(), ()):
            inner = field_value(value, rest)
            if inner not in NOTHING:
                found.append((f"{name}.{rest}", inner, kind_of(inner)))
    return found


def _languages(name: str, value: object) -> tuple[str, ...]:
    """Return which two languages a translation is in; nothing for any other value."""
    is_pair = isinstance(value, Mapping) and len(value) == 2 and name.lower() in _TRANSLATION
    return tuple(map(str, value)) if is_pair and isinstance(value, Mapping) else ()


def _includes(wide: Layout, narrow: Layout) -> bool:
    """Say whether a layout gives all the roles that another gives, to the same fields.

    A field that is the text only because it is the longest may have any role.
    """
    texts = narrow.roles.get("text", ())
    if len(texts) == 1 and texts[0].lower() not in names.TEXT and "label" not in narrow.roles:
        return any(texts[0] in wide.roles.get(role, ()) for role in JUDGED_ROLES)
    return all(
        set(fields) <= set(wide.roles.get(role, ()))
        for role, fields in narrow.roles.items()
        if role in JUDGED_ROLES
    )
