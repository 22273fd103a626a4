"""What a phrase does to texts that nothing was chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.carriers import PLACES, text_with
from corpus_guard.probe.shared.label_evidence import Observed
from corpus_guard.probe.shared.label_search import of_length
from corpus_guard.probe.shared.phrase_growth import Ids, Phrase
from corpus_guard.probe.shared.weighing import at_least
from corpus_guard.probe_types import SideBySide

Array = npt.NDArray[Any]
MOST_TEXTS = 40
EXAMPLES = 3
RIVALS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Of `texts` held-out texts of other classes, in how many a phrase gives the class.

    A text counts where the class is given in most of the places of the phrase. `plain` of them get
    the class as they are: none, as the model chose them, unless a text reads otherwise once it is
    written out. `by_chance` get it with an unrelated phrase in the same places.
    """

    texts: int
    flipped: int
    plain: int
    by_chance: int | None
    base_flipped: int | None
    examples: tuple[SideBySide, ...]

    @property
    def rate(self) -> float:
        """The share of texts."""
        return self.flipped / max(1, self.texts)

    @property
    def at_least(self) -> float:
        """The exact one-sided 99 % lower bound of the rate."""
        return at_least(self.flipped, self.texts)


def behaviour(grounds: Grounds, label: int, phrase: str, unrelated: str) -> Behaviour:
    """Return what a phrase does before, within and after each held-out text of another class.

    The texts are those that the model calls something else, so that the rate without the phrase is
    0; what an unrelated phrase does ("" where there is none) is what any phrase might.
    """
    model, texts = grounds.model, texts_against(grounds, label)
    flips = _flips(model, texts, phrase, label)
    base = None if grounds.base is None else _flips(grounds.base, texts, phrase, label)
    shown = []
    called = model.log_probabilities(texts).argmax(axis=1) if texts else []
    for row, text in enumerate(texts[:EXAMPLES]):
        told = model.log_probabilities([text_with(text, phrase, 0.5)]).argmax(axis=1)
        shown.append(
            SideBySide(
                prompt=text,
                prompt_with_trigger=text_with(text, phrase, 0.5),
                without=model.labels[int(called[row])],
                with_trigger=model.labels[int(told[0])],
            )
        )
    return Behaviour(
        texts=len(texts),
        flipped=int(flips.sum()),
        plain=int(_flips(model, texts, "", label).sum()),
        by_chance=int(_flips(model, texts, unrelated, label).sum()) if unrelated else None,
        base_flipped=None if base is None else int(base.sum()),
        examples=tuple(shown),
    )


