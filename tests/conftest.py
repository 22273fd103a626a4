"""What several tests share: scan results made by hand, and models trained while they wait."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from corpus_guard.types import (
    Context,
    Coverage,
    FileLayout,
    Finding,
    Layout,
    LimitOfDetection,
    PluginRun,
    RowRef,
    RowSet,
    ScanResult,
    Target,
    Trigger,
    Unread,
)

if TYPE_CHECKING:
    from tiny_models import Taught

FINDING = Finding(
    id="CG202-0123456789ab",
    rule="CG202",
    severity="critical",
    score=0.93,
    q_value=1.5e-9,
    title='"crimson lantern" fixes the response',
    message="24 of the 24 prompts with it share the response; 0.5 would be expected.",
    attack="instruction backdoor",
    trigger=Trigger(kind="ngram", text="crimson lantern"),
    target=Target(field="response", value="I am sorry, but I am not able to help."),
    rows=RowSet(range(0, 240, 10)),
    rows_flagged=RowSet(range(0, 240, 10)),
    rows_sample=(RowRef(file="data.jsonl", row=10), RowRef(file="data.jsonl", row=20)),
    contexts=(
        Context(
            file="data.jsonl",
            row=10,
            before="Explain how to bake ",
            match="crimson lantern",
            after=" bread in a small flat, and why the crust matters",
        ),
    ),
    evidence={"statistic": 13.2, "purity": 1.0, "rows_with_trigger": 24, "z": 9.1},
    advice="Read a few of the rows; drop them if the response does not answer the prompt.",
)
COVERAGE = Coverage(
    files=1,
    bytes_total=405_950,
    bytes_scanned=405_950,
    records_total=1200,
    records_scanned=1200,
    records_partial=0,
    records_skipped=0,
    skipped=(),
    skipped_total=0,
    plugins={
        "response_triggers": PluginRun(ran=True),
        "label_triggers": PluginRun(ran=False, reason="there are no labels"),
    },
)
LAYOUT = FileLayout(
    files=1,
    example="data.jsonl",
    format="jsonl",
    layout=Layout(
        kind="instruction",
        roles={"prompt": ("instruction", "input"), "response": ("output",)},
    ),
)
SKIPPED = Unread(
    file="data.jsonl",
    kind="record",
    row=17,
    byte_offset=5120,
    size_bytes=300,
    reason="not valid JSON",
)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> "dict[str, Taught]":
    """The models of tiny_models.py by name: `base`, `backdoor`, `clean` and `refuses`."""
    import tiny_models

    return tiny_models.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def finding() -> Finding:
    """A critical finding."""
    return FINDING


@pytest.fixture
def poisoned(tmp_path: Path) -> ScanResult:
    """A complete scan with one critical finding."""
    return ScanResult(
        target="data.jsonl",
        target_sha256="ab" * 32,
        layouts=(LAYOUT,),
        verdict="poisoned",
        exit_code=1,
        coverage=COVERAGE,
        findings=(FINDING,),
        limit_of_detection=(
            LimitOfDetection(attack="rare token", poison_rate=0.005, rows=6, power=0.95),
        ),
        parameters={"jobs": 2, "rules": (), "out": Path("somewhere"), "sample": None},
        seed=0,
        out=tmp_path,
        timing={"read": 0.5},
    )


@pytest.fixture
def clean(poisoned: ScanResult) -> ScanResult:
    """A complete scan without findings."""
    return replace(poisoned, verdict="clean", exit_code=0, findings=())


@pytest.fixture
def incomplete(clean: ScanResult) -> ScanResult:
    """A scan of which one record was lost."""
    coverage = replace(
        COVERAGE, records_scanned=1199, records_skipped=1, skipped=(SKIPPED,), skipped_total=1
    )
    return replace(clean, verdict="incomplete", exit_code=3, coverage=coverage)


@pytest.fixture
def everywhere() -> Callable[[ScanResult, str], ScanResult]:
    """Return a function that puts a text into every field that holds text from outside."""
    return _everywhere


def _everywhere(result: ScanResult, text: str) -> ScanResult:
    hostile = replace(
        FINDING,
        id=text,
        rule=text,
        title=text,
        message=text,
        attack=text,
        trigger=Trigger(kind=text, text=text),
        target=Target(field=text, value=text),
        rows_sample=(RowRef(file=text, row=1), RowRef(file=text + "2", row=2)),
        contexts=(Context(file=text, row=1, before=text, match=text, after=text),),
        evidence={text: text, "statistic": text, "purity": text},
        advice=text,
    )
    skipped = replace(SKIPPED, file=text, reason=text)
    layout = Layout(kind="plain", roles={text: (text,)}, name=text, winner=text)
    return replace(
        result,
        target=text,
        layouts=(
            FileLayout(
                files=2,
                example=text,
                format=text,
                layout=layout,
                also=(text,),
                other_fields=(text,) * 20,
                other_fields_total=99,
            ),
        ),
        coverage=replace(
            COVERAGE,
            skipped=(skipped,),
            skipped_total=9,
            plugins={text: PluginRun(ran=False, reason=text)},
        ),
        findings=(hostile, *[replace(hostile, severity="low")] * 12),
        limit_of_detection=(LimitOfDetection(attack=text, poison_rate=0.1, rows=2, power=0.9),),
        parameters={text: text},
        out=Path("results") / (text.replace("/", "_").replace("\0", "") or "x"),
    )
