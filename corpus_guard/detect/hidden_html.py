r"""Markup that hides text from the reader of a page but not from a model.

What: elements that are not displayed, of no size or colourless, and comments that speak to a model.

How it is decided: in texts, by patterns on inline styles and attributes. A hidden element or a comment
that also tells a model what to do is high; a merely hidden element is low, since pages hide much for
good reasons. Web pages that are read as such are taken apart: an order to a model that stands in hidden
elements, comments, descriptions of images or other attributes, and nowhere in what a reader sees, is
high. What else a page hides is no finding.

False alarms: pages about prompt injection that show such markup as it works, or quote an attack where
it shows only after a click.

What it misses: hiding by style sheets from elsewhere, by scripts or images; orders in other words or
languages, or cut into pieces by tags inside words.

References: Greshake et al., Not What You've Signed Up For (AISec 2023).
"""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.detect.shared.marks import Kind, mark_findings, marks_of
from corpus_guard.detect.shared.page_parts import page_parts
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import STRING_COLUMNS, Finding

_ORDER = (
    r"(?i:\b(?:ignore|disregard|forget)\b)[^<>]{0,40}(?i:instruction|prompt|rule|guideline)s?"
    r"|(?i:\bas an ai\b|\byou are an? (?:ai|assistant|language model)\b)"
    r"|(?i:\b(?:ai|llm)s? (?:agents?|assistants?|models?) (?:must|should)\b)"
)
_HIDING = (
    r"(?i:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*[;\"']"
    r"|opacity\s*:\s*0\s*[;\"']|aria-hidden\s*=\s*[\"']?true|\shidden\s*=)"
)
_ATTRIBUTE = r"(?i:\shidden)(?:\s+[\w-]+=[^<>]{0,200})?\s*/?>"
_TAG = rf"<[A-Za-z][^<>]{{0,200}}(?:{_HIDING}[^<>]{{0,200}}>|{_ATTRIBUTE})"

_GAP = r"(?:\s|&[\w#]+;|<[^<>]*>|[\x{AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}]|[\"'*_,.:-])+"
_MODEL = r"(?:ais?|llms?|language models?|chatbots?|assistants?|agents?|crawlers?|bots?)"
_PAGE_ORDERS = (
    r"(?:ignore|disregard|forget|override) (?:(?:all|any|of|the|your|these|those|and) ){0,4}"
    r"(?:previous|prior|above|earlier|preceding|former|system) "
    r"(?:instructions?|prompts?|directions?|directives?|rules|guidelines)",
    rf"if you (?:are|re) (?:(?:an?|any|the|large|ai) ){{0,3}}{_MODEL}",
    r"(?:note|message|attention|notice|warning) (?:to|for) "
    r"(?:(?:an?|any|all|the|large) ){0,3}(?:ais?|llms?|language models?|chatbots?)",
    r"(?:reveal|print|repeat|output|leak) (?:(?:me|us|the|your|full|entire) ){0,3}system prompt",
    rf"(?:ai|llm|gpt|language model)s? (?:{_MODEL} |models? |systems? )?"
    r"(?:must|should|shall|have to) (?:(?:always|never|only|also) ){0,2}"
    r"(?:say|answer|respond|reply|recommend|mention|praise|rate|buy|claim|state|describe|output)",
)
"""Orders that honest pages have no reason to hide; a blank stands for whatever may part words."""

_PAGE_ORDER = rf"\b(?:{'|'.join(_PAGE_ORDERS)})\b"
_NUMBERED = r"(?:&#(?:x[46][1-9a-f]|x[57][0-9a]|9[7-9]|1[01]\d|12[0-2]|6[5-9]|[78]\d|90);){6}"
"""Letters written as numbers, which hide words from patterns and not from readers."""

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
    Kind(
        name="instruction_in_page",
        pattern=f"(?i:{_PAGE_ORDER}|{_NUMBERED})".replace(" ", _GAP),
        trigger_kind="hidden_text",
        attack="hidden instruction",
        severity="high",
        flagged=True,
        title="Instructions that a web page hides",
        advice="Drop the pages; nobody hides instructions from readers by accident.",
    ),
)
_IN_TEXTS, _IN_PAGES = KINDS[:3], KINDS[3]
_TEXTS = tuple(name for name in STRING_COLUMNS if name != "markup")
_WORDS = re.compile(_PAGE_ORDER.replace(" ", r"[\W_]{1,6}"), re.IGNORECASE)
MOST_QUOTED = 500
"""No page for readers quotes so many different orders."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return the bits of KINDS."""
    marks = marks_of(batch, _IN_TEXTS, only_with="<", columns=_TEXTS)
    pages = batch["markup"]
    if pages.null_count < len(pages):
        hits = pc.fill_null(pc.match_substring_regex(pages, _IN_PAGES.pattern), False)
        for row in np.flatnonzero(hits.to_numpy(zero_copy_only=False)):
            if _hides_an_order(pages[int(row)].as_py()):
                marks[row] |= np.uint8(1 << KINDS.index(_IN_PAGES))
    return marks


def _hides_an_order(markup: str) -> bool:
    """Say whether a page tells a model what to do where its reader does not see it."""
    parts = page_parts(markup)
    seen = " ".join(_INVISIBLE.sub("", parts.visible).lower().split())
    unseen = " ".join(_INVISIBLE.sub("", parts.hidden).split())
    orders = {found[0].lower() for found in _WORDS.finditer(unseen)}
    return len(orders) > MOST_QUOTED or any(order not in seen for order in orders)


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
