"""Two or more free texts under names that no table knows: which of them is the answer to the others.

Names, question marks and the order of the fields only say what is likelier. Where names or question
marks do not settle it, each text is read as the answer once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from corpus_guard.normalise import names
from corpus_guard.normalise.fields import leaf
from corpus_guard.normalise.matching import Fields, Roles
from corpus_guard.types import Layout

MOST_TEXTS = 4
"""Of more texts the longest are read; the others are scanned as text of no role."""

SURE_DIFFERENCE = 0.4
"""By how much the share of questions in one text must exceed that in the other to settle it."""

HEADING_SHARE = 8
"""A heading that is so many times shorter than its text is part of it."""

_WORD = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+(?![^\W_A-Z])")


def free_texts(fields: Fields) -> list[str]:
    """Return the fields with free text, in their usual order; of more than MOST_TEXTS the longest."""
    found = {
        name
        for low, name in fields.folded.items()
        if fields.fits(name, "prose")
        and not fields.facts[name].few
        and low not in names.NO_TEXT
        and leaf(low) not in names.NO_TEXT
    }
    longest = sorted(found, key=lambda name: (-fields.facts[name].length, name))[:MOST_TEXTS]
    return sorted(longest, key=lambda name: (fields.facts[name].place, name))


def read_as_pairs(texts: Sequence[str], fields: Fields) -> tuple[list[Roles], bool]:
    """Return the roles of texts, the likeliest first, and whether that is settled."""
    asks = [name for name in texts if _says(name, names.ASKS) and not _says(name, names.ANSWERS)]
    answers = [name for name in texts if _says(name, names.ANSWERS)]
    if len(answers) == 1 and (asks or len(texts) == 2):
        return [_answered(texts, answers[0])], len(texts) - len(asks) == 1
    if asks and len(texts) - len(asks) == 1:
        return [_answered(texts, next(name for name in texts if name not in asks))], True
    shares = {name: fields.facts[name].asks for name in texts}
    likely = sorted(texts, key=lambda name: (shares[name] > SURE_DIFFERENCE, -texts.index(name)))
    if len(texts) == 2:
        low, high = sorted(shares.values())
        if high - low >= SURE_DIFFERENCE:
            return [_answered(texts, likely[0])], True
    return [_answered(texts, name) for name in likely], False


def likeliest_answers(texts: Sequence[str], fields: Fields) -> list[str]:
    """Return texts, the likeliest response first: by name, then the longest."""
    return sorted(
        texts, key=lambda name: (not _says(name, names.ANSWERS), -fields.facts[name].length, name)
    )


def pair_layout(fields: Fields) -> Layout | None:
    """Return the layout of records that hold free texts of unknown names; None for fewer than two."""
    texts = free_texts(fields)
    if len(texts) < 2 or any(fields.named(known) in texts for known in names.TEXT[:-1]):
        return None
    ways = _all_ways(texts, fields)
    return Layout(
        kind="instruction", roles=ways[0], name="texts of unknown roles", turned=tuple(ways[1:])
    )


def turned_beside(roles: Mapping[str, tuple[str, ...]], fields: Fields) -> tuple[Roles, ...]:
    """Return the roles by which texts that are no prompt and response are tested as such.

    There are none where there is one text, or a heading and its text.
    """
    texts = list(dict.fromkeys((*roles.get("text", ()), *free_texts(fields))))
    texts = [name for name in texts if name in fields.facts and fields.fits(name, "prose")]
    texts = [name for name in texts if not _is_heading(name, texts, fields)][:MOST_TEXTS]
    return tuple(_all_ways(texts, fields)) if len(texts) > 1 else ()


def _all_ways(texts: Sequence[str], fields: Fields) -> list[Roles]:
    ways, is_settled = read_as_pairs(texts, fields)
    if is_settled:
        return ways
    return ways + [way for name in texts if (way := _answered(texts, name)) not in ways]


def _answered(texts: Sequence[str], answer: str) -> Roles:
    return {
        "prompt": tuple(name for name in texts if name != answer),
        "response": (answer,),
    }


def _is_heading(name: str, texts: Sequence[str], fields: Fields) -> bool:
    longest = max(fields.facts[other].length for other in texts)
    is_short = fields.facts[name].length * HEADING_SHARE < longest
    return leaf(name.lower()) in names.HEADING and is_short


def _says(name: str, words: frozenset[str]) -> bool:
    """Say whether a field's name has one of some words in it."""
    low = leaf(name).lower()
    return low in words or any(word.lower() in words for word in _WORD.findall(leaf(name)))


def read_otherwise(layout: Layout, place: int) -> Layout:
    """Return a layout with the roles of its so many-th other reading, from 1; without any, if none."""
    roles = layout.turned[place - 1] if place <= len(layout.turned) else {}
    name = "turned" if roles else "read before"
    kind: Literal["labelled", "instruction"] = "labelled" if "label" in roles else "instruction"
    return replace(layout, kind=kind, roles=roles, name=name, turned=(), winner="")
