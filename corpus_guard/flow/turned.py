"""Records whose fields have no sure roles, read once more in each other way.

Which of two texts answers the other, and which of several fields of few values is the label, names and
shapes may leave open. The rules for responses and labels run on each reading; all other rules have run,
and what is found is told with the reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from corpus_guard.flow.detecting import Selected, detect_all
from corpus_guard.flow.parts import plan_parts
from corpus_guard.flow.planning import plan_sketches
from corpus_guard.flow.progress import Progress, Silence
from corpus_guard.flow.reading import Reading, read_all
from corpus_guard.flow.runner import Runner
from corpus_guard.plugins import Detector
from corpus_guard.sketch.rows.store import PartFolder
from corpus_guard.types import Finding, Layout, PluginRun, Shard

NEEDED = frozenset({"responses", "labels"})
"""Who needs such evidence is a rule for what a text leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """What the other readings add: findings, and how the rules ran on any reading, the first too."""

    findings: list[Finding] = field(default_factory=list)
    runs: dict[str, PluginRun] = field(default_factory=dict)


def detect_turned(
    runner: Runner,
    reading: Reading,
    shards: Sequence[Shard],
    selected: Selected,
    runs: Mapping[str, PluginRun],
    progress: Progress,
) -> Turned:
    """Return what the rules for responses and labels find in the other readings of the records.

    `runs` says how the rules ran on the first reading.
    """
    layouts = [one.layout for seen in reading.seen for one in seen.layouts if one.layout.turned]
    rules = {n: d for n, d in selected.detectors.items() if NEEDED & set(d.needs)}
    found = Turned()
    if not layouts or not rules:
        return found
    found.runs.update((name, runs[name]) for name in rules)
    known = set[str]()
    for place in range(1, 1 + max(len(layout.turned) for layout in layouts)):
        again = _read(runner, reading, shards, rules, place, progress)
        corpus = again.corpus(runner)
        chosen = Selected(detectors=rules, checks={}, disabled=())
        detected = detect_all(corpus, chosen, again.done.failures, Silence())
        told = _told([layout for layout in layouts if len(layout.turned) >= place], place)
        for one in detected.findings:
            if one.id not in known:
                known.add(one.id)
                found.findings.append(replace(one, message=f"{one.message} Read as {told}."))
        for name, run in detected.runs.items():
            _note(found.runs, name, run)
        corpus.rows.release()
        again.done.discard()
    return found


def _read(
    runner: Runner,
    reading: Reading,
    shards: Sequence[Shard],
    rules: Mapping[str, Detector],
    place: int,
    progress: Progress,
) -> Reading:
    folder = reading.store.folder / f"turned-{place}"
    folder.mkdir(exist_ok=True)
    store = PartFolder(folder)
    scheme = replace(reading.plan.scheme, turned=place)
    plan = replace(reading.plan, scheme=scheme, sketches=plan_sketches(rules), store=store)
    return read_all(runner, plan_parts(shards, plan), plan, store, progress)


def _told(layouts: Sequence[Layout], place: int) -> str:
    roles = layouts[0].turned[place - 1]
    return " and ".join(f"{role} from {', '.join(names)}" for role, names in sorted(roles.items()))


def _note(runs: dict[str, PluginRun], name: str, run: PluginRun) -> None:
    """Keep the worst that is told of a rule: that it broke, left something out, or else that it ran."""
    before = runs.get(name)
    if before is None or (run.failed, run.gap, run.ran) > (before.failed, before.gap, before.ran):
        runs[name] = run
