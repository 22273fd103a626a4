"""The same records in another file format, or packed, give the same findings on the same rows."""

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import Record, write_jsonl

import corpus_guard as cg
from corpus_guard.types import ScanResult

Write = Callable[[Path, Sequence[Record]], None]


def lines(records: Sequence[Record]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def packed(pack: Callable[[bytes], bytes]) -> Write:
    return lambda path, records: path.write_bytes(pack(lines(records)))


def as_parquet(path: Path, records: Sequence[Record]) -> None:
    pq.write_table(pa.Table.from_pylist(list(records)), path, row_group_size=400)


def as_zip(path: Path, records: Sequence[Record]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.jsonl", lines(records))


FORMS: Mapping[str, Write] = {
    "data.jsonl.gz": packed(gzip.compress),
    "data.jsonl.bz2": packed(bz2.compress),
    "data.jsonl.xz": packed(lzma.compress),
    "data.jsonl.zst": packed(lambda told: pa.Codec("zstd").compress(told, asbytes=True)),
    "data.json": lambda path, records: path.write_text(json.dumps(list(records))),
    "data.parquet": as_parquet,
    "data.zip": as_zip,
}


def told(result: ScanResult) -> list[tuple[object, ...]]:
    return [(one.rule, one.trigger, one.severity, list(one.rows)) for one in result.findings]


@pytest.fixture(scope="module", params=["reviews", "chats"])
def plain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sequence[Record], ScanResult]:
    """Records, and what is found in them as plain JSON Lines."""
    records: list[Record] = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("plain")
    return records, cg.scan(write_jsonl(folder / "data.jsonl", records), out=folder / "out")


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_the_same_records_gives_the_same_findings(
    name: str, plain: tuple[Sequence[Record], ScanResult], tmp_path: Path
) -> None:
    records, expected = plain
    FORMS[name](tmp_path / name, records)
    result = cg.scan(tmp_path / name, out=tmp_path / "out")
    assert expected.exit_code == 1
    assert result.coverage.records_scanned == len(records)
    assert told(result) == told(expected)
