"""From rows that hold an order to findings: one for each wording, with its rows."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpus_guard.detect.shared.findings import CONTEXTS, Draft, finding_of
from corpus_guard.sketch.rows.corpus import Corpus, context_of
from corpus_guard.types import STRING_COLUMNS, Context, Finding, Severity, Trigger

MOST_READ = 20_000
MOST_FINDINGS = 50
MOST_COMPARED = 400
ALIKE = 0.6
"""Wordings that share so much of their words are one campaign."""

_AT_ONCE = 200
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"\w+")
_GAP = r"(?:[^\w<&]|_|&#?\w{1,31};|<[^<>]*>)*"


class Told(NamedTuple):
    """What a record says: the whole as shown, the words that decide, how it is hidden, the cues."""

    text: str
    core: str
    how: str
    cues: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """How findings of one kind of order are reported; `where` leads to how or where it was found."""

    rule: str
    kind: str
    severity: Severity
    score: float
    flagged: bool
    attack: str
    title: str
    advice: str
    where: str = "hidden by"


Reading = Callable[[Mapping[str, str | None]], Told | None]


@dataclass(slots=True)
class _Group:
    words: frozenset[str]
    told: Told
    rows: list[int]
    hows: set[str]


def campaign_findings(
    corpus: Corpus, rows: npt.NDArray[np.int64], read: Reading, campaign: Campaign
) -> Iterator[Finding]:
    """Yield one finding for each wording in some rows, the most frequent ones first.

    Rows beyond MOST_READ and wordings beyond MOST_FINDINGS are one finding: none is left out.
    """
    looked_at = corpus.rows.sample(rows, MOST_READ)
    groups = _groups(corpus, looked_at, read)
    told = np.array(sorted(row for group in groups[:MOST_FINDINGS] for row in group.rows), np.int64)
    for group in groups[:MOST_FINDINGS]:
        yield _finding(corpus, campaign, group)
    rest = np.setdiff1d(rows, told)
    if len(rest):
        words = Told("many wordings", "", "in many ways", "several")
        other = replace(campaign, title=f"{campaign.title}, in other wordings")
        yield _finding(corpus, other, _Group(frozenset(), words, rest.tolist(), set()))


def _groups(corpus: Corpus, rows: npt.NDArray[np.int64], read: Reading) -> list[_Group]:
    by_words: dict[str, _Group] = {}
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        records = corpus.rows.records(some, STRING_COLUMNS)
        for row, record in zip(some.tolist(), records, strict=True):
            told = read(record)
            if told is None:
                continue
            words = _WORD.findall(told.text)
            group = by_words.get(key := " ".join(words))
            if group is None:
                by_words[key] = _Group(frozenset(words), told, [row], {told.how})
            else:
                group.told = min(group.told, told)
                group.rows.append(row)
                group.hows.add(told.how)
    return _united(sorted(by_words.values(), key=lambda one: (-len(one.rows), one.told)))


def _united(groups: list[_Group]) -> list[_Group]:
    """Return groups with those joined to a larger one whose words are nearly the same."""
    kept: list[_Group] = []
    holding: dict[str, list[int]] = defaultdict(list)
    for group in groups:
        shared: dict[int, int] = defaultdict(int)
        for word in group.words:
            for place in holding[word]:
                shared[place] += 1
        best = (
            max((shared[place] / len(group.words | kept[place].words), -place) for place in shared)
            if shared
            else (0.0, 0)
        )
        if best[0] >= ALIKE:
            kept[-best[1]].rows += group.rows
            kept[-best[1]].hows |= group.hows
            continue
        if len(kept) < MOST_COMPARED:
            for word in group.words:
                holding[word].append(len(kept))
        kept.append(group)
    return sorted(kept, key=lambda one: (-len(one.rows), one.told))


def _finding(corpus: Corpus, campaign: Campaign, group: _Group) -> Finding:
    rows = np.array(sorted(group.rows), np.int64)
    ways = sorted(group.hows)
    how = ", ".join(ways[:4]) + (f" and {len(ways) - 4} more ways" if len(ways) > 4 else "")
    count = f"{len(rows):,} record{'s' if len(rows) > 1 else ''}"
    return finding_of(
        corpus,
        Draft(
            rule=campaign.rule,
            severity=campaign.severity,
            score=campaign.score,
            q_value=0.0,
            attack=campaign.attack,
            rows=rows,
            flagged=campaign.flagged,
            trigger=Trigger(kind="hidden_text", text=group.told.text[:400]),
            contexts=_contexts(corpus, group, corpus.rows.sample(rows, CONTEXTS)),
            title=f"{campaign.title} in {count}",
            message=f"{len(rows):,} of {len(corpus):,} records say {{trigger}}"
            + (f", {campaign.where}: {how}." if how else "."),
            evidence={
                "rows": len(rows),
                "kind": campaign.kind,
                "how_hidden": how or group.told.how,
                "cues": group.told.cues,
                "text": group.told.text[:400],
            },
            advice=campaign.advice,
        ),
    )


def _contexts(corpus: Corpus, group: _Group, rows: npt.NDArray[np.int64]) -> tuple[Context, ...]:
    words = _PIECE.findall(group.told.core)[:40]
    pattern = re.compile(_GAP.join(map(re.escape, words)), re.IGNORECASE) if words else None
    found: list[Context] = []
    records = corpus.rows.records(rows, STRING_COLUMNS)
    for place, record in zip(corpus.rows.places(rows), records, strict=True):
        shown = Context(file=place.file, row=place.row, before="", match=group.told.text, after="")
        for name in ("markup", *STRING_COLUMNS):
            if pattern and (match := pattern.search(record[name] or "")):
                shown = context_of(place, record[name], *match.span())
                break
        found.append(shown)
    return tuple(found)
