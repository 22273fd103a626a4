"""How large the work of parsing a page can get, told from its tags alone, before it is parsed.

Parsing HTML takes time with the square of the nesting, of the formatting elements left open and of the
attributes of one tag. The numbers here are upper bounds for any page that is not made to deceive them.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MOST_TAGS = 200_000
MOST_WORK = 1_000_000
"""How large (number of tags) x (depth) may be; an article has 2,000 x 40. The worst page that we could
make takes 0.2 s at this bound."""

MOST_FORMATTING_WORK = 200_000
"""The same for formatting elements left open, which cost more."""

LONGEST_TAG = 16 << 10
MOST_ATTRIBUTES = 4000
MOST_NAMES = 300
_NAME = 8  # bytes of a tag's name that are looked at


def _keys(names: str) -> frozenset[int]:
    """Return names as `_names` does."""
    return frozenset(int.from_bytes(name.encode(), "little") for name in names.split())


_FLAT = _keys(
    "area base br col dd dt embed hr img input li link meta option p param source td th tr track wbr"
)
"""Elements that hold none of their own kind, with or without an end tag."""

_FORMATTING = _keys("a b big code em font i nobr s small strike strong tt u")


class PageShape(NamedTuple):
    """Whether a page can be parsed in reasonable time, and whether its main text can be told then."""

    can_parse: bool
    can_tell_main: bool


def shape_of(markup: bytes) -> PageShape:
    """Return what can be done with a page (UTF-8)."""
    data = np.frombuffer(markup + b" " * (_NAME + 2), np.uint8)
    places = np.flatnonzero(data[: len(markup)] == ord("<"))
    if len(places) > 4 * MOST_TAGS:
        return PageShape(False, False)
    is_end = data[places + 1] == ord("/")
    names = _names(data, places + 1 + is_end)
    is_tag = names != 0
    places, is_end, names = places[is_tag], is_end[is_tag], names[is_tag]
    if len(places) > MOST_TAGS or _has_long_tag(markup, places):
        return PageShape(False, False)
    known, which = np.unique(names, return_inverse=True)
    if len(known) > MOST_NAMES:
        return PageShape(False, False)
    depths = dict(zip(known.tolist(), _depths(which, is_end), strict=True))
    formatting = sum(depth for name, depth in depths.items() if name in _FORMATTING)
    depth = sum(depth for name, depth in depths.items() if name not in _FLAT)
    if formatting * len(places) > MOST_FORMATTING_WORK:
        return PageShape(False, False)
    return PageShape(True, depth * len(places) <= MOST_WORK)


def _names(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return the first bytes of each name in lower case as a number; 0 where no name begins."""
    chars = data[starts[:, None] + np.arange(_NAME)] | 0x20
    is_letter = (chars >= ord("a")) & (chars <= ord("z"))
    is_name = is_letter | ((chars >= ord("0")) & (chars <= ord("9"))) | (chars == ord("-"))
    is_name[:, 0] = is_letter[:, 0]
    kept = chars * np.logical_and.accumulate(is_name, axis=1)
    return np.ascontiguousarray(kept, np.uint8).view("<u8").ravel()


def _depths(which: npt.NDArray[np.int64], is_end: npt.NDArray[np.bool_]) -> list[int]:
    """Return how many elements of each name are open at once; tags are given in order by name number."""
    if len(which) == 0:
        return []
    order = np.argsort(which, kind="stable")
    firsts = np.flatnonzero(np.diff(which[order], prepend=-1))
    level = np.cumsum(np.where(is_end[order], -1, 1))
    # Each name starts at its own level, below all that came before, so that one pass does for all.
    lengths = np.diff(np.append(firsts, len(which)))
    before = np.concatenate([[0], level[firsts[1:] - 1]])
    ground = np.repeat(-2 * (len(which) + 1) * np.arange(len(firsts)), lengths)
    level = level - np.repeat(before, lengths) + ground
    lowest = np.minimum(np.minimum.accumulate(level), ground)
    deepest: list[int] = np.maximum.reduceat(level - lowest, firsts).tolist()
    return deepest


def _has_long_tag(markup: bytes, places: npt.NDArray[np.int64]) -> bool:
    gaps = np.diff(np.append(places, len(markup)))
    for place in places[gaps > LONGEST_TAG]:
        start = int(place)
        tag = markup[start : markup.find(b">", start) % (len(markup) + 1)]
        if len(tag) > LONGEST_TAG and len(tag.split(None, MOST_ATTRIBUTES)) > MOST_ATTRIBUTES:
            return True
    return False
