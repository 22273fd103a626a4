r"""Invisible characters that are written out as escapes: `\udb40\udc41`, `&#917569;`, `%F3%A0%81%81`.

A string that was encoded once more than it was decoded holds the characters as ASCII; a program that
decodes it later brings them to life. What a run of them spells is told here.
"""

import html
import re
import urllib.parse
from collections.abc import Iterator
from typing import NamedTuple

MOST_ESCAPES = 1 << 16
LEAST = 4

_U = r"\\\\?u"
_TAG = (
    rf"{_U}[dD][bB]40{_U}[dD][cC][0-7][0-9a-fA-F]|\\\\?U000[eE]00[0-7][0-9a-fA-F]|{_U}\{{[eE]00[0-7][0-9a-fA-F]\}}"
    r"|&#[xX]0*[eE]00[0-7][0-9a-fA-F];|&#917(?:5[0-9]{2}|6[0-2][0-9]|63[01]);"
    r"|%[fF]3%[aA]0%8[01]%[89aAbB][0-9a-fA-F]"
)
_ZERO = (
    rf"{_U}(?:200[b-fB-F]|206[0-4]|[fF][eE][fF][fF]|180[eE])|{_U}\{{(?:200[b-fB-F]|206[0-4]|[fF][eE][fF][fF])\}}"
    r"|&#[xX]0*(?:200[b-fB-F]|206[0-4]|[fF][eE][fF][fF]);|&#(?:820[3-7]|828[89]|829[0-2]|65279);|&zwn?j;"
    r"|%[eE]2%80%8[b-fB-F]|%[eE]2%81%[aA][0-4]|%[eE][fF]%[bB][bB]%[bB][fF]"
)
TAGS = rf"(?:{_TAG}){{{LEAST},}}"
ZEROS = rf"(?:{_ZERO}){{{LEAST},}}"
RUN = f"{TAGS}|{ZEROS}"
"""Runs of escaped invisible characters, in a syntax that RE2 and Python share."""

_RUN = re.compile(RUN)
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_PAIR = re.compile(r"\\\\?u[dD][bB]40\\\\?u[dD][cC]([0-9a-fA-F]{2})")
_HEX = re.compile(r"\\\\?[uU]\{?0*([0-9a-fA-F]{4,6})\}?")


_FLAGS = (
    "\U0001f3f4",
    r"\ud83c\udff4",
    "&#127988;",
    "&#x1f3f4;",
    "%f0%9f%8f%b4",
    r"\u{1f3f4}",
    r"\u0001f3f4",
)
_LONGEST_REGION = 7
"""The flags of England, Scotland and Wales are a black flag, five tags and an end."""


class EscapedRun(NamedTuple):
    """A run of escaped invisible characters: its place, the characters, what they spell or ""."""

    start: int
    end: int
    characters: str
    words: str


def escaped_runs(text: str) -> Iterator[EscapedRun]:
    """Yield the runs of escaped invisible characters of a text, but for flags."""
    for found in _RUN.finditer(text):
        written = found[0][: 16 * MOST_ESCAPES]
        if written[0] == "&":
            characters = html.unescape(written)
        elif written[0] == "%":
            characters = urllib.parse.unquote(written, errors="replace")
        else:
            pairs = _PAIR.sub(lambda pair: chr(0xE0000 + int(pair[1], 16)), written)
            characters = _HEX.sub(lambda one: chr(min(int(one[1], 16), 0x10FFFF)), pairs)
        before = text[max(0, found.start() - 16) : found.start()].lower().replace("\\\\", "\\")
        if len(characters) > _LONGEST_REGION or not before.endswith(_FLAGS):
            yield EscapedRun(*found.span(), characters, spelled(characters))


def spelled(characters: str) -> str:
    """Return what tag characters or the bits of zero-width characters spell, "" where it is no text."""
    tags = "".join(chr(ord(c) - 0xE0000) for c in characters if 0xE0020 <= ord(c) <= 0xE007E)
    if len(tags) >= LEAST:
        return tags if _LETTERS.search(tags) else ""
    return _of_bits(characters)


def _of_bits(characters: str) -> str:
    """Return the ASCII text whose bits are two kinds of zero-width characters."""
    kinds = sorted(set(characters))
    kinds = sorted(kinds, key=characters.count, reverse=True)[:2]
    if len(kinds) < 2 or len(characters) < 24:
        return ""
    for zero, one in (kinds, kinds[::-1]):
        bits = "".join("0" if c == zero else "1" for c in characters if c in (zero, one))
        for width in (8, 7):
            numbers = [
                int(bits[at : at + width], 2) for at in range(0, len(bits) - width + 1, width)
            ]
            text = "".join(map(chr, numbers))
            if text.isascii() and text.isprintable() and _LETTERS.search(text):
                return text
    return ""
