"""A native parser may crash, hang, print or eat memory: it is one failure, told where it happened."""

import json
import logging
import math
import os
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard import plugins
from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.normalise.fields import as_text
from corpus_guard.read import read_records, read_shard
from corpus_guard.read.process import isolated
from corpus_guard.read.process.frames import FrameError, block_in, receive, send, send_block
from corpus_guard.read.process.requests import asked, understood
from corpus_guard.types import HubPath, RecordBlock, Shard, SourceFile, Unread

READER = '''"""Native data that does as its lines say."""

import ctypes
import datetime
import logging
import os
import resource
import sys

from corpus_guard.plugins import reader
from corpus_guard.read.blocks import BlockBuilder


class Odd:
    def __str__(self):
        return "an odd value"


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)

    def __str__(self):
        return "a bomb"


@reader(extensions=(".act",), native=True)
def read(stream, options, start, end):
    for line in stream:
        block = BlockBuilder()
        word = line.decode().strip()
        fields = {"text": word}
        if word == "crash":
            ctypes.string_at(0)
        elif word == "exit":
            os._exit(7)
        elif word == "spin":
            used = resource.getrusage(resource.RUSAGE_SELF)
            limit = int(used.ru_utime + used.ru_stime) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            while True:
                pass
        elif word == "hog":
            fields["size"] = len(bytearray(3 << 30))
        elif word == "print":
            os.write(1, b"\\x1b[2J printed")
            os.write(2, b"\\x1b[2J printed")
            print("printed", file=sys.stderr)
        elif word == "warn":
            logging.getLogger("reader").warning("trying again")
        elif word == "odd":
            fields["value"] = [Odd(), Bomb(), datetime.date(2026, 1, 2)]
        elif word == "deep":
            for _ in range(100_000):
                fields = {"text": fields}
        block.add(0, line, fields)
        block.count(len(line))
        yield from block.flush()
'''


