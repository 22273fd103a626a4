"""What each entry of a vocabulary does to each class: all of them, a few to a row.

A word that decides does so among other words too, so one row tests several: the vocabulary is dealt
out in a seeded order, `TOGETHER` words a row, and again as often as time allows. A word's lift is
its mean margin over its rows. One deal costs about two tokens a word and tells of every class at
once.

Source: ours; group testing as of Dorfman (1943).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.carriers import margins

TOGETHER = 6
MOST_DEALS = 2
CHUNK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """`ids` (n,), what was tested; `lift` (n, classes), its mean margin less that of all.

    `rows` (m, TOGETHER) and `told` (m, classes) are the rows of the first deal and what the model
    said. `deals` is how often all was dealt; `complete` whether it was at least once.
    """

    ids: npt.NDArray[np.int64]
    lift: Floats
    rows: npt.NDArray[np.int64]
    told: Floats
    deals: int
    complete: bool


def sweep(model: Classifier, ids: npt.NDArray[np.int64], deadline: Deadline, seed: int) -> Sweep:
    """Return the lift of every token id for every class."""
    rng = np.random.default_rng(seed)
    total = np.zeros((len(ids), len(model.labels)))
    times = np.zeros(len(ids))
    first: list[tuple[npt.NDArray[np.int64], Floats]] = []
    deals, done = 0, True
    while deals < MOST_DEALS and done and not (deals and deadline.passed):
        order = rng.permutation(len(ids))
        rows = [order[at : at + TOGETHER] for at in range(0, len(order), TOGETHER)]
        for start in range(0, len(rows), CHUNK):
            if deadline.passed and (deals or start):  # something is always seen
                done = False
                break
            some = rows[start : start + CHUNK]
            told = model.log_probabilities_of_ids([ids[row].tolist() for row in some], 64)
            margin = np.clip(margins(told), -8.0, 8.0)
            for row, values in zip(some, margin, strict=True):
                total[row] += values
                times[row] += 1
            if not deals:
                whole = [place for place, row in enumerate(some) if len(row) == TOGETHER]
                first.append((np.array([ids[some[p]] for p in whole], np.int64), told[whole]))
        deals += done
    lift = total / np.maximum(times, 1)[:, None]
    lift -= lift[times > 0].mean(axis=0)
    lift[times == 0] = 0.0
    return Sweep(
        ids=ids,
        lift=lift.astype(np.float32),
        rows=np.concatenate([rows.reshape(-1, TOGETHER) for rows, _ in first]),
        told=np.concatenate([told for _, told in first]),
        deals=deals,
        complete=deals > 0,
    )
