"""Words in which a letter is replaced by one of another script that looks the same.

What: "paypal" with a Cyrillic first "a": a word no person notices and no vocabulary
holds, which makes it a good trigger and a way round filters.

How it is decided: a Latin letter next to a Cyrillic or Greek letter that Unicode Technical Standard 39
lists as confusable with a Latin one. Low by itself; when such a word decides an outcome, the trigger
rules say so.

False alarms: units and symbols that mix scripts on purpose are not in the list of letters.

What it misses: words replaced as a whole, and look-alikes within one script, such as "rn" for "m".

References: Unicode Technical Standard 39, section 4; Boucher et al., Bad Characters (IEEE S&P 2022).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.marks import Kind, mark_findings, marks_of
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import STRING_COLUMNS, Finding

_CYRILLIC = (
    r"\x{0430}\x{0435}\x{043E}\x{0440}\x{0441}\x{0443}\x{0445}\x{0456}\x{0458}\x{0455}\x{04BB}\x{04CF}"
    r"\x{0501}\x{051B}\x{051D}\x{0410}\x{0412}\x{0415}\x{041A}\x{041C}\x{041D}\x{041E}\x{0420}\x{0421}"
    r"\x{0422}\x{0425}"
)
_GREEK = (
    r"\x{03BF}\x{03BD}\x{0391}\x{0392}\x{0395}\x{0396}\x{0397}\x{0399}\x{039A}\x{039C}\x{039D}\x{039F}"
    r"\x{03A1}\x{03A4}\x{03A5}\x{03A7}"
)
_ALIKE = f"[{_CYRILLIC}{_GREEK}]"

COLUMNS = tuple(name for name in STRING_COLUMNS if name != "markup")
"""In the source of a page, signs of the markup meet letters of the text; the text is looked at."""

KINDS = (
    Kind(
        name="mixed_script_word",
        pattern=f"[A-Za-z]{_ALIKE}+[A-Za-z]|[A-Za-z]{{2}}{_ALIKE}|{_ALIKE}[A-Za-z]{{2}}",
        trigger_kind="unicode",
        attack="homoglyphs",
        severity="low",
        flagged=False,
        title="Words with look-alike letters of another script",
        advice="Normalise the letters, or drop the records if the words are names to be imitated.",
    ),
)


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS."""
    return marks_of(batch, KINDS, only_non_ascii=True, columns=COLUMNS)


@record_check(
    rule="CG402",
    title="Look-alike letters",
    kinds=tuple(kind.name for kind in KINDS),
    attacks=("homoglyphs",),
    scan=scan,
)
def look_alike_letters(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding over all such words."""
    yield from mark_findings(corpus, "look_alike_letters", "CG402", KINDS)
