"""Tell in which encoding a file's text stands; its readers see UTF-8 whatever it is.

A byte order mark decides; then whether the beginning is UTF-8, of which a few bytes may be broken; then
where NULs stand, as in UTF-16 and UTF-32; then what a beginning looks like that is far from UTF-8.
"""

import codecs
import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.read.transcoding import BROKEN, decoder_of, utf8_of

AUTO, UTF8 = "auto", "utf-8"
MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NO_TEXT = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""What Python calls encodings of text and no file stands in."""

UNBOUNDED = frozenset({"utf-7"})
"""A hostile file makes its decoder hold all that has come."""

LEGACY = (
    "cp1251", "koi8_r", "koi8_u", "cp866", "gb18030", "big5", "cp949", "cp1252", "cp1250", "cp1253",
    "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
)  # fmt: skip
"""What text that is no Unicode may stand in: what systems wrote by default in each script."""

JAPANESE = ("cp932", "euc_jp")
"""Told by their kana: by letters alone they pass for Korean or Thai."""

HEAD_BYTES = 65_536

FEW = 4
"""So many odd characters alone tell nothing, however short the text is."""

LOOKED_AT = 16_384
"""Guessing a legacy encoding takes time with each byte, and more bytes tell no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The encoding of a file's text, and its beginning as UTF-8."""

    encoding: str
    text: bytes


def checked_encoding(name: object) -> str:
    """Return an encoding's usual name, or `auto`; raise UsageError with the nearest match for none."""
    if not isinstance(name, str):
        raise UsageError(f"encoding is {safe_text(repr(name), 40)}; give a name such as cp1251")
    if name.strip().lower() == AUTO:
        return AUTO
    usual = _usual(name.strip())
    if usual is None:
        from encodings.aliases import aliases

        known = sorted(one for one in {*aliases, *aliases.values()} if _usual(one))
        near = difflib.get_close_matches(name.strip().lower().replace("-", "_"), known, n=1)
        hint = f"did you mean {near[0]}?" if near else "give auto, or one such as cp1251 or utf-16"
        raise UsageError(f'encoding "{safe_text(name, 40)}" is not known; {hint}')
    return usual


def _usual(name: str) -> str | None:
    """Return the usual name of an encoding in which files stand; None for what is none."""
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):  # ValueError: a NUL in it
        return None
    if not found._is_text_encoding or found.name in NO_TEXT | UNBOUNDED:
        return None
    return {"utf-8-sig": UTF8, "ascii": UTF8}.get(found.name, found.name)


def encoded(head: bytes, wanted: str = AUTO) -> Encoded:
    """Return the encoding of a text that begins so: the one that is wanted, or the one it shows."""
    name = _named(head, wanted) if wanted != AUTO else _shown(head)
    if name.startswith(("utf-16", "utf-32")) and 0 not in head and _is_utf8(head):
        return Encoded(encoding=name, text=b"\xff" * len(head))  # its line ends would hold NULs
    return Encoded(encoding=name, text=head if name == UTF8 else utf8_of(head, name))


def is_no_text(told: Encoded) -> bool:
    """Say whether what begins so is no text, in the encoding that it seems to have."""
    return is_binary(told.text) or is_garbled(told)


def is_binary(head: bytes) -> bool:
    """Say whether bytes are no text: many control characters, or invalid UTF-8 throughout."""
    return is_controlled(head) or is_broken(head)


