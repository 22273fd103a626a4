"""What is known of the values that fields hold: of many records, or of one alone.

A field's values are told apart by their kind, so that a name that holds a text here and a chat there is
judged as each of them. What many records tell beats what one tells; a kind of which few were seen tells
nothing, and each record speaks for itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from corpus_guard.normalise.fields import NOTHING, field_value
from corpus_guard.normalise.shapes import COMMON_SHARE, SHAPES, is_label_like, is_short

ABSENT, BLANK, SCALAR, NO_LABEL_VALUE = "", "-", "s", "o"
"""Kinds of values: null; an empty one; a text or number; one that is no label in a label's field."""

LIST_OF_MAPPINGS = "lm"
FEWEST_KNOWN = 16
MOST_NAMES = 256
MOST_JUDGED = 512
MOST_LABEL_VALUES = 64
MOST_VARIED_LABEL = 0.5
_FEWEST_OF_A_LABEL = 4
_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")

_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "scalar": ("prose", "label", "flag", "pick"),
    "list": ("chat", "pairs", "strings", "list", "label"),
    "map": ("chat", "tree", "languages"),
}
"""Which shapes values of a kind may have."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What values of one kind are like.

    `shapes` they have, see `SHAPES`, and `some_labels` where one in 8 or more could be a label;
    `length` is their mean length in characters; `few` how many different short values recur so that
    they could be labels, else 0; `languages` the keys of most mappings of two texts; `asks` the share
    that ends with a question mark, `place` the mean place among a record's fields, from 0; `varied` how
    many different values there are for each value, 0 where one alone is known; `is_constant` whether
    many records have the same.
    """

    shapes: tuple[str, ...] = ()
    length: int = 0
    few: int = 0
    languages: tuple[str, ...] = ()
    asks: float = 0.0
    place: float = 0.0
    varied: float = 0.0
    is_constant: bool = False

    @classmethod
    def of(cls, values: Sequence[object]) -> Self:
        """Return what values of one kind tell; only the first MOST_JUDGED decide their shapes."""
        judged = values[:MOST_JUDGED]
        first = judged[0]
        kind = "list" if isinstance(first, list | tuple) else "map"
        names = _OF_KIND[kind if isinstance(first, list | tuple | Mapping) else "scalar"]
        shapes = [name for name in names if SHAPES[name](judged)]
        is_scalar = names is _OF_KIND["scalar"]
        if is_scalar:
            some = sum(is_label_like([value]) for value in judged) * COMMON_SHARE >= len(judged)
            shapes += ["some_labels"] if some else []
        total = sum(len(value) for value in judged if isinstance(value, str))
        return cls(
            shapes=tuple(shapes),
            length=-(-total // len(judged)),
            few=_few(values),
            languages=_languages(judged) if "languages" in shapes else (),
            varied=_varied(judged) if is_scalar else 0.0,
            is_constant=is_scalar
            and len(judged) >= FEWEST_KNOWN
            and len(set(map(str, judged))) == 1,
            asks=round(sum(map(_is_question, judged)) / len(judged), 2),
        )

    @property
    def is_text(self) -> bool:
        """Whether the values are free text, most of it said once: no label, however short."""
        return "prose" in self.shapes and not self.few and self.varied > MOST_VARIED_LABEL

    @classmethod
    def of_one(cls, value: object) -> Self:
        """Return what one value tells; its length only roughly, so that many are alike."""
        told = cls.of([value])
        return cls(
            shapes=told.shapes, length=1 << told.length.bit_length(), languages=told.languages
        )


def _varied(values: Sequence[object]) -> float:
    return round(len(set(map(str, values))) / len(values), 3) if len(values) > 1 else 0.0


def _is_question(value: object) -> bool:
    return isinstance(value, str) and value.rstrip().endswith(_QUESTION_MARKS)


def _few(values: Sequence[object]) -> int:
    """Return how many short values recur, if most are such."""
    short = Counter(str(value) for value in values if is_short(value, 40))
    if short.total() * COMMON_SHARE < len(values) * (COMMON_SHARE - 1):
        return 0
    recurring = [count for count in short.values() if count >= _FEWEST_OF_A_LABEL]
    covered = sum(recurring)
    most = min(MOST_LABEL_VALUES, covered // 8)
    return len(recurring) if 2 <= len(recurring) <= most and covered * 2 >= len(values) else 0


def _languages(values: Sequence[object]) -> tuple[str, ...]:
    pairs = Counter(
        tuple(str(key) for key in value) for value in values if isinstance(value, Mapping)
    )
    return max((pair for pair in pairs if len(pair) == 2), key=lambda pair: (pairs[pair], pair))


def kind_of(value: object) -> str:
    """Return the kind of a value, as far as it matters for what can be said of it."""
    if value is None or (isinstance(value, float) and value != value):
        return ABSENT
    if isinstance(value, str):
        return SCALAR if value else BLANK
    if isinstance(value, list | tuple):
        return f"l{_kind_of_item(value[0])}" if value else BLANK
    if isinstance(value, Mapping):
        return "m" if value else BLANK
    return SCALAR


def _kind_of_item(item: object) -> str:
    if isinstance(item, str):
        return "s"
    return "m" if isinstance(item, Mapping) else "l" if isinstance(item, list | tuple) else "o"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a sample of all records tells of their fields: facts by name or path, and by kind."""

    facts: Mapping[tuple[str, str], Facts] = field(default_factory=dict)
    names: frozenset[str] = field(default=frozenset(), repr=False)  # parts are named by the rest

    @classmethod
    def of(cls, records: Iterable[Record], known: Collection[str], paths: Iterable[str]) -> Self:
        """Return what records tell of fields of known names, of the commonest others, and of paths."""
        found: dict[str, dict[str, list[object]]] = {}
        places: dict[str, list[int]] = {}
        for record in records:
            for place, (name, value) in enumerate(record.items()):
                if isinstance(name, str):
                    _note(found, name, value)
                    places.setdefault(name, []).append(place)
        others = sorted(
            (name for name in found if name.lower() not in known),
            key=lambda name: (-sum(map(len, found[name].values())), name),
        )
        for name in others[MOST_NAMES:]:
            del found[name]
        for path in sorted(paths):
            _note_path(found, path)
        facts = {
            (name, kind): replace(Facts.of(values), place=_mean(places.get(name, ())))
            for name, kinds in sorted(found.items())
            for kind, values in sorted(kinds.items())
            if len(values) >= FEWEST_KNOWN
        }
        return cls(facts=facts, names=frozenset(name for name, _ in facts))

    def of_value(self, name: str, kind: str, value: object) -> Facts:
        """Return what is known of a value in a field, or else what it tells itself."""
        known = self.facts.get((name, asked(kind)))
        if known is None:
            return Facts() if kind == BLANK else Facts.of_one(value)
        return known


def _mean(places: Sequence[int]) -> float:
    return round(sum(places) / len(places), 1) if places else 0.0


def asked(kind: str) -> str:
    """Return the kind under which facts of values of a kind are kept."""
    return SCALAR if kind in (BLANK, NO_LABEL_VALUE) else kind


def _note(found: dict[str, dict[str, list[object]]], name: str, value: object) -> None:
    kind = kind_of(value)
    if kind not in (ABSENT, BLANK):
        found.setdefault(name, {}).setdefault(kind, []).append(value)


def _note_path(found: dict[str, dict[str, list[object]]], path: str) -> None:
    """Note what stands at a path in the mappings, whose first part is meant in any case."""
    first, _, rest = path.partition(".")
    for top in [name for name in found if name.lower() == first.lower() and name != path]:
        for value in found[top].get("m", ()):
            if isinstance(value, Mapping):
                inner = field_value(value, rest)
                if inner not in NOTHING:
                    _note(found, f"{top}.{rest}", inner)
