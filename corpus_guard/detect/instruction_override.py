"""Text that tells a model to drop its instructions.

What: "ignore all previous instructions" and its kin in some fifteen languages, also in base64 (once or
twice), hexadecimal or ROT13, with digits or look-alikes for letters, or with blanks or invisible
characters between letters; and orders in fields that are no place for any: file names, alt texts,
descriptions of tools that have a model act in secret.

How it is decided: a list of phrasings, and where they stand. In prompts, responses and texts they are
low and flag nothing: security texts quote them, and data sets that teach refusal hold them on purpose.
Disguised or encoded ones are medium, and so are those in fields that are neither prompt nor answer:
labels, ids, titles, data in a prompt such as the result of a tool. They are high in file names, alt
texts and schemas of tools, and in descriptions where they go on to say what to do instead. High as well
is a tool's description with two of: do not tell the user; take a secret file or the conversation; do
this before any other tool; and a description that speaks to models outright. Each wording above low is
one finding. Hidden ones are CG403.

False alarms: collections of attacks with fields such as `title` or `note`, which are medium. On the
eighteen clean sets of the benchmark none above low.

What it misses: other wordings, languages and encodings; disguises of other languages than English;
results of tools that are plain text, since a prompt does not say which of its lines a tool wrote.

References: Perez and Ribeiro, Ignore Previous Prompt (arXiv 2211.09527); Greshake et al., Not What
You've Signed Up For (AISec 2023); Invariant Labs, Tool Poisoning Attacks (2025).
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus_guard.detect.shared.campaigns import Campaign, Told, campaign_findings
from corpus_guard.detect.shared.encoded import ENCODED, decoded_texts
from corpus_guard.detect.shared.marks import Kind, for_python, mark_findings, marked_rows
from corpus_guard.detect.shared.model_orders import ADDRESSED_HINTS, order_in
from corpus_guard.detect.shared.overrides import OTHER_SCRIPTS, OVERRIDE, PLAIN, STARTS
from corpus_guard.detect.shared.placed_orders import (
    TOOL_HINTS,
    Place,
    Places,
    fields_of,
    has_payload,
    kind_of_field,
    poisons_a_tool,
    speaks_to_models,
)
from corpus_guard.detect.shared.plain_words import plain
from corpus_guard.plugins import record_check
from corpus_guard.sketch.rows.corpus import Corpus
from corpus_guard.types import STRING_COLUMNS, Finding

OVERRIDES = Kind(
    name="override",
    pattern=f"{OVERRIDE}|{OTHER_SCRIPTS}",
    trigger_kind="hidden_text",
    attack="prompt injection",
    severity="low",
    flagged=False,
    title="Text that tells a model to ignore its instructions",
    advice="Read the records; drop those that address the model itself.",
)
DISGUISED = Campaign(
    rule="CG404",
    kind="override_in_disguise",
    severity="medium",
    score=0.6,
    flagged=False,
    attack="prompt injection",
    title="Disguised text that tells a model to ignore its instructions",
    advice="Read the records; drop them unless they teach a model to resist such attacks.",
    where="disguised as",
)
MISPLACED = Campaign(
    rule="CG404",
    kind="override_out_of_place",
    severity="medium",
    score=0.6,
    flagged=False,
    attack="prompt injection",
    title="Instructions to a model in a field that is no prompt",
    advice="Read the records; drop them unless they are a collection of attacks.",
    where="in",
)
INJECTED = Campaign(
    rule="CG404",
    kind="order_in_metadata",
    severity="high",
    score=0.85,
    flagged=True,
    attack="prompt injection",
    title="Orders to a model in descriptions, file names or metadata",
    advice="Drop the records, or clear these fields.",
    where="in",
)
_CAMPAIGNS = (DISGUISED, MISPLACED, INJECTED)
_KINDS = (OVERRIDES.name, *(campaign.kind for campaign in _CAMPAIGNS))
_BIT = {kind: np.uint8(1 << bit) for bit, kind in enumerate(_KINDS)}
_OVERRIDE, _PLAIN = (
    re.compile(for_python(OVERRIDES.pattern)),
    re.compile(for_python(f"{PLAIN}|{OTHER_SCRIPTS}")),
)
_ENCODED = re.compile(for_python(ENCODED))
_FEW = 50
"""So few texts are read faster than a large pattern is compiled."""

_LITTLE = 2048
"""So many bytes are read in less time than Arrow takes to compile the patterns."""

_SUSPECT = f"{STARTS}|{ENCODED}"


def scan(batch: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Return bits: an override in prose, one in disguise, one out of place, an order in metadata."""
    marks = np.zeros(batch.num_rows, np.uint8)
    for name in STRING_COLUMNS:
        column = batch[name]
        if column.null_count == len(column):
            continue
        for row in np.flatnonzero(_hits(column, name)):
            for kind, _ in _read(name, column[int(row)].as_py()):
                marks[row] |= _BIT[kind]
    return marks


