"""What a probe is given beside the model: prompts, and triggers that somebody suspects."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_guard.defend.clean_prompts import clean_prompts
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.flow.clean_pairs import inputs_of
from corpus_guard.model.jsons import LARGEST_SETTINGS, Malformed, object_in
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


def suspected(named: Path | Sequence[str] | None) -> Suspected:
    """Return triggers, or those of a scan's `report.json` or of a text of one trigger a line.

    Raises UsageError where there is no such file or no trigger.
    """
    if named is None:
        return Suspected()
    if not isinstance(named, Path):
        return _of_texts(named, "triggers")
    shown = f"--triggers {safe_text(str(named), 300)}"
    try:
        with named.open("rb") as stream:  # once: it may be a pipe
            told = stream.read(LARGEST_SETTINGS + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or safe_text(str(error), 80)
        raise UsageError(f"{shown} cannot be read ({why}); give a file") from error
    if told.lstrip().startswith(b"{"):
        return _of_report(told, shown)
    return _of_texts(told[: 1 << 20].decode("utf-8", "replace").splitlines(), shown)


def _of_texts(lines: Sequence[str], shown: str) -> Suspected:
    texts = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    longest = max(map(len, texts), default=0)
    if not texts:
        raise UsageError(f"{shown} holds no trigger; give one a line, or the report of a scan")
    if longest > LONGEST_TRIGGER or len(texts) > MOST_GIVEN:
        raise UsageError(
            f"{shown} holds {len(texts)} triggers of up to {longest} characters; give at most "
            f"{MOST_GIVEN} of at most {LONGEST_TRIGGER} characters, one a line"
        )
    return Suspected(given=tuple(Given(text=text, source="given") for text in texts))


def _of_report(told: bytes, shown: str) -> Suspected:
    try:
        findings = object_in(told).get("findings")
    except Malformed as error:
        raise UsageError(f"{shown} cannot be read ({error}); scan again") from error
    if not isinstance(findings, list):
        raise UsageError(f"{shown} is no report of a scan; give the report.json that it wrote")
    given: dict[str, Given] = {}
    untested = []
    for finding in sorted(filter(lambda one: isinstance(one, dict), findings), key=_severity):
        texts = _texts(finding)
        if not texts:
            untested.append(_untested(finding, "it names no words that could be put into a prompt"))
        elif len(given) >= MOST_GIVEN:
            untested.append(_untested(finding, f"{MOST_GIVEN} texts of graver findings went first"))
        else:
            given.update({text: given.get(text, _given(finding, text)) for text in texts})
    if not given and not untested:
        raise UsageError(f"{shown} names no trigger; leave it out to search for one")
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


def _untested(finding: dict[str, object], why: str) -> LearnedFinding:
    return LearnedFinding(
        finding=str(finding.get("id", ""))[:80],
        rule=str(finding.get("rule", ""))[:40],
        trigger="",
        target="",
        state="not tested",
        attack_success_rate=None,
        baseline_rate=None,
        told=why,
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