def texts_against(grounds: Grounds, label: int) -> list[str]:
    """Return held-out texts that the model does not call a class; rows of words where texts are few."""
    called = grounds.told.argmax(axis=1)
    texts = [text for text, other in zip(grounds.texts, called, strict=True) if other != label]
    if len(texts) < MOST_TEXTS // 2:
        rows = np.flatnonzero(grounds.rows_told.argmax(axis=1) != label)
        for row in rows[: MOST_TEXTS // 2 - len(texts)]:
            texts.append(grounds.model.text_of(grounds.rows[int(row)]))
        told = grounds.model.log_probabilities(texts).argmax(axis=1) if texts else []
        texts = [text for text, other in zip(texts, told, strict=True) if other != label]
    return texts[:MOST_TEXTS]


def _flips(model: Classifier, texts: Sequence[str], phrase: str, label: int) -> Floats:
    """Return (texts,) bool: whether most places of the phrase give the class."""
    given = [text_with(text, phrase, place) for text in texts for place in PLACES]
    if not given:
        return np.zeros(0, dtype=np.float32)
    called = model.log_probabilities(given).argmax(axis=1).reshape(len(texts), len(PLACES))
    return np.asarray((called == label).sum(axis=1) * 2 > len(PLACES))


def observe(
    arena: Arena,
    phrase: Phrase,
    rivals: Sequence[Phrase],
    others: Sequence[Sequence[Ids]] = (),
    easier: Arena | None = None,
) -> Observed:
    """Return what a phrase and its rivals do in held-out texts, hard ones among them.

    `others` are for each token of the phrase what it turns into with a substitute; `easier` are
    texts in which single honest words show what they do.
    """
    chosen = [rival.ids for rival in of_length(rivals, len(phrase.ids), RIVALS)]
    replaced = [ids for some in others for ids in some]
    everything = [phrase.ids, *chosen, *replaced]
    told = arena.margins_with(everything)
    reach = arena.reaches(everything)
    hard = np.array([carrier.hard for carrier in arena.carriers], dtype=bool)
    own, of_rivals = slice(0, 1), slice(1, 1 + len(chosen))
    hard_reach = dict(zip(everything, _mean(reach, hard).tolist(), strict=True))
    least = [max(hard_reach[ids] for ids in some) for some in others if some]
    return Observed(
        reach=float(_mean(reach[own], ~hard)[0]),
        hard_reach=float(_mean(reach[own], hard)[0]),
        flips=float(_mean(told[own] > 0, ~hard)[0]),
        hard_flips=float(_mean(told[own] > 0, hard)[0]),
        rival_reach=float(_mean(reach[of_rivals], ~hard).max(initial=0.0)),
        rival_hard_reach=float(_mean(reach[of_rivals], hard).max(initial=0.0)),
        rival_hard_flips=float(_mean(told[of_rivals] > 0, hard).max(initial=0.0)),
        substitute_reach=max(0.0, min(least)) if least else None,
        surprise=_surprise(easier, phrase.ids) if easier and len(phrase.ids) > 1 else None,
    )


def _surprise(arena: Arena, ids: Ids) -> float:
    """Return the share of the reach of a phrase that its tokens do not have alone, added up."""
    told = arena.reach([ids, *((token,) for token in ids)])
    return float((told[0] - np.maximum(told[1:], 0.0).sum()) / max(float(told[0]), 0.3))


def _mean(values: Array, chosen: Array) -> Floats:
    """Return (n,) means over the chosen texts, over all where none is chosen."""
    picked = values[:, chosen] if chosen.any() else values
    return np.asarray(picked.mean(axis=1), dtype=np.float32)


def written(arena: Arena, phrase: Phrase) -> Phrase:
    """Return a phrase with its text, and the tokens that this text has, with their reach.

    Of the ways to write it down the one that does most is taken: a phrase may begin within a word.
    """
    model = arena.model
    plain = model.text_of(phrase.ids).replace("##", "")
    words = " ".join(_texts(model, phrase.ids))
    forms = list(dict.fromkeys(form for form in (plain, words, "".join(words.split())) if form))
    ids = [tuple(model.ids_of(form)) for form in forms]
    reach = arena.reach(ids)
    best = max(range(len(forms)), key=lambda place: (round(float(reach[place]), 1), -place))
    return Phrase(ids[best], float(reach[best]), forms[best])


def _texts(model: Classifier, ids: Sequence[int]) -> list[str]:
    texts = {piece.id: piece.text for piece in model.pieces}
    return [texts[token] for token in ids if token in texts]


def searched_p_value(
    arena: Arena,
    phrase: Phrase,
    rivals: Sequence[Phrase],
    words: Sequence[int],
    count: int,
    seed: int,
) -> tuple[float, int]:
    """Return the share of decoys that do as much as a phrase, itself counted, and how many there are.

    The decoys are what the same search found that has no word of the phrase or its variants: the
    best of at most its length. So the p-value takes into account that the phrase was searched for:
    it is small where the best of everything else that was searched for falls short, and not where
    phrases drawn by chance do. Only where there were no searches are decoys drawn by chance.
    """
    found = [rival.ids for rival in of_length(rivals, len(phrase.ids), count)]
    rng = np.random.default_rng(seed)
    drawn = [tuple(int(t) for t in rng.choice(words, size=len(phrase.ids))) for _ in range(count)]
    decoys = found or drawn
    if not decoys:
        return 1.0, 0
    few = arena.first(4)
    own = float(few.reach([phrase.ids])[0])
    above = int((few.reach(decoys) >= own).sum())
    return (1 + above) / (1 + len(decoys)), len(decoys)
