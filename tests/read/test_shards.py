import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import ReadOptions
from corpus_guard.read import plan_shards, read_records, read_shard, resolve_targets
from corpus_guard.types import RecordBlock, SourceFile, Unread

OPTIONS = ReadOptions()
LINES = b"".join(b'{"text": "row %d"}\n' % number for number in range(500))


def source(path: Path, data: bytes = LINES) -> SourceFile:
    path.write_bytes(data)
    return resolve_targets([str(path)], OPTIONS, path.parent).files[0]


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 12_000))
def test_the_shards_of_a_file_cover_it_without_overlap(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    file = source(tmp_path_factory.mktemp("plan") / "data.jsonl")
    shards = plan_shards([file, file], OPTIONS, size)
    assert [shard.index for shard in shards] == list(range(len(shards)))
    ends = [(shard.start, shard.end) for shard in shards[: len(shards) // 2]]
    assert [start for start, _ in ends] == [0, *[end for _, end in ends[:-1]]]
    assert ends[-1][1] == len(LINES)


@pytest.mark.parametrize("name", ["data.json", "data.csv", "data.jsonl.gz"])
def test_a_file_that_cannot_be_split_is_one_shard(tmp_path: Path, name: str) -> None:
    data = gzip.compress(LINES) if name.endswith("gz") else LINES
    assert len(plan_shards([source(tmp_path / name, data)], OPTIONS, 100)) == 1


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    file = source(tmp_path / "data.jsonl")
    file.path.unlink()
    (lost,) = read_shard(plan_shards([file], OPTIONS)[0], OPTIONS)
    assert isinstance(lost, Unread)
    assert (lost.kind, lost.file, lost.size_bytes) == ("bytes", "data.jsonl", len(LINES))


@pytest.mark.parametrize("now", [LINES[:18], LINES + LINES])
def test_a_file_that_changed_meanwhile_is_told(tmp_path: Path, now: bytes) -> None:
    file = source(tmp_path / "data.jsonl")
    file.path.write_bytes(now)
    *blocks, last = read_shard(plan_shards([file], OPTIONS)[0], OPTIONS)
    assert all(isinstance(block, RecordBlock) for block in blocks)
    assert isinstance(last, Unread)
    assert "changed its size" in last.reason


@pytest.mark.parametrize("count", [0, 1, 256, 500, 9000])
def test_the_head_of_a_file_has_as_many_records_as_asked(tmp_path: Path, count: int) -> None:
    (shard,) = plan_shards([source(tmp_path / "data.jsonl")], OPTIONS)
    assert len(read_records(shard, OPTIONS, count)) == min(count, 500)


def test_the_head_of_a_broken_file_is_what_can_be_read(tmp_path: Path) -> None:
    file = source(tmp_path / "data.jsonl", b'{"text": "good"}\n{broken\n')
    (shard,) = plan_shards([file], OPTIONS)
    assert [fields for _, fields in read_records(shard, OPTIONS, 9)] == [{"text": "good"}]
