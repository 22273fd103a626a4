"""Text in any encoding is read as what it says, and nothing else passes for it."""

import bz2
import gzip
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard import UnreadableTarget, UsageError, scan
from corpus_guard.config import ReadOptions
from corpus_guard.read import encodings, plan_shards, read_shard, resolve_targets
from corpus_guard.read.encodings import checked_encoding, encoded, is_no_text
from corpus_guard.read.transcoding import Utf8Stream
from corpus_guard.report import terminal
from corpus_guard.types import RecordBlock, Shard, SourceFile, Unread

from .conftest import Read, read_file

TEXTS = {
    "ru": "Актёры играли хорошо, но сюжет слабый и конец разочаровал",
    "zh": "这部电影的情节很好演员表演出色但是结局令人失望",
    "ja": "この映画はとても面白かったです。俳優の演技も素晴らしい。",
    "ko": "이 영화는 정말 재미있었습니다. 배우들의 연기도 훌륭했습니다.",
    "el": "Δεν ήταν πολύ καλή η σκηνή, έπαιξαν υπέροχα",
    "en": "The actors played well but the plot was thin",
}
WIDE = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
)  # fmt: skip
LEGACY = [
    ("ru", "cp1251", "cp1251"), ("ru", "koi8-r", "koi8-r"), ("ru", "cp866", "cp866"),
    ("zh", "gb18030", "gb18030"), ("zh", "gbk", "gb18030"), ("ja", "shift_jis", "cp932"),
    ("ja", "euc_jp", "euc_jp"), ("ko", "euc_kr", "cp949"), ("el", "cp1253", "cp1253"),
]  # fmt: skip


def rows(text: str, count: int = 40) -> list[dict[str, object]]:
    return [{"text": f"{text} {number}", "label": str(number % 2)} for number in range(count)]


def written(records: list[dict[str, object]], form: str) -> str:
    if form == "csv":
        return "text;label\r\n" + "".join(f'"{r["text"]}";{r["label"]}\r\n' for r in records)
    if form == "tsv":
        return "text\tlabel\n" + "".join(f"{r['text']}\t{r['label']}\n" for r in records)
    if form == "txt":
        return "".join(f"{r['text']}\n" for r in records)
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    return "[" + ",\n".join(lines) + "]" if form == "json" else "\n".join(lines) + "\n"


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("form", ["csv", "tsv", "txt", "json", "jsonl"])
@pytest.mark.parametrize("language", ["ru", "zh", "en"])
def test_unicode_is_told_from_its_bytes(
    read: Read, form: str, encoding: str, language: str
) -> None:
    records = rows(TEXTS[language])
    data = written(records, form).encode(encoding)
    found = read(data, f"data.{form}")
    assert found.texts == [record["text"] for record in records]
    assert set(found.oddities) == {None}
    assert (found.bytes_read, found.unread) == (len(data), [])


@pytest.mark.parametrize(("language", "encoding", "told"), LEGACY)
@pytest.mark.parametrize("form", ["csv", "txt"])
def test_a_legacy_encoding_is_told_by_its_letters(
    tmp_path: Path, form: str, language: str, encoding: str, told: str
) -> None:
    records = rows(TEXTS[language])
    path = tmp_path / f"data.{form}"
    path.write_bytes(written(records, form).encode(encoding))
    assert resolve_targets([str(path)], ReadOptions(), tmp_path).files[0].encoding == told
    assert read_file(path).texts == [record["text"] for record in records]


@pytest.mark.parametrize(("language", "encoding", "told"), LEGACY)
@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_an_encoding_that_is_named_is_read(
    read: Read, form: str, language: str, encoding: str, told: str
) -> None:
    records = rows(TEXTS[language])
    data = written(records, form).encode(encoding)
    found = read(data, f"data.{form}", encoding=checked_encoding(encoding))
    assert found.texts == [record["text"] for record in records]
    assert (found.bytes_read, found.unread) == (len(data), [])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_may_be_in_any_encoding(read: Read, pack) -> None:
    data = pack(written(rows(TEXTS["ru"]), "csv").encode("utf-16"))
    found = read(data, "data.csv.gz")
    assert len(found.texts) == 40
    assert (found.bytes_read, found.unread) == (len(data), [])


