import bz2
import gzip
import lzma
from collections.abc import Callable

import pyarrow as pa
import pytest
from corpora import documents_of_words

from corpus_guard.read import opening

from .conftest import Read

LINES = b"".join(b'{"text": "row %d %s"}\n' % (n, b"filler " * (n % 9)) for n in range(4000))
VARIED = b"".join(b'{"text": "%s"}\n' % text.encode() for text in documents_of_words(4000, 40))


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zst": zstd,
}


@pytest.mark.parametrize("kind", PACK)
def test_a_compressed_file_holds_the_same_records(read: Read, kind: str) -> None:
    plain, packed = read(LINES), read(PACK[kind](LINES), f"data.jsonl.{kind}")
    assert packed.records == plain.records
    assert (packed.unread, packed.bytes_read) == ([], packed.size)


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["data.jsonl", "data"])
def test_compression_is_known_by_its_first_bytes(read: Read, kind: str, name: str) -> None:
    assert len(read(PACK[kind](LINES), name).fields) == 4000


def test_a_name_alone_makes_no_compression(read: Read) -> None:
    assert len(read(LINES, "data.jsonl.gz").fields) == 4000


@pytest.mark.parametrize("kind", PACK)
def test_members_end_to_end_are_one_file(read: Read, kind: str) -> None:
    half = LINES.index(b"\n", len(LINES) // 2) + 1
    data = PACK[kind](LINES[:half]) + PACK[kind](LINES[half:])
    found = read(data, f"data.jsonl.{kind}")
    assert (len(found.fields), found.unread, found.bytes_read) == (4000, [], found.size)


def test_zero_bytes_behind_an_xz_file_are_padding(read: Read) -> None:
    found = read(lzma.compress(LINES) + b"\0" * 8, "data.jsonl.xz")
    assert (len(found.fields), found.unread) == (4000, [])


@pytest.mark.parametrize("kind", PACK)
def test_a_file_cut_short_keeps_what_came_before(read: Read, kind: str) -> None:
    whole = PACK[kind](VARIED)
    found = read(whole[: len(whole) * 3 // 4], f"data.jsonl.{kind}")
    assert len(found.fields) > 500
    assert found.unread[-1].kind == "bytes"
    assert "what follows was not scanned" in found.unread[-1].reason


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])  # Arrow's zstd writes no checksum
def test_damage_keeps_what_came_before(read: Read, kind: str) -> None:
    data = bytearray(PACK[kind](VARIED))
    data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    found = read(bytes(data), f"data.jsonl.{kind}")
    assert len(found.fields) > 500
    assert found.unread


@pytest.mark.parametrize("kind", PACK)
def test_a_bomb_is_read_up_to_the_bound(
    read: Read, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "FREE_BYTES", 4 << 20)
    monkeypatch.setattr(opening, "LARGEST_RATIO", 10)
    bomb = PACK[kind](LINES + (b" " * 999 + b"\n") * (20 << 10))
    found = read(bomb, f"data.jsonl.{kind}")
    assert len(found.fields) == 4000
    assert ["bomb" in lost.reason for lost in found.unread] == [True]


def test_an_honest_file_that_packs_well_is_read_whole(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "FREE_BYTES", len(LINES))
    found = read(gzip.compress(LINES), "data.jsonl.gz")
    assert (len(found.fields), found.unread) == (4000, [])


def test_an_xz_file_that_asks_for_much_memory_is_refused(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "XZ_MEMORY", 1 << 20)
    packed = lzma.compress(LINES, preset=9)
    with pytest.raises(Exception, match=r"(?i)memory"):
        lzma.LZMADecompressor(memlimit=1 << 20).decompress(packed)
    found = read(packed, "data.jsonl.xz", format="jsonl")
    assert (found.fields, [lost.kind for lost in found.unread]) == ([], ["bytes"])


def test_a_file_packed_twice_is_not_unpacked_twice(read: Read) -> None:
    found = read(gzip.compress(gzip.compress(LINES)), "data.jsonl.gz", format="jsonl")
    assert found.unread
