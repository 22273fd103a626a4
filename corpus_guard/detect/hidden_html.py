r"""Markup that hides text from the reader of a page but not from a model.

What: elements that are not displayed, of no size or colourless, and comments that speak to a model.

How it is decided: patterns on inline styles and attributes. A hidden element or a comment that also
tells a model what to do is high; a merely hidden element is low, since pages hide much for good
reasons.

False alarms: pages about prompt injection that show such markup as it works, not as quoted text.

What it misses: hiding by style sheets, scripts or images.

References: Greshake et al., Not What You've Signed Up For (AISec 2023).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.detect._marks import Kind, mark_findings, marks_of
from corpus_guard.plugins import record_check
from corpus_guard.sketch.corpus import Corpus
from corpus_guard.types import Finding

_ORDER = (
    r"(?i:ignore|disregard|forget)[^<>]{0,40}(?i:instruction|prompt|rule|guideline)s?"
    r"|(?i:as an ai|you are an? (?:ai|assistant|language model))"
    r"|(?i:(?:ai|llm)s? (?:agents?|assistants?|models?) (?:must|should))"
)
_HIDING = (
    r"(?i:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*[;\"']"
    r"|opacity\s*:\s*0\s*[;\"']|aria-hidden\s*=\s*[\"']?true|\shidden\s*=)"
)
_ATTRIBUTE = r"(?i:\shidden)(?:\s+[\w-]+=[^<>]{0,200})?\s*/?>"
_TAG = rf"<[A-Za-z][^<>]{{0,200}}(?:{_HIDING}[^<>]{{0,200}}>|{_ATTRIBUTE})"

KINDS = (
    Kind(
        name="hidden_instruction",
        pattern=rf"{_TAG}[^<>]{{0,400}}(?:{_ORDER})",
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="high",
        flagged=True,
        title="Instructions in a hidden element",
        advice="Drop the records; nobody hides instructions from readers by accident.",
    ),
    Kind(
        name="instruction_in_comment",
        pattern=rf"<!--[^<>]{{0,400}}(?:{_ORDER})",
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="high",
        flagged=True,
        title="Instructions in a comment",
        advice="Drop the records, or remove comments before training.",
    ),
    Kind(
        name="hidden_element",
        pattern=_TAG,
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="low",
        flagged=False,
        title="Hidden elements",
        advice="Extract the visible text before training.",
    ),
)


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS."""
    return marks_of(batch, KINDS, only_with="<")


@record_check(
    rule="CG403",
    title="Hidden markup",
    kinds=tuple(kind.name for kind in KINDS),
    attacks=("hidden instruction",),
    scan=scan,
)
def hidden_html(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding per kind of hidden markup."""
    yield from mark_findings(corpus, "hidden_html", "CG403", KINDS)
