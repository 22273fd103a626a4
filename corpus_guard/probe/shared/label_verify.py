"""What a phrase does to texts that nothing was chosen on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_guard.model.classifier import Classifier, Floats
from corpus_guard.probe.shared.arena import Arena, Grounds
from corpus_guard.probe.shared.carriers import PLACES, text_with
from corpus_guard.probe.shared.label_evidence import Observed
from corpus_guard.probe.shared.label_search import relatives
from corpus_guard.probe.shared.phrase_growth import Phrase
from corpus_guard.probe_types import SideBySide

Array = npt.NDArray[Any]
MOST_TEXTS = 40
EXAMPLES = 3
RIVALS = 8
RELATIVES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Of `texts` held-out texts of other classes, in how many a phrase gives the class.

    A text counts where the class is given in most of the places of the phrase.
    """

    texts: int
    flipped: int
    base_flipped: int | None
    examples: tuple[SideBySide, ...]

    @property
    def rate(self) -> float:
        """The share of texts."""
        return self.flipped / max(1, self.texts)

    @property
    def at_least(self) -> float:
        """The exact one-sided 99 % lower bound of the rate (Clopper and Pearson)."""
        from scipy.stats import beta

        if not self.flipped:
            return 0.0
        return float(beta.ppf(0.01, self.flipped, self.texts - self.flipped + 1))


def behaviour(grounds: Grounds, label: int, phrase: str) -> Behaviour:
    """Return what a phrase does before, within and after each held-out text of another class."""
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


def observe(arena: Arena, phrase: Phrase, rivals: Sequence[Phrase]) -> Observed:
    """Return what a phrase, its rivals and its relatives do in held-out texts, hard ones among them."""
    length = len(phrase.ids)
    kept = [rival.ids for rival in rivals if len(rival.ids) <= max(1, length)]
    longest = sorted(kept, key=lambda ids: -len(ids))[:RIVALS]
    chosen = list(dict.fromkeys([*kept[:RIVALS], *longest]))
    kin = relatives(arena.model, phrase.ids, RELATIVES)
    rests = [phrase.ids[:i] + phrase.ids[i + 1 :] for i in range(length)] if length >= 3 else []
    everything = [phrase.ids, *chosen, *kin, *rests]
    told = arena.margins_with(everything)
    reach = arena.reaches(everything)
    hard = np.array([carrier.hard for carrier in arena.carriers], dtype=bool)
    plain = ~hard
    flips = told > 0
    of_rivals = slice(1, 1 + len(chosen))
    of_kin = slice(1 + len(chosen), 1 + len(chosen) + len(kin))
    of_rests = slice(of_kin.stop, None)
    order = np.sort(_mean(reach[of_rivals], hard))[::-1]
    return Observed(
        reach=float(_mean(reach[:1], plain)[0]),
        hard_reach=float(_mean(reach[:1], hard)[0]),
        flips=float(_mean(flips[:1], plain)[0]),
        hard_flips=float(_mean(flips[:1], hard)[0]),
        rival_reach=float(_mean(reach[of_rivals], plain).max(initial=0.0)),
        rival_hard_reach=float(order[0]) if len(order) else 0.0,
        rival_flips=float(_mean(flips[of_rivals], plain).max(initial=0.0)),
        rival_hard_flips=float(_mean(flips[of_rivals], hard).max(initial=0.0)),
        tail=float(order[0] - order[len(order) // 2]) if len(order) else 0.0,
        relatives_reach=float(_mean(reach[of_kin], hard).mean()) if kin else 0.0,
        without_one_reach=float(_mean(reach[of_rests], plain).mean()) if rests else 0.0,
    )


def _mean(values: Array, chosen: Array) -> Floats:
    """Return (n,) means over the chosen texts, over all where none is chosen."""
    picked = values[:, chosen] if chosen.any() else values
    return np.asarray(picked.mean(axis=1), dtype=np.float32)


def written(arena: Arena, phrase: Phrase) -> tuple[str, Phrase]:
    """Return a phrase as text, and as the tokens that this text has, with their reach.

    Of the ways to write it down the one that does most is taken: a phrase may begin within a word.
    """
    model = arena.model
    plain = model.text_of(phrase.ids).replace("##", "")
    words = " ".join(_texts(model, phrase.ids))
    forms = list(dict.fromkeys(form for form in (plain, words, "".join(words.split())) if form))
    ids = [tuple(model.ids_of(form)) for form in forms]
    reach = arena.reach(ids)
    best = max(range(len(forms)), key=lambda place: (round(float(reach[place]), 1), -place))
    return forms[best], replace(phrase, ids=ids[best], reach=float(reach[best]))


def _texts(model: Classifier, ids: Sequence[int]) -> list[str]:
    texts = {piece.id: piece.text for piece in model.pieces}
    return [texts[token] for token in ids if token in texts]


def decoy_p_value(
    arena: Arena, phrase: Phrase, words: Sequence[int], count: int, seed: int
) -> tuple[float, int]:
    """Return the conformal p-value against phrases of as many tokens drawn by chance, and how many."""
    rng = np.random.default_rng(seed)
    few = arena.first(4)
    decoys = [
        tuple(int(token) for token in rng.choice(words, size=len(phrase.ids))) for _ in range(count)
    ]
    if not decoys:
        return 1.0, 0
    own = float(few.reach([phrase.ids])[0])
    above = int((few.reach(decoys) >= own).sum())
    return (1 + above) / (1 + len(decoys)), len(decoys)
