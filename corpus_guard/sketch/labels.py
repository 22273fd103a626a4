"""The label of each row.

Where every response is one of a few, a classification set is in the form of instructions, and its labels
are the responses. Rows without a response keep the label that they have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.errors import NotAssessed, NotPresent
from corpus_guard.plugins import derived
from corpus_guard.sketch.answers import Answers
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.sketch.rows.table import dictionary_encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """`codes` (n,) int32 into `names`, -1 where a row has none; `field` is where most come from."""

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]
    field: str


@derived(needs=("answers",))
def labels(corpus: Corpus, *, most_labels: int = 100_000) -> Labels:
    """Return the labels; there are none where more than `most_labels` are different."""
    fields = ("response", "label") if corpus.evidence("answers", Answers).are_labels else ("label",)
    rows = dict.fromkeys(fields, 0)
    codes, names = dictionary_encoded(_first_held(corpus, fields, rows), most_labels)
    codes, names = _spelled_alike(codes, names)
    if len(names) > most_labels:
        raise NotAssessed(f"more than {most_labels:,} different labels")
    if not names:
        raise NotPresent("no row has a label")
    return Labels(codes=codes, names=tuple(names), field=max(fields, key=lambda name: rows[name]))


def _spelled_alike(
    codes: npt.NDArray[np.int32], names: Sequence[str]
) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Return the labels with those as one that differ only in case, blanks, or as 1 and 1.0 do.

    Each is called what most of its rows call it.
    """
    alike: dict[str, list[int]] = {}
    for code, name in enumerate(names):
        alike.setdefault(_folded(name), []).append(code)
    if len(alike) == len(names):
        return codes, list(names)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    usual = {max(same, key=lambda c: (counts[c], names[c])): same for same in alike.values()}
    order = sorted(usual, key=lambda code: names[code])
    moved = np.full(len(names) + 1, -1, np.int32)  # the last stands for no label
    for place, code in enumerate(order):
        moved[usual[code]] = place
    return moved[codes], [names[code] for code in order]


def _folded(name: str) -> str:
    text = " ".join(name.casefold().split())
    whole, dot, rest = text.partition(".")
    return whole if dot and rest.strip("0") == "" and whole.lstrip("-").isdigit() else text


def _first_held(
    corpus: Corpus, fields: tuple[str, ...], rows: dict[str, int]
) -> Iterator[pa.Array]:
    """Yield each row's value of the first field that it has, and count the rows that have each."""
    for batch in corpus.rows.batches(fields):
        for name in fields:
            rows[name] += len(batch[name]) - batch[name].null_count
        columns = [batch[name] for name in fields]
        yield columns[0] if len(columns) == 1 else pc.coalesce(*columns)
