r"""Characters that a person does not see and a model reads.

What: text smuggled in tag characters, variation selectors or the bits of zero-width characters, also
where these are written out as escapes (`\udb40\udc41`, `&#917569;`, `%F3%A0%81%81`); words split by
zero-width characters, text turned round by bidi controls, control and escape characters.

How it is decided: exact patterns on code points, in strings as they are decoded. Tag characters are
high (they spell ASCII that nobody sees; the flags of England, Scotland and Wales, which use them, are
let through), so are runs of four and more variation selectors. Runs of four and more escapes, and of 24
and more zero-width characters, are decoded: high where they spell words, which are shown, else low.
Bidi controls are medium. Zero-width and control characters are low: they are common in web text. When
they decide an outcome, the trigger rules (CG201 to CG203) say so, since every invisible character is a
token to them.

False alarms: emoji joiners and joiners of Persian and Indic scripts are not counted.

What it misses: nothing of these; other look-alikes are CG402.

References: Boucher and Anderson, Trojan Source (USENIX Security 2023); Boucher et al., Bad Characters
(IEEE S&P 2022); Unicode Standard Annex 9 and Technical Report 36.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.campaigns import Campaign, Told, campaign_findings
from corpus_guard.detect.shared.escapes import RUN, escaped_runs, spelled
from corpus_guard.detect.shared.marks import (
    Kind,
    for_python,
    mark_findings,
    marked_rows,
    marks_of,
)
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import STRING_COLUMNS, Finding

KINDS = (
    Kind(
        name="tag_characters",
        pattern=(
            r"(?:^|[^\x{1F3F4}\x{E0020}-\x{E007E}])[\x{E0001}\x{E0020}-\x{E007E}]+"
            r"|\x{1F3F4}[\x{E0020}-\x{E007E}]{7,}"  # no region's code is as long
        ),
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="high",
        flagged=True,
        title="Text in invisible tag characters",
        advice="Drop the records, or strip the characters U+E0000 to U+E007F.",
    ),
    Kind(
        name="variation_selectors",
        pattern=r"[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{4,}",
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="high",
        flagged=True,
        title="Data in runs of variation selectors",
        advice="Drop the records, or strip the selectors.",
    ),
    Kind(
        name="bidi_controls",
        pattern=r"[\x{202A}-\x{202E}\x{2066}-\x{2069}]",
        trigger_kind="unicode",
        attack="invisible characters",
        severity="medium",
        flagged=False,
        title="Bidi controls that reorder what is shown",
        advice="Look at the raw text; strip the controls unless the script needs them.",
    ),
    Kind(
        name="zero_width",
        pattern=r"[\x{200B}\x{2060}-\x{2064}\x{FEFF}\x{180E}]|[A-Za-z][\x{200C}\x{200D}\x{AD}]+[A-Za-z]",
        trigger_kind="unicode",
        attack="invisible characters",
        severity="low",
        flagged=False,
        title="Zero-width characters",
        advice="Strip them; look closer if they stand inside words.",
    ),
)
CONTROL_KINDS = (
    Kind(
        name="control_characters",
        pattern=r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]",
        trigger_kind="unicode",
        attack="invisible characters",
        severity="low",
        flagged=False,
        title="Control characters",
        advice="Strip them; escape sequences can rewrite a terminal.",
    ),
)


ESCAPED_KINDS = (
    Kind(
        name="escaped_invisible_characters",
        pattern=RUN,
        trigger_kind="unicode",
        attack="invisible characters",
        severity="low",
        flagged=False,
        title="Invisible characters written as escapes",
        advice="Decode the text once more and strip them.",
    ),
)
SPELLED = Campaign(
    rule="CG401",
    kind="spelled_by_invisible_characters",
    severity="high",
    score=0.9,
    flagged=True,
    attack="hidden instruction",
    title="Words spelled by invisible characters",
    advice="Drop the records, or strip the characters and their escapes.",
)
_ZERO_WIDTH_RUN = r"[\x{200B}-\x{200D}\x{2060}-\x{2064}\x{FEFF}]{24,}"
_BITS = Kind(
    name="zero_width_run",
    pattern=_ZERO_WIDTH_RUN,
    trigger_kind="hidden_text",
    attack="hidden instruction",
    severity="high",
    flagged=True,
    title="Runs of zero-width characters",
    advice="Strip them.",
)
_WRITTEN = replace(_BITS, pattern=f"{CONTROL_KINDS[0].pattern}|{RUN}")
_ZERO_WIDTH = np.uint8(1 << [kind.name for kind in KINDS].index("zero_width"))
_RUN_OF_ZEROS = re.compile(for_python(_ZERO_WIDTH_RUN))
_ALL = (*KINDS, *CONTROL_KINDS, *ESCAPED_KINDS)
_SPELLED_BIT = len(_ALL)


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS, CONTROL_KINDS, ESCAPED_KINDS, then whether a run spells words."""
    marks = marks_of(batch, KINDS, only_non_ascii=True)
    # Both at once, and each by itself where there is any: a pass over all texts is what costs.
    written = np.flatnonzero(marks_of(batch, (_WRITTEN,)))
    escaped, runs = np.zeros(batch.num_rows, np.uint8), np.zeros(batch.num_rows, np.uint8)
    if len(written):
        some = batch.take(pa.array(written))
        marks[written] |= marks_of(some, CONTROL_KINDS) << np.uint8(len(KINDS))
        escaped[written] = marks_of(some, ESCAPED_KINDS)
    zero_width = np.flatnonzero(marks & _ZERO_WIDTH)
    if len(zero_width):
        runs[zero_width] = marks_of(batch.take(pa.array(zero_width)), (_BITS,))
    for row in np.flatnonzero(escaped | runs):
        record = {name: batch[name][int(row)].as_py() for name in STRING_COLUMNS}
        told = _told(record)
        marks[row] |= np.uint8(1 << _SPELLED_BIT) if told else np.uint8(0)
        if escaped[row] and not told and _has_run(record):
            marks[row] |= np.uint8(1 << (_SPELLED_BIT - 1))
    return marks


def _has_run(record: Mapping[str, str | None]) -> bool:
    return any(next(escaped_runs(text), None) for text in record.values() if text)


def _told(record: Mapping[str, str | None]) -> Told | None:
    """Return what escaped or zero-width characters of a record spell."""
    for name in STRING_COLUMNS:
        text = record[name] or ""
        for run in escaped_runs(text):
            if run.words:
                return Told(run.words, text[run.start : run.end][:400], "escapes", "decoded")
        for found in _RUN_OF_ZEROS.finditer(text) if not text.isascii() else ():
            if words := spelled(found[0]):
                return Told(words, "", "zero-width characters as bits", "decoded")
    return None


@record_check(
    rule="CG401",
    title="Invisible characters",
    kinds=(*(kind.name for kind in _ALL), SPELLED.kind),
    attacks=("invisible characters", "hidden instruction"),
    scan=scan,
)
def hidden_unicode(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding per kind of invisible character, and one per text that they spell."""
    rows = marked_rows(corpus, "hidden_unicode", _SPELLED_BIT)
    if len(rows):
        yield from campaign_findings(corpus, rows, _told, SPELLED)
    yield from mark_findings(corpus, "hidden_unicode", "CG401", _ALL)