@pytest.fixture(scope="module", autouse=True)
def acting_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install a reader from outside that does what the data says."""
    place = tmp_path_factory.mktemp("installed")
    (place / "acting.py").write_text(READER)
    info = place / "acting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[corpus_guard.read]\nacting = acting\n")
    sys.path.append(str(place))
    plugins.names.cache_clear()
    yield
    sys.path.remove(str(place))
    plugins.names.cache_clear()


def reading(path: Path, *words: str) -> tuple[list[object], list[Unread]]:
    """Return the records and what was not read of a file of these lines."""
    path.write_text("".join(f"{word}\n" for word in words))
    size = path.stat().st_size
    file = SourceFile(
        index=0, path=path, name=path.name, format="acting", compression="none", size_bytes=size
    )
    items = list(read_shard(Shard(index=0, file=file, start=0, end=size), ReadOptions()))
    blocks = [item for item in items if isinstance(item, RecordBlock)]
    unread = [item for item in items if isinstance(item, Unread)]
    assert sum(b.bytes_read for b in blocks) + sum(u.size_bytes for u in unread) == size
    return [fields["text"] for block in blocks for fields in block.fields], unread


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crash", "the reading process crashed"),
        ("exit", r"the reading process crashed \(exit status 7\)"),
        ("spin", "was stopped, as it worked long without a result"),
        ("hog", "MemoryError"),
        ("deep", "RecursionError"),
    ],
)
def test_what_was_read_before_a_failure_is_kept(tmp_path: Path, word: str, reason: str) -> None:
    texts, unread = reading(tmp_path / "data.act", "good", word, "lost")
    assert texts == ["good"]
    assert [(item.kind, item.byte_offset) for item in unread] == [("bytes", 5)]
    assert re.search(reason, unread[0].reason)


def test_the_next_file_is_read_after_a_crash(tmp_path: Path) -> None:
    reading(tmp_path / "first.act", "crash")
    assert reading(tmp_path / "second.act", "good") == (["good"], [])


def test_a_reading_that_is_left_early_disturbs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "first.act"
    path.write_text("one\n" * 10)
    file = SourceFile(
        index=0, path=path, name="first.act", format="acting", compression="none", size_bytes=40
    )
    left_early = read_shard(Shard(index=0, file=file, start=0, end=40), ReadOptions())
    next(left_early)
    assert reading(tmp_path / "second.act", "good") == (["good"], [])
    left_early.close()
    assert reading(tmp_path / "third.act", "good") == (["good"], [])


def test_the_head_of_a_file_leaves_the_process_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "first.act"
    path.write_text("one\n" * 10 + "crash\n")
    file = SourceFile(
        index=0, path=path, name="first.act", format="acting", compression="none", size_bytes=46
    )
    shard = Shard(index=0, file=file, start=0, end=46)
    assert len(read_records(shard, ReadOptions(), 3)) == 3
    (spare,) = isolated._SPARE
    assert len(read_records(shard, ReadOptions(), 2)) == 2
    assert isolated._SPARE == [spare]


def test_what_a_parser_prints_is_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert reading(tmp_path / "data.act", "print") == (["print"], [])
    assert capfd.readouterr() == ("", "")


def test_warnings_are_passed_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "reader"):
        reading(tmp_path / "data.act", "warn")
    assert caplog.messages == ["trying again"]


def test_odd_values_become_text_and_run_nothing(tmp_path: Path) -> None:
    assert reading(tmp_path / "data.act", "odd") == (["odd"], [])


def sent(block: RecordBlock) -> bytes:
    stream = BytesIO()
    send_block(stream, block)
    return stream.getvalue()


def handed_over(
    *records: dict[str, object], oddities: list[str | None] | None = None
) -> RecordBlock:
    count = len(records)
    block = RecordBlock(
        rows=list(range(count)), byte_offsets=[-1] * count, digests=[bytes([7]) * 32] * count,
        fields=list(records), oddities=oddities or [None] * count, bytes_read=5,
    )  # fmt: skip
    found = block_in(receive(BytesIO(sent(block)).read))
    assert replace(found, fields=block.fields) == block
    return found


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())  # with halves of surrogate pairs
    | st.binary(min_size=1)  # an empty one in a list is taken for a value, an empty text is not
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(values=st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=4))
def test_a_record_is_to_a_scan_what_it_was_before_it_was_handed_over(
    values: list[dict[str, object]],
) -> None:
    found = handed_over(*values).fields
    assert [sound(as_text(record)) for record in found] == [
        sound(as_text(record)) for record in values
    ]


def sound(text: str | None) -> str | None:
    return text and text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_values_keep_what_json_can_hold() -> None:
    record = {"a": None, "b": [1, 2.5, True, {"c": "x"}], "d": -(2**63), "e": 2**64 - 1, "f": -0.0}
    assert repr(handed_over(record, {}).fields) == repr([record, {}])
    assert handed_over({"a": 2**64, "n": math.nan, "i": [-math.inf]}).fields == [
        {"a": str(2**64), "n": "nan", "i": ["-inf"]}
    ]
    assert handed_over({"a": "x"}, {}, oddities=["invalid_utf8", None]).oddities[0]


GOOD = sent(
    RecordBlock(
        rows=[0, 1], byte_offsets=[0, 9], digests=[bytes(32), b"x" * 32],
        fields=[{"text": "heron"}, {"text": "owl"}], oddities=[None, "invalid_utf8"], bytes_read=18,
    )
)  # fmt: skip


def is_survived(data: bytes) -> bool:
    """Say whether a frame is a block or is refused; anything else ends the test, or the process."""
    try:
        block = block_in(receive(BytesIO(data).read, 1 << 20))
    except FrameError:
        return True
    sizes = {len(block.rows), len(block.byte_offsets), len(block.digests), len(block.fields)}
    return sizes == {len(block.oddities)} and all(len(digest) == 32 for digest in block.digests)


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=300))
def test_rubbish_is_refused(data: bytes) -> None:
    assert is_survived(data)
    size = len(data)
    head = json.dumps({"kind": "block", "bytes_read": 1, "batch_bytes": size // 2 or 1}).encode()
    assert is_survived(struct.pack("<IQ", len(head), size) + head + data)


@settings(max_examples=1500, deadline=None)
@given(
    places=st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    keep=st.integers(0, len(GOOD)) | st.just(len(GOOD)),
)
def test_a_block_with_any_bytes_changed_is_read_or_refused(
    places: list[tuple[int, int]], keep: int
) -> None:
    data = bytearray(GOOD)
    for place, value in places:
        data[place] = value
    assert is_survived(bytes(data[:keep]))


def framed(head: object, *parts: bytes) -> bytes:
    stream = BytesIO()
    send(stream, head, *parts)  # type: ignore[arg-type]
    return stream.getvalue()


def test_packed_batches_and_claims_too_large_are_refused() -> None:
    batch = pa.record_batch([[1] * 9999] * 2, names=["a", "b"])
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    reader.read_next_message()
    packed = reader.read_next_message().serialize().to_pybytes()
    head = {"kind": "block", "bytes_read": 1, "batch_bytes": len(packed)}
    with pytest.raises(FrameError, match="packed"):
        block_in(receive(BytesIO(framed(head, packed, b"[]")).read))
    for claimed in (struct.pack("<IQ", 2, 1 << 62), struct.pack("<IQ", 1 << 31, 2)):
        with pytest.raises(FrameError, match="too large"):
            receive(BytesIO(claimed + b"{}").read)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05\x00\x00",
        framed([]),
        framed({"kind": "block"})[:-1],
        struct.pack("<IQ", 100_000, 0) + b"[" * 100_000,
        struct.pack("<IQ", 18, 0) + b"cos\nsystem\n(S'ls'\n",
    ],
)
def test_a_frame_of_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        block_in(receive(BytesIO(data).read))


def test_a_request_means_the_same_to_both(tmp_path: Path) -> None:
    paths = [Path(os.fsdecode(b"/odd \xff/\xc3\xa9 \n")), tmp_path, HubPath(
        endpoint=None, repo="a/b", revision="c" * 40, path="d.parquet", size_bytes=3)]  # fmt: skip
    for path in paths:
        file = SourceFile(
            index=3, path=path, name="n", format="parquet", compression="none", size_bytes=9
        )
        shard = Shard(index=1, file=file, start=2, end=9)
        options = ReadOptions(limit=3, overrides=FieldOverrides(text="t"), sample=0.5)
        assert understood(json.loads(json.dumps(asked(shard, options, 5)))) == (shard, options, 5)
