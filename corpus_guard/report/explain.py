"""What a rule finds, how it decides and when it is wrong: a plugin's own page, as text."""

import difflib
from collections.abc import Mapping

from corpus_guard import plugins
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.model.checks import pages
from corpus_guard.plugins import Detector, Plugin, ProbeStage, Reader, RecordCheck

_OTHERS: tuple[plugins.Stage, ...] = ("read", "sketch", "probe")
"""Stages whose plugins have a page beside the rules."""


def list_rules() -> str:
    """Return one line per detector: its rule, its name, what it finds."""
    detectors = sorted(plugins.load_all("detect").values(), key=_order)
    rows = [(_rule(plugin), plugin.name, _title(plugin)) for plugin in detectors]
    wide = max((len(name) for _, name, _ in rows), default=0)
    lines = [safe_text(f"{rule}  {name:{wide}}  {title}") for rule, name, title in rows]
    lines += [
        safe_text(doc.splitlines()[0].replace(": ", f"  {'model files':{wide}}  ", 1))
        for doc in pages().values()
    ]
    return "\n".join([*lines, *_stages(wide), "", "corpus-guard explain RULE says more of one."])


def _stages(wide: int) -> list[str]:
    """Return one line for each stage of a probe, in their order."""
    stages = sorted(
        plugins.load_all("probe").values(), key=lambda plugin: (_place(plugin), plugin.name)
    )
    return [safe_text(f"probe  {plugin.name:{wide}}  {_title(plugin)}") for plugin in stages]


def _place(plugin: Plugin) -> int:
    return plugin.spec.order if isinstance(plugin.spec, ProbeStage) else 0


def explain(name: str) -> str:
    """Return the page of a rule (`CG202`), a detector, a file format or a sketch, by its name.

    Raises UsageError with the nearest name when there is none.
    """
    detectors = plugins.load_all("detect")
    wanted = name.strip()
    chosen = [
        plugin
        for plugin in sorted(detectors.values(), key=_order)
        if wanted.upper() == _rule(plugin) or wanted == plugin.name
    ]
    if page := pages().get(wanted.upper()):
        return "\n".join(safe_text(line) for line in page.splitlines())
    chosen += [plugins.load(stage, wanted) for stage in _OTHERS if wanted in plugins.names(stage)]
    if not chosen:
        raise UsageError(_unknown(wanted, detectors))
    return "\n\n".join(_page(plugin) for plugin in chosen)


def _unknown(name: str, detectors: Mapping[str, Plugin]) -> str:
    rules = sorted({_rule(plugin) for plugin in detectors.values()})
    known = [*rules, *detectors, *pages(), *(n for stage in _OTHERS for n in plugins.names(stage))]
    folded = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[near[0]]}?" if near else f"there are {', '.join(rules)}"
    return f'no rule or plugin is called "{safe_text(name, 40)}"; {safe_text(hint)}'


def _page(plugin: Plugin) -> str:
    heading = f"{_rule(plugin)} {plugin.name}: {_title(plugin)}".strip()
    body = [safe_text(line) for line in plugin.doc.splitlines()]
    return "\n".join([safe_text(heading), "", *body, "", *_declared(plugin)])


def _declared(plugin: Plugin) -> list[str]:
    spec = plugin.spec
    lines = []
    if isinstance(spec, Reader):
        lines.append(f"File names: {', '.join(spec.extensions)}")
    if isinstance(spec, Detector | RecordCheck | ProbeStage):
        lines.append(f"Attacks: {', '.join(spec.attacks)}")
    for name in ("needs", "uses"):
        if sketches := getattr(spec, name, ()):
            lines.append(f"{name.capitalize()}: {', '.join(sketches)}")
    if isinstance(spec, RecordCheck):
        lines.append(f"Kinds: {', '.join(spec.kinds)}")
    options = ", ".join(f"{name} = {value!r}" for name, value in plugin.options.items())
    lines.append(f"Options: {options or 'none'}")
    return [safe_text(line) for line in lines]


def _order(plugin: Plugin) -> tuple[str, str]:
    return _rule(plugin), plugin.name


def _rule(plugin: Plugin) -> str:
    return plugin.spec.rule if isinstance(plugin.spec, Detector | RecordCheck) else ""


def _title(plugin: Plugin) -> str:
    if isinstance(plugin.spec, Detector | RecordCheck | ProbeStage):
        return plugin.spec.title
    return "how this format is read" if isinstance(plugin.spec, Reader) else "what a pass gathers"
