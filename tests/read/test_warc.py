import gzip
import zlib
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.read.web.archive import ArchiveRecord, archive_records

from .archives import http, packed, page, warc_record
from .conftest import Read, Reading, read_file

HTML = "Content-Type: text/html; charset=utf-8"
WORDS = [f"This is the page with number {number} about copper kettles." for number in range(5)]
PAGES = [page(text, url=f"https://example.org/{number}") for number, text in enumerate(WORDS)]


def lost(found: Reading) -> list[tuple[str, int, str]]:
    return [(item.kind, item.byte_offset, item.reason) for item in found.unread]


def body_of(read: Read, block: bytes, name: str = "a.warc", **parts: str) -> object:
    return read(warc_record(block, **parts), name).fields[0].get("text")  # type: ignore[arg-type]


# what becomes a record


def test_a_page_is_a_record_with_its_text_its_markup_and_where_it_is_from(read: Read) -> None:
    found = read(PAGES[0], "a.warc")
    (record,) = found.fields
    assert record["text"] == WORDS[0]
    assert record["html"] == f"<!doctype html><title>T</title><body><p>{WORDS[0]}</p></body>"
    assert {name: record[name] for name in ("url", "time", "title", "status", "content_type")} == {
        "url": "https://example.org/0",
        "time": "2024-01-02T03:04:05Z",
        "title": "T",
        "status": "200",
        "content_type": "text/html",
    }
    assert str(record["record_id"]).startswith("<urn:")
    assert (found.unread, found.bytes_read) == ([], found.size)


@pytest.mark.parametrize("kind", ["warcinfo", "request", "metadata", "revisit"])
def test_what_is_about_the_crawl_is_read_and_is_no_record(read: Read, kind: str) -> None:
    about = warc_record(b"software: a crawler", kind, media_type="application/warc-fields")
    found = read(about + PAGES[0], "a.warc")
    assert (found.texts, found.rows, found.offsets) == ([WORDS[0]], [0], [len(about)])
    assert (found.unread, found.bytes_read) == ([], found.size)


@pytest.mark.parametrize("name", ["a.wet", "a.warc.wet", "a.warc"])
def test_an_extracted_text_is_a_record(read: Read, name: str) -> None:
    text = warc_record("Über Kessel.".encode(), "conversion", media_type="text/plain")
    found = read(text, name)
    assert found.texts == ["Über Kessel."]
    assert "html" not in found.fields[0]


def test_a_resource_without_an_http_header_is_a_record(read: Read) -> None:
    found = body_of(read, b"<html><p>Saved page.</p>", kind="resource", media_type="text/html")
    assert found == "Saved page."


@pytest.mark.parametrize("media_type", ["text/css", "application/json", "application/ld+json"])
def test_code_and_data_are_kept_from_the_statistics_but_not_from_the_checks(
    read: Read, media_type: str
) -> None:
    record = warc_record(http(b'{"a": 1}', f"Content-Type: {media_type}"))
    (fields,) = read(record, "a.warc").fields
    assert (fields.get("text"), fields["payload"]) == (None, '{"a": 1}')


def test_content_that_is_no_text_is_told_once_a_file(read: Read) -> None:
    image = warc_record(http(b"\x89PNG\r\n\x1a\n" + bytes(99), "Content-Type: image/png"))
    paper = warc_record(http(b"%PDF-1.7\nwords", "Content-Type: text/html"))
    found = read(image + PAGES[0] + image + paper, "a.warc")
    assert found.texts == [WORDS[0]]
    assert lost(found) == [("bytes", 0, "3 records hold no text (image/png 2, text/html 1)")]
    assert found.unread[0].size_bytes == 2 * len(image) + len(paper)


def test_text_under_a_false_type_is_read(read: Read) -> None:
    assert body_of(read, http(b"<html><p>Bread.</p>", "Content-Type: image/png")) == "Bread."
    assert body_of(read, http(b"Plain bread.", "Content-Type: image/png")) == "Plain bread."


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops"])
def test_an_error_page_is_a_record_too(read: Read, status: str) -> None:
    assert body_of(read, http(b"<html><p>Sorry.</p>", HTML, status=status)) == "Sorry."


def test_an_empty_response_is_no_record(read: Read) -> None:
    found = read(warc_record(http(b"", status="304 Not Modified")) + PAGES[1], "a.warc")
    assert (found.texts, found.unread) == ([WORDS[1]], [])


# packed bodies

