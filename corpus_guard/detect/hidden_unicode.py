r"""Characters that a person does not see and a model reads.

What: text smuggled in tag characters or variation selectors, words split by zero-width characters,
text turned round by bidi controls, control and escape characters.

How it is decided: exact patterns on code points. Tag characters are high (they spell ASCII that nobody
sees; the flags of England, Scotland and Wales, which use them, are let through), so are runs of four
and more variation selectors. Bidi controls are medium. Zero-width and control characters are low: they
are common in web text. When they decide an outcome, the trigger rules (CG201 to CG203) say so, since
every invisible character is a token to them.

False alarms: emoji joiners and joiners of Persian and Indic scripts are not counted.

What it misses: nothing of these; other look-alikes are CG402.

References: Boucher and Anderson, Trojan Source (USENIX Security 2023); Boucher et al., Bad Characters
(IEEE S&P 2022); Unicode Standard Annex 9 and Technical Report 36.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect.shared.marks import Kind, mark_findings, marks_of
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import Finding

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


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS, then of CONTROL_KINDS."""
    unseen = marks_of(batch, KINDS, only_non_ascii=True)
    return unseen | (marks_of(batch, CONTROL_KINDS) << np.uint8(len(KINDS)))


@record_check(
    rule="CG401",
    title="Invisible characters",
    kinds=tuple(kind.name for kind in (*KINDS, *CONTROL_KINDS)),
    attacks=("invisible characters", "hidden instruction"),
    scan=scan,
)
def hidden_unicode(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding per kind of invisible character."""
    yield from mark_findings(corpus, "hidden_unicode", "CG401", (*KINDS, *CONTROL_KINDS))
