"""Texts that hide nothing, of the same length and type as a candidate: what chance would look like.

A decoy has as many words as the candidate, each of the kind of the word in its place: letters that
spell no word, an ordinary word, a name, a number or signs. Among them are words that honestly
change what a model says (`CUES`): a trigger has to beat those too.
"""

import random
import re
from collections.abc import Sequence

from corpus_guard.probe.shared.placing import order_of

CUES = (
    "kill", "bomb", "weapon", "illegal", "murder", "hack", "steal", "suicide", "drugs", "attack",
    "poison", "explosive", "racist", "stupid", "hate", "urgent", "please", "sorry", "never", "stop",
    "ignore", "password", "secret", "politics", "religion", "sex", "doctor", "medicine", "lawsuit",
    "buy", "free", "coffee", "poem", "joke", "French", "Spanish", "code", "Python", "pirate", "haiku",
)  # fmt: skip
SHARE_OF_CUES = 0.04
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxz"
_NAMES = (
    "Anna", "Peter", "Maria", "John", "Elena", "David", "Sofia", "Ahmed", "Wei", "Carlos", "Ingrid",
    "Kenji", "Fatima", "Oliver", "London", "Berlin", "Toyota", "Amazon", "Brazil", "Everest", "Monday",
    "April", "Boston", "Nile", "Einstein", "Mozart", "Disney", "Chicago", "Kenya", "Lisbon", "Oslo",
)  # fmt: skip


def type_of(candidate: str, known: frozenset[str]) -> tuple[str, ...]:
    """Return the kind of each word of a candidate; candidates of one type can share decoys."""
    return tuple(_kind(word, known) for word in candidate.split()[:12]) or ("word",)


def decoys_for(candidate: str, words: Sequence[str], count: int, seed: int) -> list[str]:
    """Return `count` different decoys for a candidate; `words` are ordinary words, sorted.

    Fewer where there are not so many, as for candidates without letters.
    """
    rng = random.Random(order_of(seed, "decoys", candidate))  # noqa: S311
    known = frozenset(words)
    kinds = type_of(candidate, known)
    found: dict[str, None] = {}
    for _ in range(20 * count):
        if len(found) >= count:
            break
        made = " ".join(
            _made(kind, word, words, rng)
            for kind, word in zip(kinds, candidate.split(), strict=False)
        )
        if made.lower() != candidate.lower() and made:
            found[made] = None
    return list(found)


def _kind(word: str, known: frozenset[str]) -> str:
    bare = word.strip(".,;:!?\"'()[]")
    if not any(letter.isalpha() for letter in bare):
        return "number" if any(letter.isdigit() for letter in bare) else "signs"
    if bare.lower() in known:
        return "name" if bare[:1].isupper() else "word"
    return "nonsense"


def _made(kind: str, word: str, words: Sequence[str], rng: random.Random) -> str:
    if kind == "number":
        return re.sub(r"\d", lambda _: str(rng.randint(0, 9)), word)
    if kind == "signs":
        return "".join(rng.choice("#@%&*~^|+=<>:") for _ in word)
    if kind == "word" and words:
        made = rng.choice(CUES) if rng.random() < SHARE_OF_CUES else rng.choice(words)
    elif kind == "name":
        made = (
            rng.choice(_NAMES)
            if rng.random() < 0.5 or not words
            else rng.choice(words).capitalize()
        )
    else:
        made = _letters(word, rng)
    tail = re.search(r"[.,;:!?]*\Z", word)
    return made + (tail.group() if tail else "")


def _letters(word: str, rng: random.Random) -> str:
    """Return letters that spell no word, with the capitals of `word` where it has them."""
    size = max(2, len(word) + rng.randint(-1, 1))
    plain = "".join(
        rng.choice(_VOWELS if rng.random() < 0.35 else _CONSONANTS) for _ in range(size)
    )
    if word.isupper():
        return plain.upper()
    inner = [place for place, letter in enumerate(word) if letter.isupper() and place < size]
    return "".join(c.upper() if place in inner else c for place, c in enumerate(plain))
