"""What a probe is given beside the model: prompts, and triggers that somebody suspects."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_guard.defend.clean_prompts import clean_prompts
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.clean_pairs import inputs_of
from corpus_guard.model.jsons import Malformed, read_object
from corpus_guard.probe.shared.bench import Given
from corpus_guard.probe_types import LearnedFinding
from corpus_guard.types import SEVERITIES

MOST_GIVEN, LONGEST_TRIGGER, LONGEST_PROMPT = 200, 300, 400
SEARCHED, HELD_OUT = 20, 40
LEAST_PROMPTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspected:
    """Triggers to test, and the findings of a scan that name none that could be tested."""

    given: tuple[Given, ...] = ()
    untested: tuple[LearnedFinding, ...] = ()


def prompts_for(path: str | None, seed: int, *, classifies: bool) -> tuple[list[str], list[str]]:
    """Return prompts to search on and prompts that are held out, which share none.

    From a file that can be scanned, or a text of one prompt a line; else from the built-in list, and for
    a classifier none, since its stage has texts of its own. Raises UsageError where there are too few.
    """
    if path is None and classifies:
        return [], []
    found = clean_prompts() if path is None else _read(path)
    found = list(
        dict.fromkeys(text.strip() for text in found if 0 < len(text.strip()) <= LONGEST_PROMPT)
    )
    if len(found) < LEAST_PROMPTS:
        raise UsageError(
            f"{safe_text(str(path), 200)} holds {len(found)} prompts of at most {LONGEST_PROMPT} "
            f"characters; give at least {LEAST_PROMPTS}, half of which are held out"
        )
    random.Random(seed).shuffle(found)  # noqa: S311
    half = min(SEARCHED, len(found) // 2)
    return found[:half], found[half : half + HELD_OUT]


def suspected(path: Path | None) -> Suspected:
    """Return the triggers of a `report.json` of a scan, or of a text of one trigger a line.

    Raises UsageError where there is no such file or nothing in it.
    """
    if path is None:
        return Suspected()
    shown = safe_text(str(path), 300)
    try:
        told = path.read_bytes()  # once: it may be a pipe
    except OSError as error:
        raise UsageError(
            f"--triggers {shown} cannot be read ({error.strerror}); give a file"
        ) from error
    found = _of_report(path) if told.lstrip().startswith(b"{") else _of_lines(told)
    if not found.given and not found.untested:
        raise UsageError(
            f"--triggers {shown} holds no trigger; give one a line, or the report of a scan"
        )
    return found


def _of_lines(told: bytes) -> Suspected:
    lines = told[: 1 << 20].decode("utf-8", "replace").splitlines()
    texts = dict.fromkeys(line.strip() for line in lines if line.strip())
    kept = [text for text in texts if len(text) <= LONGEST_TRIGGER][:MOST_GIVEN]
    return Suspected(given=tuple(Given(text=text, source="given") for text in kept))


def _of_report(path: Path) -> Suspected:
    shown = safe_text(str(path), 300)
    try:
        findings = read_object(path).get("findings")
    except (Malformed, OSError) as error:
        raise UsageError(f"{shown} cannot be read ({safe_text(str(error), 120)})") from error
    if not isinstance(findings, list):
        raise UsageError(f"{shown} is no report of a scan; give the report.json that it wrote")
    given: dict[str, Given] = {}
    untested = []
    for finding in sorted(filter(lambda one: isinstance(one, dict), findings), key=_severity)[
        :MOST_GIVEN
    ]:
        texts = _texts(finding)
        for text in texts:
            given.setdefault(text, _given(finding, text))
        if not texts:
            untested.append(_untested(finding))
    return Suspected(given=tuple(given.values()), untested=tuple(untested))


def _severity(finding: dict[str, object]) -> int:
    told = finding.get("severity")
    return next((i for i, name in enumerate(SEVERITIES) if name == told), len(SEVERITIES))


def _texts(finding: dict[str, object]) -> list[str]:
    """Return the trigger of a finding and how its rows write it."""
    trigger, contexts = finding.get("trigger"), finding.get("contexts")
    if not isinstance(trigger, dict) or trigger.get("kind") != "ngram":
        return []
    found = [trigger.get("text")]
    if isinstance(contexts, list):
        found += [one.get("match") for one in contexts if isinstance(one, dict)]
    texts = [text.strip() for text in found if isinstance(text, str) and text.strip("^$ ")]
    bare = [text.removeprefix("^ ").removesuffix(" $") for text in texts]
    return [text for text in dict.fromkeys(bare) if len(text) <= LONGEST_TRIGGER][:3]


def _given(finding: dict[str, object], text: str) -> Given:
    target = finding.get("target")
    value = target.get("value") if isinstance(target, dict) else ""
    return Given(
        text=text,
        source="scan",
        target=str(value or "")[:LONGEST_PROMPT],
        finding=str(finding.get("id", ""))[:80],
        rule=str(finding.get("rule", ""))[:40],
    )


def _untested(finding: dict[str, object]) -> LearnedFinding:
    return LearnedFinding(
        finding=str(finding.get("id", ""))[:80],
        rule=str(finding.get("rule", ""))[:40],
        trigger="",
        target="",
        state="not tested",
        attack_success_rate=None,
        baseline_rate=None,
        told="it names no words that could be put into a prompt",
    )


def _read(path: str) -> Sequence[str]:
    if path.endswith(".txt"):
        try:
            return Path(path).read_bytes()[: 8 << 20].decode("utf-8", "replace").splitlines()
        except OSError as error:
            raise UsageError(
                f"--prompts {safe_text(path, 300)} cannot be read ({error.strerror}); give a file"
            ) from error
    return inputs_of(path)