MARKUP = b"<html><p>" + b"Bread is baked from flour. " * 40 + b"</p>"
BODIES = {
    "gzip": (gzip.compress(MARKUP), "Content-Encoding: gzip"),
    "brotli": (brotli.compress(MARKUP), "Content-Encoding: br"),
    "zlib": (zlib.compress(MARKUP), "Content-Encoding: deflate"),
    "bare deflate": (zlib.compress(MARKUP)[2:-4], "Content-Encoding: deflate"),
    "stored unpacked": (MARKUP, "Content-Encoding: gzip"),
    "twice": (gzip.compress(brotli.compress(MARKUP)), "Content-Encoding: br, gzip"),
    "unknown": (MARKUP, "Content-Encoding: made-up"),
    "chunks": (
        b"%x;x=y\r\n%b\r\n" % (200, MARKUP[:200])
        + b"%X\r\n%b\r\n0\r\n\r\n" % (len(MARKUP) - 200, MARKUP[200:]),
        "Transfer-Encoding: chunked",
    ),
    "chunks without an end": (b"%x\r\n%b" % (9999, MARKUP), "Transfer-Encoding: chunked"),
    "no chunks at all": (MARKUP, "Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_packed_body_is_unpacked(read: Read, kind: str) -> None:
    body, header = BODIES[kind]
    found = read(warc_record(http(body, HTML, header)), "a.warc")
    assert found.fields[0]["html"] == MARKUP.decode()


@pytest.mark.parametrize("kind", ["gzip", "brotli", "zlib"])
def test_a_body_cut_short_is_read_as_far_as_it_goes(read: Read, kind: str) -> None:
    varied = b"<html><p>" + b" ".join(b"word%d" % number for number in range(9000))
    pack = {"gzip": gzip.compress, "brotli": brotli.compress, "zlib": zlib.compress}[kind]
    body = pack(varied)
    header = BODIES[kind][1]
    found = read(warc_record(http(body[: len(body) // 2], HTML, header)), "a.warc")
    assert len(str(found.fields[0]["text"])) > 1000


@pytest.mark.parametrize("kind", ["gzip", "brotli", "zlib"])
def test_a_body_that_unpacks_out_of_bounds_is_read_up_to_the_bound(read: Read, kind: str) -> None:
    pack = {"gzip": gzip.compress, "brotli": brotli.compress, "zlib": zlib.compress}[kind]
    record = warc_record(
        http(pack(b"bread " * 5_000_000), "Content-Type: text/plain", BODIES[kind][1])
    )
    found = read(record + PAGES[0], "a.warc", max_record_bytes=60_000)
    assert [len(str(text)) for text in found.texts] == [60_000, len(WORDS[0])]
    assert [(item.kind, item.row) for item in found.unread] == [("partial", 0)]


# characters


@pytest.mark.parametrize(
    ("body", "header"),
    [
        ("<html><p>Grüße".encode(), "Content-Type: text/html; charset=utf-8"),
        ("<html><p>Grüße".encode("latin-1"), 'Content-Type: text/html; charset="ISO-8859-1"'),
        ('<html><meta charset="latin1"><p>Grüße'.encode("latin-1"), "Content-Type: text/html"),
        ("<html><p>Grüße".encode("utf-8-sig"), "Content-Type: text/html; charset=latin1"),
        ("\ufeff<html><p>Grüße".encode("utf-16-le"), "Content-Type: text/html"),
        ("<html><p>Grüße".encode(), "Content-Type: text/html; charset=rot13"),
        ("<html><p>Grüße".encode(), "Content-Type: text/html; charset=unicode_escape"),
        ('<html><meta charset="latin1"><p>Grüße'.encode("latin-1"), HTML),
    ],
)
def test_the_character_set_is_found(read: Read, body: bytes, header: str) -> None:
    assert body_of(read, http(body, header)) == "Grüße"


def test_bytes_that_fit_no_character_set_are_replaced_and_told(read: Read) -> None:
    found = read(warc_record(http(b'<html><meta charset="utf-8"><p>a\xffb', HTML)), "a.warc")
    assert (found.texts, found.oddities) == (["a\ufffdb"], ["invalid_utf8"])


# broken archives


@pytest.mark.parametrize("length", [0, 7, 150, 5_000, 10**15])
def test_a_wrong_length_costs_no_other_record(read: Read, length: int) -> None:
    wrong = page("The second page lies about its length.", length=length)
    found = read(PAGES[0] + wrong + PAGES[1] + PAGES[2], "a.warc")
    assert [text for text in found.texts if text in WORDS] == WORDS[:3]
    missed = sum(item.size_bytes for item in found.unread)
    assert found.bytes_read + missed == found.size
    assert missed == 0 or length < len(wrong)


@pytest.mark.parametrize("length", ["", "Content-Length: -5\r\n", "Content-Length: many\r\n"])
def test_a_record_without_a_length_ends_where_the_next_begins(read: Read, length: str) -> None:
    record = f"WARC/1.0\r\nWARC-Type: conversion\r\n{length}\r\nNo length.\r\n\r\n".encode()
    found = read(PAGES[0] + record + PAGES[1], "a.warc")
    assert [str(text).strip() for text in found.texts] == [WORDS[0], "No length.", WORDS[1]]
    assert found.unread == []


def test_what_lies_between_records_is_told(read: Read) -> None:
    junk = b"some junk\r\nWARC/ no record\r\n"
    found = read(PAGES[0] + junk + PAGES[1], "a.warc")
    assert found.texts == WORDS[:2]
    assert lost(found) == [("bytes", len(PAGES[0]), "no archive record begins here")]
    assert found.bytes_read + len(junk) == found.size


def test_a_header_without_end_costs_no_other_record(read: Read) -> None:
    found = read(PAGES[0] + b"WARC/1.0\r\nWARC-Type: response\r\n" + PAGES[1], "a.warc")
    assert found.texts == WORDS[:2]
    assert [item.kind for item in found.unread] == ["bytes"]


def test_a_file_that_ends_inside_a_record_is_read_to_its_end(read: Read) -> None:
    found = read(PAGES[0] + PAGES[1][:-30], "a.warc")
    assert [str(text)[:20] for text in found.texts] == [text[:20] for text in WORDS[:2]]
    assert [(item.kind, item.row, item.size_bytes) for item in found.unread] == [("partial", 1, 26)]


def test_a_record_over_the_bound_is_read_up_to_it(read: Read) -> None:
    large = warc_record(b"bread " * 1000, "conversion", media_type="text/plain")
    found = read(PAGES[0] + large + PAGES[1], "a.warc", max_record_bytes=1000)
    assert [len(str(text)) for text in found.texts] == [len(WORDS[0]), 1000, len(WORDS[1])]
    assert [(item.kind, item.row, item.size_bytes) for item in found.unread] == [
        ("partial", 1, 5000)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_may_be_of_either_kind(read: Read, end: str) -> None:
    record = PAGES[0].replace(b"\r\n", end.encode())
    size = record.index(b"HTTP"), len(record.rstrip(b"\r\n"))
    record = record.replace(
        b"Content-Length: %d" % len(PAGES[0][PAGES[0].index(b"HTTP") : -4]),
        b"Content-Length: %d" % (size[1] - size[0]),
    )
    found = read(record + PAGES[1], "a.warc")
    assert (found.texts, found.unread) == (WORDS[:2], [])


# packed archives


def test_members_are_read_as_one_archive(read: Read) -> None:
    found = read(packed(*PAGES), "a.warc.gz")
    assert (found.texts, found.unread, found.bytes_read) == (WORDS, [], found.size)


@pytest.mark.parametrize("damage", ["flipped", "cut", "no header"])
def test_a_damaged_member_costs_no_other_record(read: Read, damage: str) -> None:
    members = [packed(record) for record in PAGES]
    bad = members[2]
    members[2] = {
        "flipped": bad[:60] + bytes(byte ^ 255 for byte in bad[60:90]) + bad[90:],
        "cut": bad[:-40],
        "no header": b"xx" + bad[2:],
    }[damage]
    found = read(b"".join(members), "a.warc.gz")
    assert [text for text in found.texts if text in WORDS] == [*WORDS[:2], *WORDS[3:]]
    (gap,) = (item for item in found.unread if "damaged" in item.reason)
    assert f"from byte {len(members[0] + members[1]):,}" in gap.reason
    assert gap.size_bytes == len(members[2])
    stretches = sum(item.size_bytes for item in found.unread if item.kind == "bytes")
    assert found.bytes_read + stretches == found.size


def test_a_member_with_a_wrong_checksum_is_read_and_told(read: Read) -> None:
    members = [packed(record) for record in PAGES[:3]]
    members[1] = members[1][:-8] + b"\0" * 8
    found = read(b"".join(members), "a.warc.gz")
    assert found.texts == WORDS[:3]
    assert [item.size_bytes for item in found.unread] == [len(members[1])]


# whatever comes


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_byte_of_any_input_is_accounted_for(data: st.DataObject) -> None:
    from io import BytesIO

    parts = st.one_of(
        st.sampled_from(
            [*PAGES[:2], b"WARC/1.0\r\n", b"\r\n\r\n", b"Content-Length: 9\r\n", b"a:"]
        ),
        st.binary(max_size=20),
    )
    content = b"".join(data.draw(st.lists(parts, max_size=8)))
    bound = data.draw(st.integers(1, 400))
    items = list(archive_records(BytesIO(content), bound))
    place = 0
    for item in items:
        assert item.offset == place
        place += item.length
        assert item.length > 0
        assert not isinstance(item, ArchiveRecord) or len(item.block) <= bound
    assert place == len(content)


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=300), cut=st.integers(0, 600))
def test_no_damage_stops_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int
) -> None:
    path: Path = tmp_path_factory.mktemp("warc") / "data.warc"
    path.write_bytes(PAGES[0][:cut] + data + PAGES[0][cut:] + PAGES[1])
    found = read_file(path)
    assert WORDS[1] in found.texts or b"WARC/" in data
    assert not [item.reason for item in found.unread if "cannot be read" in item.reason]


def test_many_marks_cost_no_more_than_their_bytes(read: Read) -> None:
    claim = b"WARC/1.0\r\nContent-Length: 16000000\r\n\r\n"
    found = read(claim * 20_000, "a.warc")
    assert (len(found.fields), found.bytes_read) == (0, found.size)
