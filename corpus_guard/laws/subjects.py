"""Which laws a plugin is held to, and what it is judged on: its declaration and the sample records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa

from corpus_guard import plugins
from corpus_guard.config import SketchSettings
from corpus_guard.flow.planning import checked_options
from corpus_guard.laws.batches import Records, batch_of, row_columns_for, rows_of, sample_batch
from corpus_guard.laws.detectors import OF_DETECTORS, Batches, DetectorSubject
from corpus_guard.laws.evidence import OF_EVIDENCE, EvidenceSubject
from corpus_guard.laws.law import Law, laws_from
from corpus_guard.laws.planted import PLANTED
from corpus_guard.laws.power import OF_ASSOCIATIONS, PowerSubject
from corpus_guard.laws.rows import OF_COLUMNS, OF_MARKS, RowSubject
from corpus_guard.laws.samples import ATTACKS, CLEAN, HARMLESS
from corpus_guard.laws.sketches import OF_SKETCHES, SketchSubject
from corpus_guard.laws.unequal import changed_options, changed_settings
from corpus_guard.plugins import Derived, Detector, RecordCheck, RowColumns, Summary, options_of
from corpus_guard.sketch.rows.state import Sketch

Options = Mapping[str, object]
ON_EVIDENCE = ("backdoor trigger", "virtual prompt injection", "injected documents")
"""The attacks by which derived evidence is judged: labels, responses, plain texts."""


def with_options(
    settings: SketchSettings, stage: plugins.Stage, name: str, options: Options
) -> SketchSettings:
    """Return the settings with some options of one plugin.

    Raises PluginError for an unknown plugin and UsageError for an unknown option.
    """
    plugins.load(stage, name)
    given = settings.plugins.to_mapping()
    given.setdefault(stage, {}).setdefault(name, {}).update(options)
    return replace(settings, plugins=checked_options(given))


def of_columns(
    name: str, spec: RowColumns, settings: SketchSettings, own: Sequence[Records]
) -> tuple[Law, ...]:
    """Return the laws of row columns."""
    given = settings.options_of("sketch", name)
    subject = RowSubject(
        made=lambda batch: spec.of(rows_of(batch, spec.needs, settings), settings, **given),
        declared=frozenset(spec.columns),
        batch=sample_batch(*own),
    )
    return laws_from(name, subject, OF_COLUMNS)


def of_summary(
    name: str,
    spec: Summary,
    settings: SketchSettings,
    own: Sequence[Records],
    unequal: Sequence[Options],
) -> tuple[Law, ...]:
    """Return the laws of a summary."""
    given = settings.options_of("sketch", name)
    others = [*changed_options({**options_of(spec.make), **given}), *unequal]

    def seen_by(changed: SketchSettings, batch: pa.RecordBatch) -> Sketch:
        sketch: Sketch = spec.make(changed, **given)
        sketch.observe(rows_of(batch, spec.needs, changed))
        return sketch

    subject = SketchSubject(
        make=lambda: spec.make(settings, **given),
        rows=lambda batch, first: rows_of(batch, spec.needs, settings, first),
        batch=sample_batch(*own),
        columns=_columns(spec.needs),
        unequal=tuple(
            (", ".join(other), partial(spec.make, settings, **{**given, **other}))
            for other in others
        ),
        other_settings=tuple(
            (what, partial(seen_by, changed)) for what, changed in changed_settings(settings)
        ),
    )
    return laws_from(name, subject, OF_SKETCHES)


def of_look(
    name: str,
    make: Callable[[], Sketch],
    needs: tuple[str, ...],
    settings: SketchSettings,
    unequal: Iterable[tuple[str, Callable[[], Sketch]]],
) -> tuple[Law, ...]:
    """Return the laws of a sketch of a second look."""
    subject = SketchSubject(
        make=make,
        rows=lambda batch, first: rows_of(batch, needs, settings, first),
        batch=sample_batch(),
        columns=_columns(needs),
        is_look=True,
        unequal=tuple(unequal),
    )
    return laws_from(name, subject, OF_SKETCHES)


def of_evidence(name: str, settings: SketchSettings, own: Sequence[Records]) -> tuple[Law, ...]:
    """Return the laws of derived evidence."""
    samples: Batches = {
        **_made({what: ATTACKS[what] for what in ON_EVIDENCE}),
        "records of all kinds": partial(sample_batch, *own),
        **{
            f"your records {place}": partial(batch_of, records) for place, records in enumerate(own)
        },
    }
    subject = EvidenceSubject(name, settings, samples=samples, harmless=_harmless())
    return laws_from(name, subject, OF_EVIDENCE)


def of_detector(
    name: str,
    spec: Detector | RecordCheck,
    settings: SketchSettings,
    attack: Records | None,
    clean: Records | None,
) -> tuple[Law, ...]:
    """Return the laws of a detector, and of a record check those of its marks before."""
    attacks = _made({what: ATTACKS[what] for what in spec.attacks if what in ATTACKS})
    quiet = _made(CLEAN)
    if attack is not None:
        attacks = {"your attack": partial(batch_of, attack)}
    if clean is not None:
        quiet = {**quiet, "your clean records": partial(batch_of, clean)}
    subject = DetectorSubject(
        name, spec, settings, attacks=attacks, clean=quiet, harmless=_harmless()
    )
    found = laws_from(name, subject, OF_DETECTORS)
    if isinstance(spec, Detector):
        return (*found, *_of_associations(name, subject))
    own = [records for records in (attack, clean) if records is not None]
    return (*_of_marks(name, spec, settings, own), *found)


def _of_associations(name: str, subject: DetectorSubject) -> tuple[Law, ...]:
    """Return the laws of power of a detector that declares one of the attacks they are about."""
    if not set(PLANTED).intersection(subject.spec.attacks):
        return ()
    return laws_from(name, PowerSubject(subject), OF_ASSOCIATIONS)


def _of_marks(
    name: str, spec: RecordCheck, settings: SketchSettings, own: Sequence[Records]
) -> tuple[Law, ...]:
    given = settings.options_of("detect", name)
    taken = {option: given[option] for option in options_of(spec.scan) if option in given}
    subject = RowSubject(
        made=lambda batch: {"mark": spec.scan(batch, **taken)},
        declared=frozenset(("mark",)),
        batch=sample_batch(*own),
        bits=len(spec.kinds),
    )
    return laws_from(name, subject, OF_MARKS)


def of_plugin(
    stage: plugins.Stage,
    name: str,
    settings: SketchSettings,
    attack: Records | None,
    clean: Records | None,
    unequal: Sequence[Options],
) -> tuple[Law, ...]:
    """Return the laws of a plugin by what it is; raise ValueError for one that has none."""
    spec = plugins.load(stage, name).spec
    own = [records for records in (attack, clean) if records is not None]
    if isinstance(spec, RowColumns):
        return of_columns(name, spec, settings, own)
    if isinstance(spec, Summary):
        return of_summary(name, spec, settings, own, unequal)
    if isinstance(spec, Derived):
        return of_evidence(name, settings, own)
    if isinstance(spec, Detector | RecordCheck):
        return of_detector(name, spec, settings, attack, clean)
    raise ValueError(f"there are laws of sketches and detectors, none of the {stage} plugin {name}")


def _columns(needs: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for spec in row_columns_for(needs).values() for name in spec.columns)


def _made(samples: Mapping[str, Callable[[], Records]]) -> Batches:
    def batch(made: Callable[[], Records]) -> pa.RecordBatch:
        return batch_of(made())

    return {what: partial(batch, made) for what, made in samples.items()}


def _harmless() -> Batches:
    return {what: partial(batch_of, records) for what, records in HARMLESS.items()}
