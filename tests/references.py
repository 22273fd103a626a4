"""What the kernels compute, slowly and plainly."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

MASK = (1 << 64) - 1
START, END = 0x5E5E5E5E5E5E5E5E, 0x2424242424242424
GOLDEN = 0x9E3779B97F4A7C15
SPACES = {*range(33), 127, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
          0x205F, 0x3000} - {0x1680}  # fmt: skip
SINGLES = (
    (0x0E00, 0x0EFF), (0x1680, 0x1680), (0x2000, 0x206F), (0x3000, 0x9FFF), (0xF900, 0xFAFF),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFF00, 0xFF0F), (0x20000, MASK),
)  # fmt: skip


def code_points(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (code point, bytes); a lead byte without room for its sequence stands for itself."""
    place = 0
    while place < len(data):
        lead = data[place]
        length = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        if place + length > len(data):
            length = 1
        point = lead if length == 1 else lead & (0xFF >> (length + 1))
        for byte in data[place + 1 : place + length]:
            point = point << 6 | byte & 0x3F
        yield point, length
        place += length


def is_word(point: int) -> bool:
    if point < 0x80:
        return chr(point).isalnum()
    if point < 0xC0:
        return point in (0xAA, 0xB5, 0xBA)
    return not any(first <= point <= last for first, last in SINGLES)


def lower(point: int) -> int:
    for first, last, step in (
        (65, 90, 32), (0xC0, 0xD6, 32), (0xD8, 0xDE, 32), (0x391, 0x3A9, 32), (0x410, 0x42F, 32),
        (0x400, 0x40F, 80),
    ):  # fmt: skip
        if first <= point <= last:
            return point + step
    return point


def tokens(data: bytes) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return (first byte, byte after the last, lower-cased code points) of each token."""
    found: list[tuple[int, int, tuple[int, ...]]] = []
    place, inside = 0, False
    for point, length in code_points(data):
        word = is_word(point)
        if word and inside:
            first, _, points = found.pop()
            found.append((first, place + length, (*points, lower(point))))
        elif word or point not in SPACES:
            found.append((place, place + length, (lower(point),)))
        inside = word
        place += length
    return found


def token_hash(points: Sequence[int]) -> int:
    value = 0xCBF29CE484222325
    for point in points:
        value = (value ^ point) * 0x100000001B3 & MASK
    return value


def hashes(text: str) -> list[int]:
    return [token_hash(points) for _, _, points in tokens(text.encode())]


def mix(value: int) -> int:
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def feature(parts: Sequence[int]) -> int:
    value = len(parts)
    for part in parts:
        value = mix((value * GOLDEN + part) & MASK)
    return value or 1


def features(words: Sequence[int]) -> set[int]:
    """Return the 1- to 3-grams of a text; its borders count inside longer ones. Nothing has none."""
    if not words:
        return set()
    padded = [START, *words, END]
    grams = [
        padded[first : first + order]
        for order in (1, 2, 3)
        for first in range(len(padded) - order + 1)
    ]
    return {feature(gram) for gram in grams if gram not in ([START], [END])}


def signature(words: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the 64 bins, 8 bits each, and the 16 band keys."""
    bins: list[int | None] = [None] * 64
    for pair in pairwise([START, *words, END]):
        value = mix((pair[0] * GOLDEN + pair[1]) & MASK)
        old = bins[value >> 58]
        bins[value >> 58] = value if old is None else min(old, value)
    filled = []
    for place in range(64):
        step = next(step for step in range(64) if bins[(place + step) % 64] is not None)
        filled.append(mix(((bins[(place + step) % 64] or 0) + step) & MASK))
    keys = []
    for band in range(16):
        key = band
        for value in filled[4 * band : 4 * band + 4]:
            key = mix((key * 31 + value) & MASK)
        keys.append(key & 0xFFFFFFFF)
    return [value & 0xFF for value in filled], keys


def fingerprint(words: Sequence[int]) -> tuple[int, int, int]:
    """Return hashes of all words, the first five, the last five; zeros where there is none."""
    if not words:
        return 0, 0, 0
    found = []
    for value, part in ((1, words), (2, words[:5]), (3, words[-5:])):
        for word in part:
            value = mix((value * GOLDEN + word) & MASK)
        found.append(value)
    return found[0], found[1], found[2]
