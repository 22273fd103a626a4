"""Words of an order to a model that are written in base64 (once or twice), in hexadecimal or in ROT13.

Nothing is decoded to find them: what a word looks like in base64 depends only on where it begins
modulo three, so three strings stand for it, and nine where it is encoded twice. Texts that hold one of
these are decoded, run by run, two deep.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator

WORDS = ("instruction", "gnore all", " previous ", "system prompt", "assistant", "recommend")
_SHORTEST_CORE = 8
DEPTH = 2

_RUN = re.compile(r"(?:[A-Za-z0-9+/_-]{24,}(?:\r?\n(?=[A-Za-z0-9+/]{8}))?)+={0,2}")
_HEX = re.compile(r"(?:(?:\\x|0x|%)?[0-9A-Fa-f]{2}[ :,]?){12,}")
_NO_DIGIT = re.compile(r"\\x|0x|[^0-9A-Fa-f]")
_ROT = re.compile(
    r"(?i)[a-z ,.:;'-]{0,200}\b(?:vafgehpgvba|nffvfgnag|erpbzzraq)[a-z ,.:;'-]{0,200}"
)


def _cores(word: str) -> Iterator[str]:
    """Yield what of a word's base64 depends on nothing around it, for each place it can begin at."""
    for shift, cut in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * shift + word.encode()).decode()
        core = encoded[cut : (shift + len(word)) * 8 // 6]
        if len(core) >= _SHORTEST_CORE:
            yield core


def _pattern() -> str:
    once = {core for word in WORDS for one in (word, word.upper()) for core in _cores(one)}
    twice = {core for word in WORDS[:1] for inner in _cores(word) for core in _cores(inner)}
    cores = "|".join(re.escape(core) for core in sorted(once | twice))
    by_hex = "|".join(
        r"(?:\\x|0x|%|[ :,])*".join(f"{ord(letter):02x}" for letter in word) for word in WORDS[:1]
    )
    return rf"{cores}|(?i:{by_hex}|\b(?:vafgehpgvba|nffvfgnag|erpbzzraq))"


ENCODED = _pattern()
"""What to look for, in a syntax that RE2 and Python share."""

_HELD = re.compile(ENCODED)


def decoded_texts(text: str, depth: int = DEPTH) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, encoding, decoded) of what in a text decodes to readable text."""
    for run in _RUN.finditer(text):
        if not _HELD.search(run[0].replace("\r", "").replace("\n", "")):
            continue
        if (inner := _from_base64(run[0])) is not None:
            yield run.start(), run.end(), "base64", inner
            if depth > 1:
                for _, _, how, deeper in decoded_texts(inner, depth - 1):
                    yield run.start(), run.end(), f"{how} in base64", deeper
    for run in _HEX.finditer(text):
        digits = _NO_DIGIT.sub("", run[0])
        if (inner := _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))) is not None:
            yield run.start(), run.end(), "hexadecimal", inner
    for run in _ROT.finditer(text):
        yield run.start(), run.end(), "ROT13", codecs.decode(run[0], "rot13")


def _from_base64(run: str) -> str | None:
    packed = run.replace("\r", "").replace("\n", "").replace("-", "+").replace("_", "/")
    packed = packed.rstrip("=")
    for shift in range(4):  # a run may begin with letters that are no part of it
        part = packed[shift : len(packed) - (len(packed) - shift) % 4 or None]
        rest = packed[shift + len(part) :]
        try:
            data = base64.b64decode(part + (rest + "=" * (-len(rest) % 4) if len(rest) > 1 else ""))
        except (binascii.Error, ValueError):
            continue
        if (found := _readable(data)) is not None:
            return found
    return None


def _readable(data: bytes) -> str | None:
    """Return bytes as text, or None where it is none that a person writes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if len(text) >= 12 and all(c.isprintable() or c in "\r\n\t" for c in text) else None
