"""Text that a page hides from its reader and that tells a model what to do.

What: orders to an assistant, a language model, a crawler or a summariser in elements that are not shown
(display, visibility, opacity, size, colour, place, clipping, `hidden`, also by rules of the page's own
style sheets), in comments, templates, noscript and structured data, and in attributes such as `alt`,
`title`, `aria-label`, `data-...` and the `content` of meta tags; in HTML files and web archives, in HTML
inside any field, in Markdown.

How it is decided: the hidden parts of a text are taken out and judged by what they say. Cues of three
kinds count together within a few sentences: an addressee ("note to AI assistants", "if you are a
language model", the markup of system prompts), an imperative about what models do ("always recommend",
"do not mention"), and what it steers ("when summarising this page", "tell users that", "ignore previous
instructions"). Two kinds must agree. What a reader sees as well is none of it, nor is code that is shown
in Markdown. Each wording is one finding, high from one record on, with the text and how it is hidden.
Elements that are hidden and say nothing of the kind are low in texts and nothing in pages, since pages
hide much for good reasons.

False alarms: instructions for a site's own assistant that stand in its pages; news whose summary in a
meta tag speaks to models. None on 14,600 made-up honest pages with menus, banners, widgets and sentences
about AI that the rules were not tuned on, nor on 6,000 pages of a programming manual.

What it misses: hiding by style sheets from elsewhere, by scripts or images; orders that avoid the known
cues, such as a false fact about a product. Of new wordings about four in five were found, see
scripts/hidden_orders.py.

References: Greshake et al., Not What You've Signed Up For (AISec 2023); Lin, Hidden Prompts in
Manuscripts (arXiv 2507.06185).
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.detect.shared.campaigns import Campaign, Told, campaign_findings
from corpus_guard.detect.shared.encoded import ENCODED
from corpus_guard.detect.shared.hidden_texts import HiddenOrder, hidden_orders
from corpus_guard.detect.shared.marks import Kind, mark_findings, marked_rows, marks_of
from corpus_guard.detect.shared.model_orders import HINTS
from corpus_guard.detect.shared.overrides import OTHER_SCRIPTS, OVERRIDE
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import STRING_COLUMNS, Finding

_HIDING = (
    r"(?i:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*[;\"']"
    r"|opacity\s*:\s*0\s*[;\"']|aria-hidden\s*=\s*[\"']?true|\shidden\s*=)"
)
_ATTRIBUTE = r"(?i:\shidden)(?:\s+[\w-]+=[^<>]{0,200})?\s*/?>"
ELEMENT = Kind(
    name="hidden_element",
    pattern=rf"<[A-Za-z][^<>]{{0,200}}(?:{_HIDING}[^<>]{{0,200}}>|{_ATTRIBUTE})",
    trigger_kind="hidden_text",
    attack="hidden instruction",
    severity="low",
    flagged=False,
    title="Hidden elements",
    advice="Extract the visible text before training.",
)
INSTRUCTION = Campaign(
    rule="CG403",
    kind="hidden_instruction",
    severity="high",
    score=0.9,
    flagged=True,
    attack="hidden instruction",
    title="Instructions to a model that readers do not see",
    advice="Drop the records; nobody hides instructions to a model from readers by accident.",
)
_NUMBERED = r"(?i:(?:&#(?:x[46][1-9a-f]|x[57][0-9a]|9[7-9]|1[01]\d|12[0-2]|6[5-9]|[78]\d|90);){4})"
_SPLIT = (
    r"[A-Za-z](?:[\x{AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}]|&shy;|&zwnj;|&#8203;|&#x200b;)+[A-Za-z]"
)
_WORTH_PARSING = (HINTS.replace(" ", r"\s{1,9}"), OVERRIDE, f"{_NUMBERED}|{_SPLIT}|{ENCODED}")
"""Several, since one pattern of all needs more memory than RE2 allows, and then is slow."""
_ORDERED = np.uint8(1)
_LITTLE = 1 << 15
"""So many bytes are taken apart in less time than Arrow takes to compile the patterns."""

_AT_ONCE = 1024


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return bit 0 for orders to a model that are hidden, bit 1 for hidden elements."""
    marks = marks_of(batch, (ELEMENT,), only_with="<", columns=_TEXTS) << np.uint8(1)
    is_page = batch["markup"].is_valid().to_numpy(zero_copy_only=False)
    for name in STRING_COLUMNS:
        rows = _worth_parsing(batch[name], name)
        if name == "text":
            rows = rows[~is_page[rows]]  # what of a page is shown is judged by its source
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            texts = batch[name].take(pa.array(some)).to_pylist()
            for found in hidden_orders(texts, is_page=name == "markup"):
                marks[some[found.place]] |= _ORDERED
    return marks


_TEXTS = tuple(name for name in STRING_COLUMNS if name != "markup")


def _worth_parsing(column: pa.Array, name: str) -> npt.NDArray[np.int64]:
    """Return the rows whose text may hide an order; cheap searches leave few."""
    if column.null_count == len(column):
        return np.zeros(0, np.int64)
    may = pc.is_valid(column)
    if name != "markup":
        may = pc.match_substring_regex(column, "<")
        for mark in (r"!\[", r"\]:", r"\]\("):
            may = pc.or_(may, pc.match_substring_regex(column, mark))
    rows = np.flatnonzero(pc.fill_null(may, False).to_numpy(zero_copy_only=False))
    if len(rows) == 0:
        return rows
    texts = column.take(pa.array(rows)) if len(rows) < len(column) else column
    is_little = pc.sum(pc.binary_length(texts)).as_py() < _LITTLE
    return rows if is_little else rows[_any_hit(texts)]


def _any_hit(texts: pa.Array) -> npt.NDArray[np.bool_]:
    hits = np.zeros(len(texts), np.bool_)
    is_ascii = pc.all(pc.string_is_ascii(texts)).as_py()
    for pattern in (*_WORTH_PARSING, *(() if is_ascii else (OTHER_SCRIPTS,))):
        hits |= pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return hits


def _told(record: Mapping[str, str | None]) -> Told | None:
    """Return the strongest hidden order of a record."""
    found: list[HiddenOrder] = []
    for name in STRING_COLUMNS:
        text = record[name]
        if text and not (name == "text" and record["markup"]):
            found += hidden_orders([text], is_page=name == "markup")
    if not found:
        return None
    best = min(found, key=lambda one: (-one.order.weight, one.order.text, one.how))
    return Told(best.order.text, best.order.core, best.how, best.order.cues)


@record_check(
    rule="CG403",
    title="Hidden markup",
    kinds=("hidden_instruction", "hidden_element"),
    attacks=("hidden instruction",),
    scan=scan,
)
def hidden_html(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding per hidden order to a model, and one for elements that are merely hidden."""
    ordered = marked_rows(corpus, "hidden_html", 0)
    if len(ordered):
        yield from campaign_findings(corpus, ordered, _told, INSTRUCTION)
    yield from mark_findings(corpus, "hidden_html", "CG403", (None, ELEMENT))
