"""The one way for text from outside to reach a terminal, a page or a message."""

import re
import unicodedata

ELLIPSIS = "…"
_PLAIN = re.compile(r"[ -~]*\Z")
_VISIBLE_FORMAT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_text(text: str, limit: int = 0) -> str:
    """Return `text` on one line with every invisible or active code point shown as `<U+XXXX>`.

    Escape sequences, bidi controls, zero-width and tag characters, surrogates, private-use and
    unassigned code points and line ends become visible; combining marks stacked more than four
    deep are cut. `limit` > 0 keeps at most that many source characters and ends with an ellipsis.
    """
    cut = limit > 0 and len(text) > limit
    kept = text[:limit] if cut else text
    shown = kept if _PLAIN.match(kept) else _show(kept)
    return shown + ELLIPSIS if cut else shown


def _show(text: str) -> str:
    shown: list[str] = []
    stacked = 0
    for char in text:
        category = unicodedata.category(char)
        stacked = stacked + 1 if category in ("Mn", "Me") else 0
        if char == "\n":
            shown.append("⏎")
        elif category in _VISIBLE_FORMAT or is_invisible(char):
            shown.append(f"<U+{ord(char):04X}>")
        elif category == "Zs":
            shown.append(char if char == " " else f"<U+{ord(char):04X}>")
        elif stacked <= 4:
            shown.append(char)
    return "".join(shown)


def is_unseen(char: str) -> bool:
    """Say whether a character leaves no mark of its own on a page."""
    return is_invisible(char) or unicodedata.category(char) in _VISIBLE_FORMAT


def is_invisible(char: str) -> bool:
    """Say whether a character draws nothing though its category does not tell."""
    point = ord(char)
    return (
        0xFE00 <= point <= 0xFE0F
        or 0xE0000 <= point <= 0xE0FFF
        or point in (0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800)
    )
