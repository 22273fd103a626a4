"""A native parser may crash, hang, print or eat memory: it is one failure, told where it happened."""

import datetime
import logging
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.read import read_shard
from corpus_guard.read.process.frames import FrameError, receive, send
from corpus_guard.types import RecordBlock, Shard, SourceFile, Unread

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


def test_what_a_parser_prints_is_lost(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert reading(tmp_path / "data.act", "print") == (["print"], [])
    assert capfd.readouterr() == ("", "")


def test_warnings_are_passed_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "reader"):
        reading(tmp_path / "data.act", "warn")
    assert caplog.messages == ["trying again"]


def test_odd_values_become_text_and_run_nothing(tmp_path: Path) -> None:
    frame = BytesIO()
    send(frame, {"when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "price": Decimal(1)})
    frame.seek(0)
    assert receive(frame.read) == {
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "price": Decimal(1),
    }
    assert reading(tmp_path / "data.act", "odd") == (["odd"], [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05\x00\x00",
        b"\x05\x00\x00\x00\x00\x00\x00\x00abc",
        b"\xff" * 8,
        b"\x03\x00\x00\x00\x00\x00\x00\x00abc",
        (18).to_bytes(8, "little") + b"cos\nsystem\n(S'ls'\n",
    ],
)
def test_a_frame_of_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        receive(BytesIO(data).read)
