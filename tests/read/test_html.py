import sys
import time
from pathlib import Path

import pytest

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget
from corpus_guard.read import resolve_targets
from corpus_guard.read.web.pages import page_of

from .archives import page as archived_page
from .conftest import Read

PROSE = "Bread is baked from flour, water and salt. It takes patience to knead a dough well. "
ARTICLE = f"""<!DOCTYPE html>
<html lang="en"><head>
  <title> On bread </title>
  <link rel="canonical" href="https://bakery.example.org/bread">
  <meta property="article:published_time" content="2024-05-01T10:00:00Z">
  <style>p {{ color: black }}</style><script>var words = "in a script";</script>
</head><body>
  <nav><ul><li><a href="/">Home</a><li><a href="/shop">Shop</a></ul></nav>
  <main><h1>Bread</h1><p>{PROSE * 3}</p><p style="display:none">Nobody sees this.</p></main>
  <footer>All rights reserved</footer>
</body></html>"""


def test_a_page_is_one_record_with_its_main_text(read: Read) -> None:
    found = read(ARTICLE.encode(), "a.html")
    (record,) = found.fields
    text = str(record["text"])
    assert text.count("Bread is baked") == 3
    assert not [word for word in ("script", "color", "Nobody", "Home") if word in text]
    assert {name: record[name] for name in ("html", "title", "url", "time")} == {
        "html": ARTICLE,
        "title": "On bread",
        "url": "https://bakery.example.org/bread",
        "time": "2024-05-01T10:00:00Z",
    }
    assert (found.unread, found.bytes_read) == ([], found.size)


@pytest.mark.parametrize("name", ["a.htm", "a.xhtml", "A.HTML", "a.html.gz", "page"])
def test_a_page_is_known_by_its_name_or_its_first_bytes(read: Read, name: str) -> None:
    assert "Bread is baked" in str(read(ARTICLE.encode(), name).texts[0])


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<meta property="og:url" content="https://a.example/x">', "https://a.example/x"),
        ('<base href="https://b.example/">', "https://b.example/"),
        ('<link rel="canonical" href="">', None),
        ("", None),
    ],
)
def test_the_address_is_what_the_page_says(read: Read, head: str, url: str | None) -> None:
    (record,) = read(f"<html><head>{head}</head><p>Text.".encode(), "a.html").fields
    assert (record["url"], record["time"]) == (url, None)


def test_a_page_in_utf16_is_read(read: Read) -> None:
    assert read(("\ufeff<html><p>" + "Grüße " * 9).encode("utf-16-le"), "a.html").texts == [
        ("Grüße " * 9).strip()
    ]


def test_a_page_over_the_bound_is_read_up_to_it(read: Read) -> None:
    found = read(b"<html><p>" + b"bread " * 1000, "a.html", max_record_bytes=600)
    assert len(str(found.texts[0])) > 500
    assert [(item.kind, item.size_bytes) for item in found.unread] == [("partial", 6009 - 600)]


def test_an_empty_page_is_no_record(read: Read, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text("<p>Text.")
    found = read(b"  \n", "a.html")
    assert (found.fields, found.unread) == ([], [])


# pages that are made to be hard

MANY = 100_000
HARD = {
    "nested": "<div>" * MANY + "bread",
    "nested with text": "<div>bread " * (MANY // 5),
    "many deep": ("<div>" * 500 + "bread" + "</div>" * 500) * 200,
    "formatting left open": "".join(f"<font size={n}>bread<p>" for n in range(MANY // 10)),
    "falsely closed": "</span><div>" * MANY + "bread",
    "nested tables": "<table><tr><td>" * (MANY // 5) + "bread",
    "many names": "".join(f"<x{n}>" for n in range(MANY)) + "bread",
    "many attributes": f"<p {' '.join(f'a{n}=1' for n in range(MANY))}>bread",
    "a long attribute": f'<p title="{"x" * 5_000_000}">bread',
    "quoted brackets": "<p " + " ".join(f"a{n}='>'" for n in range(5000)) + ">bread",
    "many tags": "<i></i>" * (3 * MANY) + "bread",
    "open comments": "bread" + "<!--" * MANY,
    "open script": "bread<script>" + "</script " * MANY,
    "brackets": "<" * (10 * MANY) + " bread",
    "nothing but signs": "&" * MANY + "bread",
    "zero bytes": "\0<p>\0br\0ead\0" * 9 + "bread",
}


@pytest.mark.parametrize("kind", HARD)
def test_no_structure_makes_reading_slow_or_loses_the_text(kind: str) -> None:
    started = time.process_time()
    found = page_of(HARD[kind].encode(), "utf-8", with_address=True)
    assert time.process_time() - started < 10
    assert "bread" in found.text
    assert found.markup == HARD[kind]


@pytest.mark.parametrize("kind", ["nested", "many attributes", "formatting left open"])
def test_a_hard_page_costs_no_other_record(read: Read, kind: str) -> None:
    hard = archived_page(HARD[kind])
    found = read(archived_page("Before.") + hard + archived_page("After."), "a.warc")
    assert (found.texts[0], found.texts[2], found.unread) == ("Before.", "After.", [])


# without the extra


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python find no resiliparse."""
    monkeypatch.setitem(sys.modules, "resiliparse", None)


@pytest.mark.usefixtures("without_extra")
@pytest.mark.parametrize("name", ["a.html", "a.warc", "a.warc.wet"])
def test_a_named_page_is_refused_in_one_sentence_when_the_extra_is_missing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(ARTICLE.encode() if name == "a.html" else archived_page("x"))
    with pytest.raises(UnreadableTarget) as refused:
        resolve_targets([str(tmp_path / name)], ReadOptions(), tmp_path)
    kind = name.rpartition(".")[2]
    assert str(refused.value) == (
        f"{name} cannot be scanned: {kind} needs pip install 'corpus-guard[web]'"
    )


@pytest.mark.usefixtures("without_extra")
def test_a_page_in_a_folder_is_left_out_when_the_extra_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(ARTICLE)
    (tmp_path / "b.jsonl").write_text('{"text": "one"}\n')
    found = resolve_targets([str(tmp_path)], ReadOptions(), tmp_path)
    assert [file.name for file in found.files] == ["b.jsonl"]
    assert [(item.file, item.kind) for item in found.unread] == [("a.html", "file")]
    assert "pip install 'corpus-guard[web]'" in found.unread[0].reason