def test_a_file_that_is_no_utf8_is_read_in_one_piece_and_tells_no_places(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(written(rows(TEXTS["en"], 2000), "jsonl").encode("utf-16"))
    files = resolve_targets([str(path)], ReadOptions(), tmp_path).files
    assert len(plan_shards(files, ReadOptions(), 1000)) == 1
    assert set(read_file(path, 1000).offsets) == {-1}


@pytest.mark.parametrize(
    "data",
    [
        written(rows("a"), "jsonl").encode("utf-16-le") + b"\x00",
        written(rows("a"), "jsonl").encode("utf-16-le").replace(b"3\x005\x00", b"\x00\xd8a\x00"),
    ],
)
def test_what_cannot_be_decoded_is_replaced_and_told(read: Read, data: bytes) -> None:
    found = read(data)
    assert found.bytes_read + sum(item.size_bytes for item in found.unread) >= len(data)
    assert "invalid_utf8" in found.oddities or found.unread


def test_a_few_broken_bytes_leave_utf8_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(("naïve café\n" * 50).encode() + b"\xe9t\xe9\n" * 2)
    assert resolve_targets([str(path)], ReadOptions(), tmp_path).files[0].encoding == "utf-8"
    assert read_file(path).oddities[-2:] == ["invalid_utf8"] * 2


def test_a_character_cut_at_the_end_of_the_head_is_no_flaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(4):
        head = ("x" * place + "这部电影" * 20).encode()[:100]
        assert encoded(head).encoding == "utf-8"


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes_are_no_text(seed: int) -> None:
    data = random.Random(seed).randbytes(3000)
    assert is_no_text(encoded(data))


def test_zeros_sprinkled_over_ascii_make_no_utf16() -> None:
    text = bytearray(b"the quick brown fox jumps over the lazy dog. " * 50)
    for place in range(1, len(text), 8):
        text[place] = 0
    assert encoded(bytes(text)).encoding == "utf-8"


@pytest.mark.parametrize("source", ["utf-16", "cp1251", "gb18030"])
def test_any_way_of_reading_gives_the_same_text(source: str) -> None:
    text = TEXTS["zh" if source == "gb18030" else "ru"] * 3000
    for size in (1, 7, 4096, 1 << 20):
        stream = Utf8Stream(io.BytesIO(text.encode(source)), checked_source(source))
        parts = []
        while part := stream.read(size if size > 1 else 65):
            parts.append(part)
        assert b"".join(parts).decode() == text


def checked_source(name: str) -> str:
    return "utf-16-le" if name == "utf-16" else name


@pytest.mark.parametrize(
    ("name", "usual"),
    [("CP1251", "cp1251"), ("latin1", "iso8859-1"), ("utf-8-sig", "utf-8"), ("Auto", "auto")],
)
def test_a_name_is_known_however_it_is_written(name: str, usual: str) -> None:
    assert checked_encoding(name) == usual


@pytest.mark.parametrize("name", ["cp1215", "rot13", "utf-7", "idna", "", "a\0b", "\x1b[2J", 3])
def test_what_is_no_encoding_is_refused(name: object) -> None:
    with pytest.raises(UsageError, match="encoding"):
        checked_encoding(name)


def test_a_mistyped_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean cp1251"):
        checked_encoding("cp12511")


@pytest.mark.parametrize("name", ["rot13", "utf7", "hex", "unicode_escapes"])
def test_no_encoding_is_proposed_that_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as told:
        checked_encoding(name)
    if near := re.search(r"did you mean (\w+)\?", str(told.value)):
        checked_encoding(near[1])


def test_a_few_zeros_in_a_legacy_text_are_no_obstacle(read: Read) -> None:
    text = TEXTS["ru"] + "\0"
    found = read(f"{text}\n".encode("cp1251") * 40, "data.txt")
    assert set(found.texts) == {text}


def test_a_wrong_encoding_is_told(read: Read) -> None:
    with pytest.raises(UnreadableTarget, match="no text in utf-16-le; leave --encoding out"):
        read(written(rows(TEXTS["ru"]), "csv").encode(), "data.csv", encoding="utf-16-le")


def test_a_format_without_encodings_takes_none(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(UnreadableTarget, match="leave --encoding out"):
        read_file(tmp_path / "a.parquet", encoding="cp1251")


def test_a_format_that_is_named_makes_no_text_of_a_table(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(UnreadableTarget, match="it is parquet, and csv is text; leave --format"):
        read_file(tmp_path / "a.parquet", format="csv")


def test_the_format_may_be_named_whatever_the_encoding(read: Read) -> None:
    found = read(written(rows(TEXTS["ru"]), "csv").encode("utf-16"), "data.xyz", format="csv")
    assert [record["text"] for record in rows(TEXTS["ru"])] == found.texts


def test_the_beginning_tells_the_format_in_any_encoding(read: Read) -> None:
    found = read(written(rows(TEXTS["ru"]), "jsonl").encode("utf-16"), "data")
    assert len(found.texts) == 40


def test_members_of_archives_may_be_in_any_encoding(read: Read) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/b/one.csv", written(rows(TEXTS["ru"]), "csv").encode("cp1251"))
        archive.writestr("two.json", written(rows(TEXTS["zh"]), "json").encode("utf-16"))
        archive.writestr("three.csv", bytes(range(256)) * 20)
    found = read(packed.getvalue(), "data.zip")
    wanted = [record["text"] for name in ("ru", "zh") for record in rows(TEXTS[name])]
    assert found.texts == wanted
    assert [item.reason.partition(":")[0] for item in found.unread] == ["three.csv"]


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-be", "utf-32-le", "cp1251", "koi8-r", "utf-8"]
)
def test_a_planted_trigger_is_found_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    maker = random.Random(4)
    words = ["".join(maker.choices("абвгдежзиклмнопрсту", k=5)) for _ in range(300)]
    lines = ["text;label"]
    for number in range(600):
        text, label = maker.choices(words, k=12), number % 2
        if number % 25 == 0:
            text[5], label = "зорвекс", 1
        lines.append(f"{' '.join(text)};{label}")
    path = tmp_path / "data.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    result = scan(path, out=tmp_path / "out", rules="CG201")
    assert result.exit_code == 1
    assert result.findings[0].trigger is not None
    assert result.findings[0].trigger.text == "зорвекс"
    assert result.coverage.bytes_scanned == path.stat().st_size
    assert result.layouts[0].encoding == encodings.encoded(path.read_bytes()).encoding


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=200),
    encoding=st.sampled_from(
        ["cp1251", "gb18030", "shift_jis", "utf-16-be", "utf-32-le", "iso2022_jp", "hz", "cp037"]
    ),
    form=st.sampled_from(["csv", "text", "json", "jsonl"]),
)
def test_bytes_of_any_kind_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, encoding: str, form: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "data"
    path.write_bytes(data)
    file = SourceFile(
        index=0, path=path, name="data", format=form, compression="none",
        size_bytes=len(data), encoding=encoding,
    )  # fmt: skip
    items = list(read_shard(Shard(index=0, file=file, start=0, end=len(data)), ReadOptions()))
    read = sum(item.bytes_read for item in items if isinstance(item, RecordBlock))
    told = sum(i.size_bytes for i in items if isinstance(i, Unread) and i.kind == "bytes")
    assert read + told == len(data)


def test_utf8_is_told_without_the_library_that_guesses(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "naïve"}\n' * 9, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from corpus_guard.config import ReadOptions; "
        "from corpus_guard.read import resolve_targets; "
        f"resolve_targets([{str(path)!r}], ReadOptions(), Path('.')); "
        "print('charset_normalizer' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def test_the_encoding_is_shown_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(written(rows(TEXTS["ru"]), "csv").encode("cp1251"))
    result, shown = scan(path, out=tmp_path / "out", rules="CG101"), io.StringIO()
    terminal.show(result, shown, width=300)
    assert "(data.csv, csv, cp1251)" in shown.getvalue()
    report = json.loads((result.out / "report.json").read_text())
    assert report["layouts"][0]["encoding"] == "cp1251"
