"""How the work is split, and in which order rows arrive, does not change what is found."""

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from corpora import Record, write_jsonl

import corpus_guard as cg
from corpus_guard.report.json_report import to_json, to_text
from corpus_guard.types import Finding, RowSet, ScanResult

Rows = Callable[[ScanResult], list[dict[str, object]]]


@pytest.fixture(params=["reviews", "chats"])
def records(request: pytest.FixtureRequest) -> list[Record]:
    found: list[Record] = request.getfixturevalue(request.param)
    return found


def ids(result: ScanResult) -> list[str]:
    return [finding.id for finding in result.findings]


def without_places(finding: Finding) -> Finding:
    """Return a finding less its row numbers."""
    return replace(finding, rows=RowSet(), rows_flagged=RowSet(), rows_sample=(), contexts=())


def by_content(rows: Iterable[Mapping[str, object]], *left_out: str) -> list[str]:
    return sorted(
        repr([(name, value) for name, value in row.items() if name not in left_out]) for row in rows
    )


@pytest.fixture
def path(records: list[Record], tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "data.jsonl", records)


@pytest.fixture
def expected(path: Path, tmp_path: Path) -> ScanResult:
    result = cg.scan(path, out=tmp_path / "expected")
    assert result.exit_code == 1
    return result


@pytest.mark.usefixtures("small_shards", "always_pool")
def test_several_processes_find_the_same(
    path: Path, expected: ScanResult, tmp_path: Path, rows_in: Rows
) -> None:
    result = cg.scan(path, out=tmp_path / "out", jobs=2)
    assert result.findings == expected.findings
    assert rows_in(result) == rows_in(expected)


@pytest.mark.usefixtures("small_shards")
def test_small_shards_find_the_same(
    path: Path, expected: ScanResult, tmp_path: Path, rows_in: Rows
) -> None:
    result = cg.scan(path, out=tmp_path / "out")
    assert result.findings == expected.findings
    assert rows_in(result) == rows_in(expected)


def test_several_files_find_the_same(
    records: list[Record], expected: ScanResult, tmp_path: Path, rows_in: Rows
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for part, (first, last) in enumerate([(0, 100), (100, 900), (900, len(records))]):
        write_jsonl(folder / f"{part}.jsonl", records[first:last])
    result = cg.scan(folder, out=tmp_path / "out")
    places = ("file", "row", "byte_offset")
    assert list(map(without_places, result.findings)) == list(
        map(without_places, expected.findings)
    )
    assert [f.rows for f in result.findings] == [f.rows for f in expected.findings]
    assert by_content(rows_in(result), *places) == by_content(rows_in(expected), *places)


@pytest.mark.parametrize("counting", [{}, {"most_exact": 500}])
def test_a_packed_file_finds_the_same(
    counting: dict[str, int], path: Path, tmp_path: Path, rows_in: Rows
) -> None:
    """Also where n-grams are too many to be counted exactly."""
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    options = {"sketch": {"document_frequencies": counting}}
    plain, other = (
        cg.scan(file, out=tmp_path / file.name[:4], plugin_options=options)
        for file in (path, packed)
    )
    assert plain.exit_code == 1
    assert list(map(without_places, other.findings)) == list(map(without_places, plain.findings))
    places = ("file", "byte_offset")
    assert by_content(rows_in(other), *places) == by_content(rows_in(plain), *places)


def test_the_order_of_rows_does_not_matter(
    records: list[Record], expected: ScanResult, tmp_path: Path, rows_in: Rows
) -> None:
    shuffled = list(records)
    Random(1).shuffle(shuffled)
    result = cg.scan(write_jsonl(tmp_path / "shuffled.jsonl", shuffled), out=tmp_path / "out")
    assert sorted(ids(result)) == sorted(ids(expected))
    places = ("file", "row", "byte_offset", "cluster", "score")
    assert by_content(rows_in(result), *places) == by_content(rows_in(expected), *places)


def test_the_same_scan_writes_the_same_report(
    path: Path, expected: ScanResult, tmp_path: Path
) -> None:
    again = cg.scan(path, out=tmp_path / "again")
    assert to_text(replace(again, timing={})) == to_text(replace(expected, timing={}))
    one, two = (tmp_path / name / "rows.parquet" for name in ("expected", "again"))
    assert one.read_bytes() == two.read_bytes()


def test_records_from_a_program_find_the_same(
    records: list[Record], expected: ScanResult, tmp_path: Path
) -> None:
    result = cg.scan(records, out=tmp_path / "out")
    assert [f.rows for f in result.findings] == [f.rows for f in expected.findings]


def test_the_report_keeps_to_its_schema(expected: ScanResult) -> None:
    import json

    import jsonschema

    from corpus_guard.report.json_report import schema

    written = json.loads((expected.out / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, schema())
    assert written == json.loads(json.dumps(to_json(expected)))
