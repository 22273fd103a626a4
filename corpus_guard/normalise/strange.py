"""Records that say most in fields of no role: read, but not understood."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from corpus_guard.escape import safe_text
from corpus_guard.normalise.fields import Used, leaf, leaves
from corpus_guard.normalise.names import NO_TEXT
from corpus_guard.types import Layout

FEWEST_SHARE = 0.05
"""In fewer records it is an oddity of these, and no sign that the file was taken for another."""

MANY_TEXTS = 64
"""So many texts in one record are records themselves."""

FEWEST_CHARACTERS = 40
MORE_THAN_SAID = 16
"""How many times more there must be beside a prompt and its response, which are sure of their roles."""

RAW = "_raw"
"""The field of what is no record: a list, a number, something nested too deep."""

_ROLES = ("text", "prompt", "response", "rejected")
_FEWEST_WORDS = 5
_LISTED = 3

Record = Mapping[str, object]


@dataclass(slots=True)
class Strange:
    """Counts records that are not understood, and the fields that hold what they say."""

    rows: int = 0
    heaps: int = 0
    fields: Counter[str] = field(default_factory=Counter)

    def look(
        self, layout: Layout, records: Sequence[Record], columns: Mapping[str, Sequence[str | None]]
    ) -> None:
        """Note the records of a layout that say more in fields of no role than in all others."""
        if layout.roles.get("text") == (RAW,):
            said = sum(len(text or "") >= FEWEST_CHARACTERS for text in columns["text"])
            self.rows += said
            self.fields[RAW] += said
            return
        others, told = columns["other"], [columns[role] for role in _ROLES if role in columns]
        factor = MORE_THAN_SAID if "response" in layout.roles or layout.turned else 1
        for place, other in enumerate(others):
            if other is None or len(other) < FEWEST_CHARACTERS:
                continue
            said = sum(len(column[place] or "") for column in told)
            if len(other) > factor * said:
                self._note(layout, records[place], said * factor)

    def _note(self, layout: Layout, record: Record, least: int) -> None:
        sizes: Counter[str] = Counter()
        texts = 0
        for name, size in _texts(layout, record):
            sizes[name] += size
            texts += 1
        if sizes.total() > max(least, FEWEST_CHARACTERS):
            self.rows += 1
            self.heaps += texts > MANY_TEXTS
            self.fields[max(sizes, key=lambda name: (sizes[name], name))] += 1

    def told(self, rows: int) -> str:
        """Return what of so many rows was not understood, and the mend; "" where nothing is to say."""
        if not self.heaps and self.rows <= FEWEST_SHARE * rows:
            return ""
        if self.fields[RAW] * 2 > self.rows:
            return (
                f"{self.fields[RAW]:,} values are no records; make each an object, such as"
                ' {"text": "..."}'
            )
        ranked = sorted(self.fields, key=lambda name: (-self.fields[name], name))[:_LISTED]
        names = ", ".join(safe_text(name, 40) for name in ranked)
        held = f"{self.rows:,} record{'s say' if self.rows != 1 else ' says'}"
        return (
            f"{held} most in fields of no role ({names}), which no rule for triggers looked at; say what"
            " they are: --text-field, or --prompt-field and --response-field"
        )


def _texts(layout: Layout, record: Record) -> Iterator[tuple[str, int]]:
    """Yield the field and the length of each text of several words that plays no role."""
    for name, value in Used.of(layout.roles).rest(record):
        if name.lower() in NO_TEXT or leaf(name.lower()) in NO_TEXT:
            continue
        for _, text in leaves(value):
            if len(text.split(None, _FEWEST_WORDS)) >= _FEWEST_WORDS:
                yield name, len(text)