def is_controlled(head: bytes) -> bool:
    """Say whether bytes hold many control characters."""
    control = sum(head.count(bytes([code])) for code in range(9)) + sum(
        head.count(bytes([code])) for code in range(14, 32) if code != 27
    )
    return control > max(FEW, len(head) // 50)


def is_broken(head: bytes) -> bool:
    """Say whether bytes are far from UTF-8."""
    return head.decode("utf-8", "replace").count(BROKEN) > max(FEW, len(head) // 5)


def is_garbled(told: Encoded) -> bool:
    """Say whether a text in a wide encoding is none: too many of its characters stand for nothing."""
    if not told.encoding.startswith(("utf-16", "utf-32")):
        return False
    return _garbled(told.text.decode("utf-8", "replace"))


def _named(head: bytes, wanted: str) -> str:
    """Return the encoding that was asked for, with the byte order that the text has."""
    if wanted not in ("utf-16", "utf-32"):
        return wanted
    marked = [name for mark, name in MARKS if name.startswith(wanted) and head.startswith(mark)]
    if marked:
        return marked[0]
    step = 2 if wanted == "utf-16" else 4
    return f"{wanted}-{'be' if head[::step].count(0) > head[step - 1 :: step].count(0) else 'le'}"


def _shown(head: bytes) -> str:
    """Return the encoding that the beginning of a text shows; UTF-8 where it shows none."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    wide = _wide(head) if 0 in head else None
    is_legacy = wide is None and is_broken(head) and not is_controlled(head)
    return wide or (_legacy(head) if is_legacy else None) or UTF8


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _wide(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 where NULs stand as they do in one of these."""
    for step, names in ((4, ("utf-32-le", "utf-32-be")), (2, ("utf-16-le", "utf-16-be"))):
        units = len(head) // step
        zeros = [head[place : units * step : step].count(0) for place in range(step)]
        for name, ordered in zip(names, (zeros, zeros[::-1]), strict=True):
            if _fits(ordered, units) and _is_wide_text(head, name):
                return name
    return None


def _fits(zeros: Sequence[int], units: int) -> bool:
    """Say whether so many NULs at each place of a unit, the lowest first, are those of text."""
    if len(zeros) == 4:  # the highest byte of a character is always NUL, the next nearly always
        return units > 0 and zeros[3] == units and zeros[2] > units * 0.9 > zeros[0]
    least = min(units // 2, max(FEW, units // 64))
    return units > FEW and zeros[1] > least and zeros[0] <= zeros[1] // 20


def _is_wide_text(head: bytes, name: str) -> bool:
    """Say whether a beginning reads as text in a wide encoding, not as bytes with NULs among them."""
    text = decoder_of(name).decode(head)
    if _garbled(text):
        return False
    pairs = [char for char in text if "\u2020" <= char <= "\u7e7e"]
    ascii_pairs = sum(all(32 <= byte < 127 for byte in divmod(ord(char), 256)) for char in pairs)
    # In Chinese a quarter of the characters look like two ASCII letters, in bytes with NULs all do.
    return ascii_pairs <= len(text) // 3


def _garbled(text: str) -> bool:
    odd = sum(
        char in (BROKEN, "\ufeff") or (ord(char) > 31 and unicodedata.category(char) in ("Cn", "Co"))
        or (ord(char) < 32 and char not in "\t\n\r\x0b\x0c\x1b") or "\ud800" <= char <= "\udfff"
        for char in text
    )  # fmt: skip
    return odd > max(FEW, len(text) // 20)


def _legacy(head: bytes) -> str | None:
    """Return the encoding that a beginning which is no Unicode is probably in."""
    part = head[:LOOKED_AT]
    for name in JAPANESE:
        if _is_japanese(part, name):
            return codecs.lookup(name).name
    from charset_normalizer import from_bytes

    cut = part[: part.rfind(b"\n") + 1] or part  # no half character at its end
    found = list(from_bytes(cut, cp_isolation=list(LEGACY)))  # the likeliest first
    # KOI8 and Windows have the same letters in places of which one's capitals are the other's small.
    likely = [match for match in found if not _shouts(str(match))] or found
    return codecs.lookup(likely[0].encoding).name if likely else None


def _shouts(text: str) -> bool:
    """Say whether most of a text's letters beyond ASCII are capitals."""
    letters = [char for char in text if char > "\x7f"]
    return sum(map(str.isupper, letters)) > max(FEW, sum(map(str.islower, letters)))


def _is_japanese(part: bytes, name: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(name)().decode(part)
    except UnicodeDecodeError:
        return False
    wide = sum(char > "\x7f" for char in text)
    kana = sum("\u3041" <= char <= "\u30fe" for char in text)
    return kana > max(FEW, wide // 5)
