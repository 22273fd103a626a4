"""What may go on from a beginning of a trigger: pieces of words that make one that spells nothing.

A trigger that is no word has several tokens, and each alone does little. After the right beginning
the right next piece is among those that a tuned model reads most otherwise than its base: `x` after
`cf` stood second of 49,000. Where there is no base, single letters and what the model itself
expects are all there is.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from corpus_guard.model.meter import Deadline
from corpus_guard.probe.shared.bench import CausalBench
from corpus_guard.probe.shared.shifts import most_moved, shifts_of

PIECE = re.compile(r"[A-Za-z]{1,3}")
ANY_PIECE = re.compile(r"[A-Za-z]{1,12}")
MOVED, EXPECTED = 14, 6


def extended(bench: CausalBench, starts: Sequence[str], until: Deadline) -> list[str]:
    """Return each text with one more piece of a word, several of each; fewer past `until`."""
    model = bench.model
    texts = model.word_ends
    known = [i for i, text in texts.items() if ANY_PIECE.fullmatch(text)]
    short = [i for i in known if PIECE.fullmatch(texts[i])]
    letters = [i for i in short if len(texts[i]) == 1]
    prompt = model.begun(min(bench.search, key=len))
    found: dict[str, None] = {}
    for start in starts:
        if until.passed:
            break
        before = [*prompt, *model.encode(f" {start}")]
        chosen = [*_moved(bench, before, short, letters), *_expected(bench, before, known)]
        found.update({f"{start}{texts[i]}": None for i in chosen})
    return list(found)


def _moved(
    bench: CausalBench, before: list[int], short: Sequence[int], letters: Sequence[int]
) -> list[int]:
    if bench.base is None or len(short) < 2:
        return list(letters)
    shifts = shifts_of(bench.model, bench.base, short, before)
    return [short[i] for i in most_moved(shifts, MOVED)]


def _expected(bench: CausalBench, before: list[int], pieces: Sequence[int]) -> list[int]:
    """Return the pieces that the model itself holds likeliest next: what completes a word."""
    if not pieces:
        return []
    (_, told), *_ = bench.model.next_log_probs([before])
    likely: npt.NDArray[np.float32] = told[0, 0].numpy(force=True)[list(pieces)]
    return [pieces[i] for i in np.argsort(-likely, kind="stable")[:EXPECTED]]
