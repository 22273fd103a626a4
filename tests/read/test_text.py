from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Read, read_file


def test_each_line_that_is_not_blank_is_a_record(read: Read) -> None:
    found = read(b"one\n\n  \r\ntwo\r\n three", "data.txt")
    assert (found.texts, found.offsets) == (["one", "two", " three"], [0, 9, 14])
    assert found.bytes_read == found.size


def test_a_byte_order_mark_is_no_text(read: Read) -> None:
    assert read(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", "data.txt").texts == ["one", "\ufefftwo"]


def test_invalid_utf8_is_replaced_and_told(read: Read) -> None:
    found = read("naïve".encode("latin-1") + b"\nnext\n", "data.txt")
    assert (found.texts, found.oddities) == (["na\ufffdve", "next"], ["invalid_utf8", None])


def test_a_line_over_the_bound_is_scanned_up_to_it(read: Read) -> None:
    found = read(b"brass heron" + b"x" * 500 + b"\nnext\n", "data.txt", max_record_bytes=100)
    assert [len(str(text)) for text in found.texts] == [100, 4]
    assert [(lost.kind, lost.row, lost.size_bytes) for lost in found.unread] == [
        ("partial", 0, 412)
    ]


@settings(max_examples=60, deadline=None)
@given(data=st.binary(min_size=1, max_size=80), shard=st.integers(1, 40))
def test_every_cut_into_shards_gives_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, shard: int
) -> None:
    path: Path = tmp_path_factory.mktemp("text") / "data.txt"
    path.write_bytes(data)
    whole, cut = (
        read_file(path, format="text", encoding="utf-8"),
        read_file(path, shard, format="text", encoding="utf-8"),
    )
    assert cut.records == whole.records
    for found in (whole, cut):
        lost = sum(item.size_bytes for item in found.unread if item.kind == "bytes")
        assert found.bytes_read + lost == found.size


@pytest.mark.parametrize("name", ["a.md", "a.markdown", "A.MD", "a.md.gz"])
def test_a_markdown_file_is_one_record(read: Read, name: str) -> None:
    document = "\ufeff# Bread\n\nFlour, *water*.\n\n- salt\n"
    found = read(document.encode(), name)
    assert (found.texts, found.offsets) == ([document[1:]], [0])
    assert (found.unread, found.bytes_read) == ([], found.size)


def test_a_markdown_file_over_the_bound_is_read_up_to_it(read: Read) -> None:
    found = read(b"# Bread\n" + b"x" * 100, "a.md", max_record_bytes=50)
    assert [len(str(text)) for text in found.texts] == [50]
    assert [(item.kind, item.row, item.size_bytes) for item in found.unread] == [("partial", 0, 58)]
