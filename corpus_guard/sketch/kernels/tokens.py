"""Cut UTF-8 text into tokens and hash them, straight from Arrow's buffers.

A token is a run of letters and digits, or one code point of punctuation, of a script written
without spaces (Han, kana, Thai), or an invisible one. Tokens are hashed over lower-cased code
points (FNV-1a), so that a word and its capitalised form are one token.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)

SPACE, WORD, SINGLE = 0, 1, 2


class Tokens(NamedTuple):
    """Tokens of n texts.

    `hashes` (t,) uint64, byte ranges `starts` and `ends` (t,) int32 into the
    data buffer, `bounds` (n + 1,) int64: text i owns tokens bounds[i] to bounds[i + 1].
    """

    hashes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True, inline="always")
def decode(data, i, end):  # type: ignore[no-untyped-def]  # numba infers
    """Return (code point, its length in bytes) at byte i; cut-off sequences stand for themselves."""
    lead = data[i]
    if lead < 0x80:
        return np.uint32(lead), 1
    if lead >= 0xF0 and i + 3 < end:
        point = (
            (np.uint32(lead & 0x07) << np.uint32(18))
            | (np.uint32(data[i + 1] & 0x3F) << np.uint32(12))
            | (np.uint32(data[i + 2] & 0x3F) << np.uint32(6))
            | np.uint32(data[i + 3] & 0x3F)
        )
        return point, 4
    if 0xE0 <= lead < 0xF0 and i + 2 < end:
        point = (
            (np.uint32(lead & 0x0F) << np.uint32(12))
            | (np.uint32(data[i + 1] & 0x3F) << np.uint32(6))
            | np.uint32(data[i + 2] & 0x3F)
        )
        return point, 3
    if 0xC0 <= lead < 0xE0 and i + 1 < end:
        return (np.uint32(lead & 0x1F) << np.uint32(6)) | np.uint32(data[i + 1] & 0x3F), 2
    return np.uint32(lead), 1


@nb.njit(cache=True, nogil=True, inline="always")
def kind_of(point):  # type: ignore[no-untyped-def]  # numba infers
    """Return SPACE, WORD or SINGLE for a code point."""
    if point < 0x80:
        if (48 <= point <= 57) or (97 <= point <= 122) or (65 <= point <= 90):
            return WORD
        return SPACE if point <= 32 or point == 127 else SINGLE
    if point < 0xC0:
        if point in (0x85, 0xA0):
            return SPACE
        return WORD if point in (0xAA, 0xB5, 0xBA) else SINGLE
    if 0x0E00 <= point <= 0x0EFF or point == 0x1680:
        return SINGLE
    if 0x2000 <= point <= 0x206F:
        return SPACE if point <= 0x200A or point in (0x2028, 0x2029, 0x202F, 0x205F) else SINGLE
    if 0x3000 <= point <= 0x9FFF:
        return SPACE if point == 0x3000 else SINGLE
    if 0xF900 <= point <= 0xFAFF or 0xFE00 <= point <= 0xFE0F or point == 0xFEFF:
        return SINGLE
    if 0xFF00 <= point <= 0xFF0F or point >= 0x20000:
        return SINGLE
    return WORD


@nb.njit(cache=True, nogil=True, inline="always")
def lower(point):  # type: ignore[no-untyped-def]  # numba infers
    """Return the lower-case code point for Latin-1, Greek and Cyrillic, else the point itself."""
    if 65 <= point <= 90:
        return point + np.uint32(32)
    if point < 0xC0:
        return point
    if 0xC0 <= point <= 0xDE and point != 0xD7:
        return point + np.uint32(32)
    if (0x391 <= point <= 0x3A9) or (0x410 <= point <= 0x42F):
        return point + np.uint32(32)
    if 0x400 <= point <= 0x40F:
        return point + np.uint32(80)
    return point


ASCII_KIND = np.array([kind_of.py_func(np.uint32(point)) for point in range(128)], np.uint8)
ASCII_LOWER = np.array([lower.py_func(np.uint32(point)) for point in range(128)], np.uint64)


@nb.njit(cache=True, nogil=True)
def _count(data, offsets):  # type: ignore[no-untyped-def]  # numba infers
    total = 0
    for text in range(len(offsets) - 1):
        i, end, inside = offsets[text], offsets[text + 1], False
        while i < end:
            length = 1
            if data[i] < 0x80:
                kind = ASCII_KIND[data[i]]
            else:
                point, length = decode(data, i, end)
                kind = np.uint8(kind_of(point))
            if kind == SINGLE or (kind == WORD and not inside):
                total += 1
            inside = kind == WORD
            i += length
    return total


@nb.njit(cache=True, nogil=True)
def _fill(data, offsets, hashes, starts, ends, bounds):  # type: ignore[no-untyped-def]
    used = 0
    for text in range(len(offsets) - 1):
        i, end, inside = offsets[text], offsets[text + 1], False
        value = FNV_OFFSET
        while i < end:
            length = 1
            if data[i] < 0x80:
                kind, folded = ASCII_KIND[data[i]], ASCII_LOWER[data[i]]
            else:
                point, length = decode(data, i, end)
                kind, folded = np.uint8(kind_of(point)), np.uint64(lower(point))
            if kind != SPACE:
                if kind == SINGLE or not inside:
                    value = FNV_OFFSET
                    starts[used] = i
                    used += 1
                value = (value ^ folded) * FNV_PRIME
                hashes[used - 1] = value
                ends[used - 1] = i + length
            inside = kind == WORD
            i += length
        bounds[text + 1] = used


def tokenise(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> Tokens:
    """Return the tokens of the texts data[offsets[i]:offsets[i + 1]]."""
    total = _count(data, offsets)
    hashes = np.empty(total, np.uint64)
    starts, ends = np.empty(total, np.int32), np.empty(total, np.int32)
    bounds = np.zeros(len(offsets), np.int64)
    _fill(data, offsets, hashes, starts, ends, bounds)
    return Tokens(hashes, starts, ends, bounds)


def hash_token(text: str) -> int:
    """Return the hash that `tokenise` gives to `text` when it is one token."""
    value = int(FNV_OFFSET)
    for char in text:
        value = ((value ^ int(lower(np.uint32(ord(char))))) * int(FNV_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return value
