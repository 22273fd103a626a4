"""Zip and tar archives: each member by the reader of its ending, whatever happens to the others."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .conftest import Read, Reading

LINES = b'{"text": "heron"}\n{"text": "brass"}\n'
JSON_LIST = b'[{"text": "owl"}]'


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return made.getvalue()


def tarred(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members:
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return made.getvalue()


def reasons(found: Reading) -> list[str]:
    assert (
        found.bytes_read + sum(u.size_bytes for u in found.unread if u.kind == "bytes")
        == found.size
    )
    return [item.reason for item in found.unread]


def table() -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.table({"text": ["wren"]}), made)
    return made.getvalue()


MEMBERS = (
    ("a.jsonl", LINES),
    ("sub/b.json", JSON_LIST),
    ("c.parquet", table()),
    ("d.csv", b"text\nfinch\n"),
)
ALL = ["heron", "brass", "owl", "wren", "finch"]


@pytest.mark.parametrize(("name", "pack"), [("data.zip", zipped), ("data.tar", tarred)])
def test_the_records_of_all_members_are_numbered_through(
    read: Read, name: str, pack: object
) -> None:
    found = read(pack(*MEMBERS), name)  # type: ignore[operator]
    assert (found.texts, found.rows, reasons(found)) == (ALL, list(range(5)), [])


def test_a_packed_tar_is_read(read: Read) -> None:
    import gzip

    for name in ("data.tar.gz", "data.tgz"):
        found = read(gzip.compress(tarred(*MEMBERS)), name)
        assert (found.texts, reasons(found)) == (ALL, [])


@pytest.mark.parametrize(("name", "pack"), [("data.zip", zipped), ("data.tar", tarred)])
def test_what_is_no_data_is_told_once_a_kind(read: Read, name: str, pack: object) -> None:
    pictures = [(f"{n}.png", b"\x89PNG\0") for n in range(9)]
    found = read(pack(*pictures, ("a.jsonl", LINES), ("in.zip", zipped())), name)  # type: ignore[operator]
    assert found.texts == ["heron", "brass"]
    assert [why.split(":")[0] for why in reasons(found)] == ["0.png", "in.zip"]
    assert "8 more like it" in found.unread[0].reason


@pytest.mark.parametrize(("name", "pack"), [("data.zip", zipped), ("data.tar", tarred)])
def test_a_malformed_record_in_a_member_costs_no_other(read: Read, name: str, pack: object) -> None:
    found = read(pack(("a.jsonl", b"{broken\n" + LINES), ("b.json", JSON_LIST)), name)  # type: ignore[operator]
    assert (found.texts, found.rows) == (["heron", "brass", "owl"], [1, 2, 3])
    assert [(item.kind, item.row) for item in found.unread] == [("record", 0)]
    assert reasons(found)[0].startswith("a.jsonl: malformed JSON")


def test_a_damaged_member_costs_only_itself(read: Read) -> None:
    data = bytearray(zipped(("a.jsonl", LINES * 50), ("b.json", JSON_LIST)))
    data[50:60] = b"\xff" * 10
    found = read(bytes(data), "data.zip")
    assert "owl" in found.texts
    assert "damaged" in reasons(found)[-1]


def test_a_member_that_unpacks_out_of_proportion_is_cut(read: Read) -> None:
    bomb = zipped(("a.txt", b"x" * (300 << 20)), ("b.json", JSON_LIST))
    found = read(bomb, "data.zip")
    assert any("looks like a bomb" in why for why in reasons(found))


def test_many_members_unpack_no_further_than_one_may(read: Read) -> None:
    bomb = zipped(*((f"{n}.txt", b"x" * (100 << 20)) for n in range(5)))
    assert sum("looks like a bomb" in why for why in reasons(read(bomb, "data.zip"))) == 3


def test_encrypted_members_are_told(read: Read) -> None:
    data = zipped(("a.jsonl", LINES), packing=zipfile.ZIP_STORED)
    central = data.index(b"PK\x01\x02")
    flagged = data[:6] + b"\x01" + data[7 : central + 8] + b"\x01" + data[central + 9 :]
    found = read(flagged, "data.zip")
    assert found.texts == []
    assert "encrypted" in reasons(found)[0]


def test_two_members_of_one_name_are_both_read(read: Read) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped(("a.json", JSON_LIST), ("a.json", b'[{"text": "wren"}]'))
    assert read(data, "data.zip").texts == ["owl", "wren"]


def test_bytes_that_belong_to_no_member_are_told(read: Read) -> None:
    shown, hidden = zipped(("a.jsonl", LINES)), zipped(("b.jsonl", LINES * 99))
    found = read(hidden[: hidden.index(b"PK\x01\x02")] + shown, "data.zip")
    assert found.texts == ["heron", "brass"]
    assert "belong to no member" in reasons(found)[0]


def test_what_follows_the_end_of_a_tar_is_told(read: Read) -> None:
    first = tarred(("a.jsonl", LINES))
    assert reasons(read(first + bytes(20_000), "data.tar")) == []
    for filler in (b"", bytes(20_000)):
        found = read(first + filler + tarred(("b.jsonl", LINES)), "data.tar")
        assert found.texts == ["heron", "brass"]
        assert "follows its end" in reasons(found)[0]


@pytest.mark.parametrize("keep", [100, 600, 1100, 1600, 2600])
def test_a_cut_tar_is_told(read: Read, keep: int) -> None:
    data = tarred(("a.jsonl", LINES), ("b.json", JSON_LIST), ("c.jsonl", LINES * 20))[:keep]
    assert reasons(read(data, "data.tar"))


@pytest.mark.parametrize("keep", [10, 100, -30, -4])
def test_a_cut_zip_is_told(read: Read, keep: int) -> None:
    assert reasons(read(zipped(("a.jsonl", LINES), ("b.json", JSON_LIST))[:keep], "data.zip"))


def test_members_of_one_name_are_one_record(read: Read) -> None:
    parts = [
        (f"{n}.{ending}", data)
        for n in range(3)
        for ending, data in (
            ("txt", b"caption %d" % n),
            ("json", b'{"n": %d}' % n),
            ("jpg", b"\xff\0"),
        )
    ]
    found = read(tarred(*parts), "data.tar")
    assert found.fields == [{"txt": f"caption {n}", "json": {"n": n}} for n in range(3)]
    assert ["jpg" in why for why in reasons(found)] == [True]


def test_links_and_devices_are_told(read: Read) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        link = tarfile.TarInfo("a.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert "a link" in reasons(read(made.getvalue(), "data.tar"))[0]


def test_a_part_nested_deep_is_kept_as_text(read: Read) -> None:
    deep = json.dumps({"a": "x"}).encode() + b"[" * 100_000
    found = read(tarred(("a.txt", b"x"), ("a.json", deep)), "data.tar")
    assert found.fields == [{"txt": "x", "json": deep.decode()}]


def test_files_of_many_records_are_no_parts_of_one(read: Read) -> None:
    table = b"text\nfinch\n"
    found = read(tarred(("d/a.jsonl", LINES), ("d/a.csv", table), ("d/a.json", JSON_LIST)), "a.tar")
    assert found.texts == ["heron", "brass", "finch", "owl"]
    assert reasons(found) == []


def test_a_json_object_that_holds_the_text_gives_its_fields(read: Read) -> None:
    parts = [
        ("1.json", b'{"caption": "heron", "n": 1}'),
        ("1.cls", b"3"),
        ("2.json", b'{"cls": 4}'),
    ]
    found = read(tarred(*parts, ("2.cls", b"3")), "data.tar")
    assert found.fields == [
        {"caption": "heron", "n": 1, "cls": "3"}, {"json": {"cls": 4}, "cls": "3"}
    ]  # fmt: skip


def test_parts_may_be_in_any_encoding(read: Read) -> None:
    text = "Актёры играли хорошо, но сюжет слабый"
    parts = [("1.txt", text.encode("cp1251")), ("1.json", '{"a": "b"}'.encode("utf-16"))]
    found = read(tarred(*parts, ("2.txt", b"caf\xe9 x"), ("2.cls", b"1")), "data.tar")
    assert found.fields == [{"txt": text, "json": {"a": "b"}}, {"txt": "caf\ufffd x", "cls": "1"}]
    assert found.oddities == [None, "invalid_utf8"]


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
@pytest.mark.parametrize(("name", "pack"), [("data.zip", zipped), ("data.tar", tarred)])
def test_packed_members_are_unpacked(read: Read, name: str, pack: object, ending: str) -> None:
    packing = {"gz": gzip, "bz2": bz2, "xz": lzma}[ending].compress
    data = pack(("a/b.jsonl." + ending, packing(LINES)), ("c.jsonl", LINES))  # type: ignore[operator]
    found = read(data, name)
    assert found.texts == ["heron", "brass"] * 2
    assert reasons(found) == []


def test_a_packed_member_that_is_damaged_is_told(read: Read) -> None:
    whole = b"".join(gzip.compress(LINES * 99) for _ in range(3))
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 255
    for data in (bytes(broken), whole[:-20]):
        found = read(zipped(("a.jsonl.gz", data), ("b.jsonl", LINES)), "data.zip")
        assert "damaged" in reasons(found)[-1]
        assert found.texts[-2:] == ["heron", "brass"]


def test_a_packed_member_unpacks_no_further_than_one_may(read: Read) -> None:
    bomb = gzip.compress(gzip.compress(bytes(1 << 20)) + bytes(600 << 20), 1)
    found = read(zipped(("a.jsonl.gz", bomb)), "data.zip")
    assert any("bomb" in why or "no text" in why for why in reasons(found))
