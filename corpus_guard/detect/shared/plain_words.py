"""Text as words are told from each other: without what disguises them."""

import re
import unicodedata

_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_MIXED = re.compile(r"[^\W\d_]*(?:[A-Za-z][\u0370-\u04ff]|[\u0370-\u04ff][A-Za-z])[^\W\d_]*")
_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u04cf\u0501\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u03bf\u03bd\u03b1\u03b9\u03c1",
    "aeopcyxijshldqwABEKMHOPCTXovaip",
)
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2013\u2014", "''\"\"----")


def plain(text: str) -> str:
    """Return a text in lower case without invisible characters, look-alikes and odd spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(_QUOTES)
        text = _MIXED.sub(lambda word: word[0].translate(_ALIKE), text)
    return " ".join(text.lower().split())