def _hits(column: pa.Array, name: str) -> npt.NDArray[np.bool_]:
    """Say which texts are worth a closer look."""
    if pc.sum(pc.binary_length(column)).as_py() < _LITTLE:
        return _plain(pc.is_valid(column))
    found = _matching(column, _SUSPECT)
    rows = np.flatnonzero(found)
    if len(rows) > _FEW:
        some = column.take(pa.array(rows))
        found[rows] = _matching(some, OVERRIDE) | _matching(some, ENCODED)
    if name == "other":
        found |= _matching(column, TOOL_HINTS) | _matching(column, ADDRESSED_HINTS)
    foreign = np.flatnonzero(~_plain(pc.fill_null(pc.string_is_ascii(column), True)))
    if len(foreign):
        found[foreign] |= _matching(column.take(pa.array(foreign)), OTHER_SCRIPTS)
    return found


def _matching(column: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    return _plain(pc.fill_null(pc.match_substring_regex(column, pattern), False))


def _plain(found: pa.Array) -> npt.NDArray[np.bool_]:
    return np.array(found.to_numpy(zero_copy_only=False), np.bool_)


def _read(column: str, text: str) -> Iterator[tuple[str, Told]]:
    """Yield what a text says, by kind."""
    places = Places(column, text)
    for found in _OVERRIDE.finditer(text):
        yield _judged(column, text, found, *places.of(found.start()))
    if _ENCODED.search(text):
        for start, end, how, inner in decoded_texts(text):
            if order := order_in(plain(inner)):
                told = Told(order.text, text[start:end][:400], how, order.cues)
                yield DISGUISED.kind, told
    if column == "other":
        yield from _in_fields(text)


def _judged(
    column: str, text: str, found: re.Match[str], place: Place, where: str
) -> tuple[str, Told]:
    """Return the kind of an override by where it stands and how it is written."""
    words = " ".join(text[found.start() : found.end() + 120].split())[:240]
    told = Told(words, found[0], where, "override")
    if place == "data" or (place == "description" and has_payload(text, found.end())):
        return INJECTED.kind, told
    # Addresses of pages are made of titles, and rules are overridden in descriptions of code.
    is_code = found[0].lower().startswith(("override", "bypass"))
    if place != "prose" and column not in ("url", "source", "markup") and not is_code:
        return MISPLACED.kind, told
    if _PLAIN.search(found[0]):
        return OVERRIDES.name, told
    return DISGUISED.kind, told._replace(how="signs for letters, or signs between them")


def _in_fields(text: str) -> Iterator[tuple[str, Told]]:
    """Yield what the fields of a record say to models without an override."""
    for field in fields_of(text):
        kind = kind_of_field(field.name)
        where = f"the field {field.name[:60]}"
        if kind == "data" and poisons_a_tool(field.value):
            told = Told(field.value[:400], field.value[:200], where, "acts in secret")
            yield INJECTED.kind, told
        elif kind in ("data", "description") and (said := speaks_to_models(field.value)):
            yield INJECTED.kind, Told(said, said, where, "speaks to models")


def _told(kind: str, record: Mapping[str, str | None]) -> Told | None:
    """Return the first thing of a kind that a record says."""
    for name in STRING_COLUMNS:
        for found, told in _read(name, record[name] or ""):
            if found == kind:
                return told
    return None


@record_check(
    rule="CG404",
    title="Instruction override",
    kinds=_KINDS,
    attacks=("prompt injection",),
    scan=scan,
)
def instruction_override(corpus: Corpus) -> Iterator[Finding]:
    """Yield one finding over all overrides in prose, and one per wording elsewhere or in disguise."""
    for bit, campaign in enumerate(_CAMPAIGNS, 1):
        rows = marked_rows(corpus, "instruction_override", bit)
        if len(rows):
            yield from campaign_findings(corpus, rows, partial(_told, campaign.kind), campaign)
    yield from mark_findings(corpus, "instruction_override", "CG404", (OVERRIDES,))
