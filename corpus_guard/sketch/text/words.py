"""Some rows' inputs as words: which hold an n-gram and where, and the texts without some words."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.sketch.kernels import ngrams as kernels
from corpus_guard.sketch.kernels.tokens import Tokens
from corpus_guard.sketch.rows.batch import Texts, texts_of
from corpus_guard.sketch.rows.table import RowTable

RowNumbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Words:
    """`rows` (m,) sorted, and their texts."""

    rows: RowNumbers
    texts: Texts

    @classmethod
    def of(cls, table: RowTable, rows: RowNumbers) -> "Words":
        """Return the words of some rows, sorted."""
        return cls(rows, texts_of(table.input_column(rows)))

    def some(self, rows: RowNumbers) -> "Words":
        """Return the words of some of the rows, sorted; nothing is cut into words again."""
        return Words(rows, selected(self.texts, np.searchsorted(self.rows, rows)))

    def places(self, feature: int) -> npt.NDArray[np.int64]:
        """Return [first, last) of the n-gram's first place in each text, (m, 2); empty if none.

        Positions count from the text's first word; ^ and $ are no words.
        """
        tokens = self.texts.tokens
        found: RowNumbers = kernels.places_of(tokens.hashes, tokens.bounds, np.uint64(feature))
        return found

    def shares(self) -> tuple[Hashes, npt.NDArray[np.float64]]:
        """Return the distinct words, sorted, and in which share of the texts each stands."""
        tokens, count = self.texts.tokens, len(self.rows)
        owner = np.repeat(np.arange(count), np.diff(tokens.bounds))
        order = np.lexsort((owner, tokens.hashes))
        hashes, owner = tokens.hashes[order], owner[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
        names, documents = np.unique(hashes[is_first], return_counts=True)
        return names, documents / max(1, count)

    def spelled(self, words: Hashes) -> str:
        """Return some words as the texts spell them, joined by spaces."""
        tokens = self.texts.tokens
        held, first = np.unique(tokens.hashes, return_index=True)
        at = first[np.isin(held, words)]
        pieces = [self.texts.data[tokens.starts[i] : tokens.ends[i]].tobytes() for i in np.sort(at)]
        return b" ".join(pieces).decode("utf-8", "replace")

    def without(self, dropped: Hashes) -> Texts:
        """Return the texts without every occurrence of some words, the others joined by spaces."""
        return kept_words(self.texts, ~np.isin(self.texts.tokens.hashes, dropped))


def selected(texts: Texts, chosen: RowNumbers) -> Texts:
    """Return some of the texts, in the order given."""
    tokens = texts.tokens
    lengths = np.diff(tokens.bounds)[chosen]
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    places = np.repeat(tokens.bounds[chosen] - bounds[:-1], lengths) + np.arange(bounds[-1])
    held = Tokens(tokens.hashes[places], tokens.starts[places], tokens.ends[places], bounds)
    return kept_words(
        Texts(data=texts.data, offsets=texts.offsets, tokens=held), np.ones(len(places), np.bool_)
    )


def kept_words(texts: Texts, kept: npt.NDArray[np.bool_]) -> Texts:
    """Return the texts of the words that are kept, (t,) bool, joined by spaces."""
    tokens = texts.tokens
    owner = np.repeat(np.arange(len(tokens.bounds) - 1), np.diff(tokens.bounds))[kept]
    starts, lengths = tokens.starts[kept], (tokens.ends - tokens.starts)[kept]
    counts = np.bincount(owner, minlength=len(tokens.bounds) - 1)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    ends = np.cumsum(lengths + 1, dtype=np.int64)  # each word is followed by a space
    first = ends - lengths - 1
    data = np.full(int(ends[-1]) if len(ends) else 0, ord(" "), np.uint8)
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    data[np.repeat(first, lengths) + inside] = texts.data[np.repeat(starts, lengths) + inside]
    offsets = np.concatenate([np.zeros(1, np.int64), ends])[bounds].astype(np.int32)
    words = Tokens(
        tokens.hashes[kept], first.astype(np.int32), (first + lengths).astype(np.int32), bounds
    )
    return Texts(data=data, offsets=offsets, tokens=words)
