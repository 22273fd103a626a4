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
    found = read(
        gzip.compress(gzip.compress(LINES)), "data.jsonl.gz", format="jsonl", encoding="utf-8"
    )
    assert found.unread


# damage between members

HALF = LINES.index(b"\n", len(LINES) // 2) + 1
MEMBERS = [gzip.compress(part) for part in (LINES[:HALF], b'{"text": "lost"}\n' * 99, LINES[HALF:])]


@pytest.mark.parametrize("cut", [12, 30, -20, -9, -1])
def test_reading_goes_on_behind_a_gzip_member_that_is_cut_short(read: Read, cut: int) -> None:
    found = read(MEMBERS[0] + MEMBERS[1][:cut] + MEMBERS[2], "data.jsonl.gz")
    rows = [record for record in found.fields if str(record.get("text")).startswith("row ")]
    assert len(rows) == 4000
    gap = len(MEMBERS[1][:cut])
    (told,) = (item for item in found.unread if "damaged" in item.reason)
    assert (told.kind, told.size_bytes, f"byte {len(MEMBERS[0]):,} " in told.reason) == (
        "bytes",
        gap,
        True,
    )
    assert found.bytes_read + gap == found.size


def test_reading_goes_on_behind_a_gzip_member_that_is_overwritten(read: Read) -> None:
    middle = MEMBERS[1][:10] + b"\xff" * 40 + MEMBERS[1][50:]
    found = read(MEMBERS[0] + middle + MEMBERS[2], "data.jsonl.gz")
    assert len([text for text in found.texts if str(text).startswith("row ")]) == 4000
    assert [item.size_bytes for item in found.unread if item.kind == "bytes"] == [len(middle)]


def test_what_looks_like_a_member_and_is_none_is_passed_over(read: Read) -> None:
    decoys = b"".join(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + bytes([n]) * 9 for n in range(1, 99))
    found = read(MEMBERS[0] + decoys + MEMBERS[2], "data.jsonl.gz")
    assert len([text for text in found.texts if str(text).startswith("row ")]) == 4000
    assert [item.size_bytes for item in found.unread if item.kind == "bytes"] == [len(decoys)]


def test_a_gzip_header_may_hold_a_name_a_comment_and_more(read: Read) -> None:
    plain = gzip.compress(LINES, mtime=0)
    named = plain[:3] + bytes([2 + 4 + 8 + 16]) + plain[4:10] + b"\3\0abc" + b"n.jsonl\0a note\0"
    found = read(named + b"\0\0" + plain[10:], "data.jsonl.gz")
    assert (len(found.fields), found.unread) == (4000, [])


def test_zero_bytes_behind_a_gzip_file_are_padding(read: Read) -> None:
    found = read(gzip.compress(LINES) + bytes(100_000), "data.jsonl.gz")
    assert (len(found.fields), found.unread) == (4000, [])


@pytest.mark.parametrize("kind", PACK)
def test_shards_of_one_data_set_are_read_alike(read: Read, kind: str) -> None:
    found = read(PACK[kind](LINES), f"data-00000-of-00005.jsonl.{kind}")
    assert len(found.fields) == 4000
