"""From a detector's numbers to a finding that a person can check."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus_guard.escape import is_unseen, safe_text
from corpus_guard.sketch.rows.batch import CONTENT
from corpus_guard.sketch.rows.corpus import Corpus, context_of
from corpus_guard.sketch.text.phrases import Phrase, longest_phrase
from corpus_guard.types import Context, Finding, RowSet, Severity, Target, Trigger

SAMPLED_ROWS = 20
CONTEXTS = 5
PHRASE_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A finding before its rows are looked up.

    `{trigger}` and `{target}` in the title and the
    message stand for the trigger's and the target's visible text.
    """

    rule: str
    severity: Severity
    score: float
    q_value: float
    attack: str
    rows: npt.NDArray[np.int64]
    flagged: bool
    title: str
    message: str
    evidence: Mapping[str, float | int | str]
    advice: str
    feature: int | None = None
    trigger: Trigger | None = None
    contexts: tuple[Context, ...] = ()
    target_field: str = ""
    target_value: str = ""


def finding_of(corpus: Corpus, draft: Draft) -> Finding:
    """Return the finding with its trigger spelled out, sample rows and contexts.

    Its id depends on the rule, the trigger, the target and the contents of its rows, not on row
    numbers, so that it stays the same when a file is reordered or split.
    """
    sample = corpus.rows.sample(draft.rows, PHRASE_ROWS)
    trigger, contexts = draft.trigger, draft.contexts
    if draft.feature is not None:
        phrase, contexts = phrase_in(corpus, draft.feature, sample)
        hidden = any(is_unseen(char) for char in phrase.text)
        trigger = Trigger(kind="unicode" if hidden else "ngram", text=phrase.described)
    shown = corpus.rows.sample(draft.rows, SAMPLED_ROWS)
    words = {
        "{trigger}": f'"{safe_text(trigger.text, 80)}"' if trigger else "",
        "{target}": f'"{safe_text(draft.target_value, 80)}"',
    }
    return Finding(
        id=_identity(corpus, draft, trigger),
        rule=draft.rule,
        severity=draft.severity,
        score=round(draft.score, 4),
        q_value=draft.q_value,
        title=_fill(draft.title, words),
        message=_fill(draft.message, words),
        attack=draft.attack,
        trigger=trigger,
        target=Target(field=draft.target_field, value=draft.target_value)
        if draft.target_field
        else None,
        rows=(rows := RowSet(draft.rows)),
        rows_flagged=rows if draft.flagged else RowSet(),
        rows_sample=tuple(corpus.rows.places(shown)),
        contexts=contexts,
        evidence=draft.evidence,
        advice=draft.advice,
    )


def phrase_of(corpus: Corpus, feature: int, rows: npt.NDArray[np.int64]) -> Phrase:
    """Return the longest phrase around an n-gram in some rows."""
    return corpus.once(
        ("phrase", feature, rows.tobytes()),
        lambda: longest_phrase(feature, corpus.rows.inputs(rows)),
    )


def phrase_in(
    corpus: Corpus, feature: int, rows: npt.NDArray[np.int64]
) -> tuple[Phrase, tuple[Context, ...]]:
    """Return the longest phrase around an n-gram in some rows, and some of its contexts."""
    inputs, phrase = corpus.rows.inputs(rows), phrase_of(corpus, feature, rows)
    held = np.array([place is not None for place in phrase.places], np.bool_)
    shown = np.flatnonzero(np.isin(rows, corpus.rows.sample(rows[held], CONTEXTS)))
    contexts = [
        context_of(where, inputs[index], *(phrase.places[index] or (0, 0)))
        for index, where in zip(shown, corpus.rows.places(rows[shown]), strict=True)
    ]
    return phrase, tuple(contexts)


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    """Replace the placeholders in one pass, so that data cannot smuggle in another placeholder."""
    parts = pattern.split("{trigger}")
    return words["{trigger}"].join(part.replace("{target}", words["{target}"]) for part in parts)


def _identity(corpus: Corpus, draft: Draft, trigger: Trigger | None) -> str:
    contents = np.sort(corpus.rows.column(CONTENT).take(np.sort(draft.rows)))
    digest = hashlib.sha256()
    named = (draft.rule, trigger.text if trigger else "", draft.target_field, draft.target_value)
    for part in named:
        digest.update(part.encode("utf-8", "replace") + b"\0")
    digest.update(contents.astype("<u8").tobytes())
    return f"{draft.rule}-{digest.hexdigest()[:12]}"
