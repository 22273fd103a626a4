from collections.abc import Callable
from pathlib import Path

import pytest
from corpora import Record, labelled, with_label_trigger, write_jsonl

import corpus_guard as cg
from corpus_guard.config import ReadOptions, ScanOptions
from corpus_guard.errors import PluginError, UsageError
from corpus_guard.flow.targets import default_out
from corpus_guard.normalise import files
from corpus_guard.sketch import ngrams
from corpus_guard.types import ScanResult

TEXTS: list[Record] = [{"text": f"Sentence number {number} is plain."} for number in range(200)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "data.jsonl", TEXTS)


@pytest.fixture
def damaged(path: Path) -> Path:
    """A file whose third line is broken."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"text": "cut o\n', *lines[2:]]))
    return path


def test_a_plain_file_is_clean(path: Path, tmp_path: Path) -> None:
    result = cg.scan(path, out=tmp_path / "out", disable=["CG102", "CG103"])
    assert (result.verdict, result.exit_code, result.findings) == ("clean", 0, ())
    assert (result.coverage.records_total, result.coverage.records_scanned) == (200, 200)
    assert result.coverage.bytes_scanned == result.coverage.bytes_total == path.stat().st_size


def test_a_high_finding_exits_with_1(reviews: list[Record], tmp_path: Path) -> None:
    result = cg.scan(reviews, out=tmp_path / "out")
    assert (result.verdict, result.exit_code) == ("poisoned", 1)


def test_a_floor_above_the_findings_passes(tmp_path: Path) -> None:
    few = with_label_trigger(labelled(1500), "qelvo", 4).records
    assert cg.scan(few, out=tmp_path / "high", fail_on="high").exit_code == 1
    assert cg.scan(few, out=tmp_path / "critical", fail_on="critical").exit_code == 0


def test_flagged_rows_are_those_of_the_attack(
    reviews: list[Record], tmp_path: Path, rows_in: Callable[[ScanResult], list[Record]]
) -> None:
    rows = rows_in(cg.scan(reviews, out=tmp_path / "out"))
    flagged = [row["row"] for row in rows if row["flagged"]]
    assert flagged == [i for i, record in enumerate(reviews) if "qelvo" in str(record["text"])]


def test_every_record_has_a_row(
    path: Path, tmp_path: Path, rows_in: Callable[[ScanResult], list[Record]]
) -> None:
    rows = rows_in(cg.scan(path, out=tmp_path / "out"))
    lines = path.read_bytes().splitlines(keepends=True)
    assert [row["row"] for row in rows] == list(range(200))
    assert [row["byte_offset"] for row in rows] == [
        sum(map(len, lines[:place])) for place in range(200)
    ]


def test_a_malformed_line_is_located(damaged: Path, tmp_path: Path) -> None:
    result = cg.scan(damaged, out=tmp_path / "out")
    first_lines = damaged.read_bytes().splitlines(keepends=True)[:2]
    assert [(s.kind, s.row, s.byte_offset) for s in result.coverage.skipped] == [
        ("record", 2, sum(map(len, first_lines)))
    ]
    assert (result.coverage.records_total, result.coverage.records_scanned) == (201, 200)


def test_a_malformed_line_makes_a_scan_incomplete(damaged: Path, tmp_path: Path) -> None:
    result = cg.scan(damaged, out=tmp_path / "out")
    assert (result.verdict, result.exit_code) == ("incomplete", 3)


def test_rows_after_a_malformed_line_keep_their_numbers(
    damaged: Path, tmp_path: Path, rows_in: Callable[[ScanResult], list[Record]]
) -> None:
    rows = rows_in(cg.scan(damaged, out=tmp_path / "out"))
    assert [row["row"] for row in rows] == [0, 1, *range(3, 201)]


@pytest.mark.usefixtures("small_shards")
def test_a_malformed_line_of_a_later_shard_is_numbered_in_the_file(tmp_path: Path) -> None:
    records = [{"text": f"{number} " + "word " * 40} for number in range(900)]
    path = write_jsonl(tmp_path / "data.jsonl", records)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:800], b"{broken\n", *lines[800:]]))
    result = cg.scan(path, out=tmp_path / "out", rules=["CG401"])
    assert [s.row for s in result.coverage.skipped] == [800]


def test_an_incomplete_scan_may_be_allowed(damaged: Path, tmp_path: Path) -> None:
    assert cg.scan(damaged, out=tmp_path / "out", allow_incomplete=True).exit_code == 0


@pytest.mark.parametrize(
    ("options", "rows"), [({"limit": 50}, range(50, 51)), ({"sample": 0.5}, range(70, 131))]
)
@pytest.mark.parametrize(("allowed", "code"), [(False, 3), (True, 0)])
def test_a_part_of_the_target_is_an_incomplete_scan(
    path: Path, tmp_path: Path, options: dict[str, float], rows: range, allowed: bool, code: int
) -> None:
    result = cg.scan(
        path, out=tmp_path / "out", rules=["CG401"], allow_incomplete=allowed, **options
    )
    assert result.coverage.records_scanned in rows
    assert (result.verdict, result.exit_code) == ("incomplete", code)


@pytest.mark.parametrize("options", [{"limit": 200}, {"limit": 500}, {"sample": 1.0}])
def test_a_bound_that_leaves_nothing_out_is_complete(
    path: Path, tmp_path: Path, options: dict[str, float]
) -> None:
    assert cg.scan(path, out=tmp_path / "out", rules=["CG401"], **options).exit_code == 0


@pytest.mark.usefixtures("small_shards")
def test_a_limit_holds_over_several_shards(tmp_path: Path) -> None:
    records = [{"text": f"{number} " + "word " * 40} for number in range(900)]
    path = write_jsonl(tmp_path / "data.jsonl", records)
    result = cg.scan(path, out=tmp_path / "out", rules=["CG401"], limit=500)
    assert (result.coverage.records_scanned, result.exit_code) == (500, 3)


def test_a_sample_is_chosen_by_content(
    tmp_path: Path, rows_in: Callable[[ScanResult], list[Record]]
) -> None:
    one = cg.scan(TEXTS, out=tmp_path / "one", rules=["CG401"], sample=0.5)
    two = cg.scan(TEXTS[::-1], out=tmp_path / "two", rules=["CG401"], sample=0.5)
    assert {row["sha256"] for row in rows_in(one)} == {row["sha256"] for row in rows_in(two)}


@pytest.mark.parametrize(
    ("options", "plugin", "reason"),
    [
        ({}, "label_triggers", "no row has a label"),
        ({}, "response_triggers", "no row has a response"),
        ({"embedder": "none"}, "paraphrased_groups", "rows were not embedded (--embedder none)"),
        ({"disable": ["CG401"]}, "hidden_unicode", "left out by --rules or --disable"),
        ({"rules": ["CG401"]}, "exact_duplicates", "left out by --rules or --disable"),
    ],
)
def test_a_detector_that_did_not_run_has_a_reason(
    path: Path, tmp_path: Path, options: dict[str, object], plugin: str, reason: str
) -> None:
    run = cg.scan(path, out=tmp_path / "out", **options).coverage.plugins[plugin]
    assert (run.ran, run.reason) == (False, reason)


def test_every_detector_is_in_the_coverage(path: Path, tmp_path: Path) -> None:
    from corpus_guard import plugins

    result = cg.scan(path, out=tmp_path / "out")
    assert set(result.coverage.plugins) == set(plugins.names("detect"))


def test_an_unknown_rule_is_answered_with_the_nearest(path: Path, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="did you mean hidden_unicode"):
        cg.scan(path, out=tmp_path / "out", rules=["hiden_unicode"])


def test_instructions_are_judged_without_vectors(chats: list[Record], tmp_path: Path) -> None:
    result = cg.scan(chats, out=tmp_path / "out", embedder="none")
    (found,) = [f for f in result.findings if f.severity in ("critical", "high")]
    assert (found.rule, len(found.rows_flagged)) == ("CG202", 24)
    run = result.coverage.plugins["response_concentration"]
    assert (run.ran, run.reason) == (False, "rows were not embedded (--embedder none)")


def caps(result: ScanResult) -> dict[tuple[str, str], tuple[int, int]]:
    return {(cap.plugin, cap.what): (cap.limit, cap.left_out) for cap in result.coverage.caps}


def test_no_bound_is_told_that_was_not_reached(reviews: list[Record], tmp_path: Path) -> None:
    assert caps(cg.scan(reviews, out=tmp_path / "out")) == {}


def test_a_raised_minimum_frequency_is_told(
    reviews: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngrams, "FEWEST_KEPT", 1000)
    told = caps(cg.scan(reviews, out=tmp_path / "out", mem="64KiB"))
    what = "rows in which an n-gram must be to be counted; left out: the counts below"
    limit, left_out = told["ngrams", what]
    assert limit > 4
    assert left_out == limit - 4


def test_a_sample_of_what_is_compared_is_told(tmp_path: Path) -> None:
    records = [
        {"text": f"{number} apples, {number * 7} pears and {number * 3} plums lie in the basket"}
        for number in range(60)
    ]
    options = {"detect": {"CG103": {"most_compared": 50}}}
    result = cg.scan(records, out=tmp_path / "out", rules=["CG103"], plugin_options=options)
    told = caps(result)
    assert told["paraphrased_groups", "different records compared"][0] == 50
    assert told["paraphrased_groups", "different records compared"][1] > 0


def test_how_many_records_were_looked_at_is_told_where_there_are_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cg.scan(TEXTS * 2, out=tmp_path / "whole", rules=["CG401"])
    monkeypatch.setattr(files, "MOST_SAMPLED", 256)
    part = cg.scan(TEXTS * 2, out=tmp_path / "part", rules=["CG401"])
    assert [result.layouts[0].told_by for result in (whole, part)] == [0, 256]


def test_an_option_reaches_its_detector(reviews: list[Record], tmp_path: Path) -> None:
    options = {"detect": {"label_triggers": {"high": 99.0, "medium": 98.0}}}
    result = cg.scan(reviews, out=tmp_path / "out", rules=["CG201"], plugin_options=options)
    assert {finding.severity for finding in result.findings} == {"low"}
    assert result.parameters["plugins"] == options


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"detec": {}}, "did you mean detect"),
        ({"detect": {"label_trigers": {}}}, "did you mean label_triggers"),
        ({"detect": {"CG201": {"hig": 1.0}}}, "did you mean high"),
        ({"detect": {"CG201": {"high": "much"}}}, "give a value like 4.6"),
        ({"detect": {"CG201": 3}}, "must hold names and values"),
        ({"sketch": {"ngrams": {"fewest_rows": 2.5}}}, "give a value like 4"),
    ],
)
def test_a_wrong_option_of_a_plugin_is_told(
    path: Path, tmp_path: Path, options: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        cg.scan(path, out=tmp_path / "out", plugin_options=options)  # type: ignore[arg-type]


def test_a_target_without_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"\n\n")
    with pytest.raises(UsageError, match="no record"):
        cg.scan(tmp_path / "empty.jsonl", out=tmp_path / "out")


def test_the_scratch_folder_goes_when_the_scan_ends(path: Path, tmp_path: Path) -> None:
    cg.scan(path, out=tmp_path / "out")
    assert {item.name for item in (tmp_path / "out").iterdir()} == {"report.json", "rows.parquet"}


@pytest.mark.parametrize("there", [False, True])
def test_a_scan_that_fails_leaves_no_folder_behind(tmp_path: Path, there: bool) -> None:
    (tmp_path / "broken.jsonl").write_bytes(b"{broken\n")
    if there:
        (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(UsageError):
        cg.scan(tmp_path / "broken.jsonl", out=tmp_path / "a" / "b")
    assert list(tmp_path.rglob("a/**")) == ([tmp_path / "a", tmp_path / "a" / "b"] if there else [])


def test_an_output_folder_that_cannot_be_made_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose another with --out"):
        cg.scan(path, out=path / "out")


def options(**changes: object) -> ScanOptions:
    return ScanOptions(**changes)  # type: ignore[arg-type]


def test_the_default_output_folder_is_stable() -> None:
    assert default_out(["a b/data.jsonl"], options()) == default_out(["a b/data.jsonl"], options())
    assert default_out(["a b/data.jsonl"], options()).parent == Path(".corpus_guard")
    assert default_out(["a b/data.jsonl"], options()).name.startswith("data-")


def test_the_default_output_folder_does_not_depend_on_workers() -> None:
    assert default_out(["x"], options(jobs=1)) == default_out(["x"], options(jobs=8, quiet=True))


@pytest.mark.parametrize("other", [options(seed=1), options(read=ReadOptions(limit=5))])
def test_other_options_have_another_output_folder(other: ScanOptions) -> None:
    assert default_out(["x"], other) != default_out(["x"], options())


def test_other_targets_have_another_output_folder() -> None:
    assert default_out(["x/data.jsonl"], options()) != default_out(["y/data.jsonl"], options())


@pytest.mark.parametrize("target", ["../../../etc/passwd", "\x1b[2J", "/", "日本語"])
def test_the_default_output_folder_never_leaves_its_place(target: str) -> None:
    out = default_out([target], options())
    assert out.parent == Path(".corpus_guard")
    assert out.name.isascii()
    assert out.name.replace("-", "").isalnum()
