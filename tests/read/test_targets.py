import bz2
import gzip
import io
import lzma
import os
import pickle
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import HARD

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.read import Resolved, resolve_targets

LINE = b'{"text": "one"}\n'
TABLE = b"text,label\none,good\n"
HOSTILE = "a\x1b[2J\u202e\u200b.jsonl"
Resolve = Callable[..., Resolved]

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder `data` in the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def resolve(folder: Path) -> Resolve:
    """Return a function that resolves targets, by default the folder."""

    def resolved(*targets: str | Path, **options: str) -> Resolved:
        wanted = ReadOptions(**options)  # type: ignore[arg-type]
        names = [str(target) for target in targets or [folder]]
        return resolve_targets(names, wanted, folder.parent)

    return resolved


def put(folder: Path, *names: str, data: bytes = LINE) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def names_of(resolved: Resolved) -> list[str]:
    return [file.name for file in resolved.files]


def left_out(resolved: Resolved) -> dict[str, str]:
    return {unread.file: unread.reason for unread in resolved.unread}


def parquet(path: Path) -> Path:
    pq.write_table(pa.table({"text": ["one"]}), path)
    return path


# files


def test_a_file_is_named_by_its_last_part(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    found = resolve("data/a.jsonl")
    assert [(f.index, f.name, f.size_bytes) for f in found.files] == [(0, "a.jsonl", len(LINE))]
    assert (found.name, found.unread) == ("data/a.jsonl", ())


def test_several_files_are_named_as_they_were_given(resolve: Resolve, folder: Path) -> None:
    put(folder, "x/a.jsonl", "y/a.jsonl")
    found = resolve("data/y/a.jsonl", "data/x/a.jsonl")
    assert [(f.index, f.name) for f in found.files] == [
        (0, "data/y/a.jsonl"),
        (1, "data/x/a.jsonl"),
    ]
    assert found.name == "2 targets"


def test_several_folders_give_their_files_distinct_names(resolve: Resolve, folder: Path) -> None:
    put(folder, "x/a.jsonl", "y/a.jsonl")
    assert names_of(resolve("data/x", "data/y")) == ["data/x/a.jsonl", "data/y/a.jsonl"]


def test_a_named_link_is_followed_wherever_it_leads(resolve: Resolve, folder: Path) -> None:
    put(folder, "../outside.jsonl")
    (folder / "link.jsonl").symlink_to("../outside.jsonl")
    assert names_of(resolve("data/link.jsonl")) == ["link.jsonl"]


def test_a_folder_behind_a_named_link_is_scanned(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    Path("link").symlink_to("data")
    assert names_of(resolve("link")) == ["a.jsonl"]


def test_an_existing_file_is_no_pattern(resolve: Resolve, folder: Path) -> None:
    put(folder, "a[1].jsonl", "a1.jsonl")
    assert names_of(resolve("data/a[1].jsonl")) == ["a[1].jsonl"]


# folders


def test_a_folder_gives_all_its_files_sorted_by_their_paths(resolve: Resolve, folder: Path) -> None:
    put(folder, "b.jsonl", "a/z.jsonl", "a.jsonl", "a/b/c/d.jsonl", "B.jsonl", ".hidden.jsonl")
    found = resolve()
    names = [".hidden.jsonl", "B.jsonl", "a.jsonl", "a/b/c/d.jsonl", "a/z.jsonl", "b.jsonl"]
    assert names_of(found) == names
    assert [file.index for file in found.files] == [0, 1, 2, 3, 4, 5]


def test_the_order_in_which_files_were_made_does_not_matter(resolve: Resolve, folder: Path) -> None:
    names = [f"{letter}/{number}.jsonl" for letter in "pqrs" for number in range(5)]
    put(folder / "x", *names)
    put(folder / "y", *reversed(names))
    assert names_of(resolve("data/x")) == names_of(resolve("data/y")) == sorted(names)


def test_a_trailing_slash_changes_no_name(resolve: Resolve, folder: Path) -> None:
    put(folder, "a/b.jsonl")
    assert names_of(resolve("data/")) == names_of(resolve("./data")) == ["a/b.jsonl"]


@pytest.mark.parametrize("passed_over", [".git", ".corpus_guard", "__pycache__"])
def test_a_folder_that_is_no_data_is_passed_over(
    resolve: Resolve, folder: Path, passed_over: str
) -> None:
    put(folder, "a.jsonl", f"{passed_over}/b.jsonl", f"c/{passed_over}/d.jsonl")
    found = resolve()
    assert (names_of(found), found.unread) == (["a.jsonl"], ())


def test_a_very_deep_folder_is_no_crash(resolve: Resolve, folder: Path) -> None:
    levels = [folder / ("a/" * depth) for depth in range(1050)]
    for level in levels[1:]:
        level.mkdir()
    put(levels[-1], "deep.jsonl")
    try:
        assert len(names_of(resolve())) == 1
        assert len(names_of(resolve("data/**/*.jsonl"))) == 1
    finally:
        (levels[-1] / "deep.jsonl").unlink()
        for level in levels[:0:-1]:  # how pytest cleans up is recursive
            level.rmdir()


# patterns


def test_a_pattern_gives_the_files_that_match(resolve: Resolve, folder: Path) -> None:
    put(folder, "b.jsonl", "a.jsonl", "c.csv", "d/e.jsonl")
    found = resolve("data/*.jsonl")
    assert names_of(found) == ["data/a.jsonl", "data/b.jsonl"]
    assert (found.name, found.unread) == ("data/*.jsonl", ())


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("data/**/*.jsonl", ["a.jsonl", "d/b.jsonl", "d/e/c.jsonl"]),
        ("data/**", ["a.jsonl", "d/b.jsonl", "d/e/c.jsonl", "d/t.csv"]),
        ("data/**/**", ["a.jsonl", "d/b.jsonl", "d/e/c.jsonl", "d/t.csv"]),
        ("data/**/e/*", ["d/e/c.jsonl"]),
        ("data/**/e", ["d/e/c.jsonl"]),
        ("data/*/**", ["d/b.jsonl", "d/e/c.jsonl", "d/t.csv"]),
        ("data/*", ["a.jsonl", "d/b.jsonl", "d/e/c.jsonl", "d/t.csv"]),
        ("data/**.jsonl", ["a.jsonl"]),
        ("data/?.jsonl", ["a.jsonl"]),
        ("data/[ab].jsonl", ["a.jsonl"]),
        ("data/d/.[h]*", ["d/.hidden.jsonl"]),
        ("dat?/d/*.csv", ["d/t.csv"]),
        ("data/../data/*.jsonl", ["../data/a.jsonl"]),
    ],
)
def test_a_pattern_means_what_it_means_to_a_shell(
    resolve: Resolve, folder: Path, pattern: str, names: list[str]
) -> None:
    put(folder, "a.jsonl", "d/b.jsonl", "d/e/c.jsonl", ".x/d.jsonl")
    put(folder, "d/t.csv", data=TABLE)
    if "h" in pattern:
        put(folder, "d/.hidden.jsonl")
    assert names_of(resolve(pattern)) == [f"data/{name}" for name in names]


def test_a_pattern_may_be_absolute(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    assert names_of(resolve(folder / "*.jsonl")) == [str(folder / "a.jsonl")]


def test_a_file_that_a_pattern_matches_may_be_left_out(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    put(folder, "b.png", data=bytes(range(32)) * 9)
    assert left_out(resolve("data/*")) == {"data/b.png": "a binary file of no known format"}


def test_links_that_lead_up_do_not_multiply_a_patterns_files(
    resolve: Resolve, folder: Path
) -> None:
    put(folder, "d/a.jsonl")
    for name in "xyz":
        (folder / "d" / name).symlink_to("..")
    assert names_of(resolve("data/**/*.jsonl")) == ["data/d/a.jsonl"]


@pytest.mark.parametrize("pattern", ["data/*.parquet", "other/**", "[", "data/**/none", "*\0"])
def test_a_pattern_without_a_match_is_told(resolve: Resolve, folder: Path, pattern: str) -> None:
    put(folder, "a.jsonl")
    with pytest.raises(UnreadableTarget, match=r"no file matches .*; check the pattern"):
        resolve(pattern)


# links and what is no file


def test_a_link_out_of_a_folder_is_not_followed(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl", "../outside/secret.jsonl")
    (folder / "file.jsonl").symlink_to("../outside/secret.jsonl")
    (folder / "folder").symlink_to("../outside")
    (folder / "absolute").symlink_to("/etc/hostname")
    found = resolve()
    assert names_of(found) == ["a.jsonl"]
    assert left_out(found) == dict.fromkeys(
        ("absolute", "file.jsonl", "folder"), "a symbolic link out of the target; not followed"
    )


def test_a_link_out_of_a_patterns_folder_is_not_followed(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl", "../outside/secret.jsonl")
    (folder / "b.jsonl").symlink_to("../outside/secret.jsonl")
    (folder / "c").symlink_to("../outside")
    for pattern in ("data/*", "data/**"):
        found = resolve(pattern)
        assert names_of(found) == ["data/a.jsonl"]
        assert set(left_out(found)) == {"data/b.jsonl", "data/c"}


def test_a_file_that_a_link_leads_to_as_well_is_read_once(resolve: Resolve, folder: Path) -> None:
    put(folder, "d/b.jsonl")
    (folder / "a.jsonl").symlink_to("d/b.jsonl")
    (folder / "e").symlink_to("d")
    (folder / "up").symlink_to(".")
    found = resolve()
    assert (names_of(found), found.unread) == (["d/b.jsonl"], ())


def test_a_link_to_a_file_that_is_passed_over_is_read(resolve: Resolve, folder: Path) -> None:
    put(folder, ".git/annex/objects/x.jsonl")
    (folder / "a.jsonl").symlink_to(".git/annex/objects/x.jsonl")
    assert names_of(resolve()) == ["a.jsonl"]


def test_a_link_whose_name_tells_the_format_is_read(resolve: Resolve, folder: Path) -> None:
    put(folder, "blobs/0a1b", data=TABLE)
    (folder / "a.csv").symlink_to("blobs/0a1b")
    assert names_of(resolve()) == ["a.csv"]


@pytest.mark.parametrize("end", ["nowhere", "link"])
def test_a_link_that_leads_nowhere_is_left_out(resolve: Resolve, folder: Path, end: str) -> None:
    put(folder, "a.jsonl")
    (folder / "link").symlink_to(end)
    assert left_out(resolve())["link"].startswith("cannot be opened (")


@pytest.mark.parametrize("target", [None, "data/*"])
def test_what_is_no_file_is_left_out_and_never_opened(
    resolve: Resolve, folder: Path, monkeypatch: pytest.MonkeyPatch, target: str | None
) -> None:
    put(folder, "a.jsonl")
    os.mkfifo(folder / "fifo.jsonl")
    (folder / "link.jsonl").symlink_to("fifo.jsonl")
    with socket.socket(socket.AF_UNIX) as listening, monkeypatch.context() as here:
        here.chdir(folder)  # a socket's path must be short
        listening.bind("socket.jsonl")
        here.undo()
        found = resolve(*([target] if target else []))
    reasons = {name.removeprefix("data/"): reason for name, reason in left_out(found).items()}
    assert reasons == dict.fromkeys(("fifo.jsonl", "socket.jsonl"), "not a regular file")
    assert len(found.files) == 1


def test_a_named_pipe_is_refused(resolve: Resolve, folder: Path) -> None:
    os.mkfifo(folder / "fifo.jsonl")
    with pytest.raises(UnreadableTarget, match="neither a file nor a folder"):
        resolve("data/fifo.jsonl")


# standard input


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_a_dash_stands_for_the_standard_input(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, LINE)
    found = resolve("-")
    assert [(f.name, f.format, f.path.read_bytes()) for f in found.files] == [
        ("<stdin>", "jsonl", LINE)
    ]
    assert found.name == "<stdin>"


def test_the_standard_input_may_be_compressed(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, gzip.compress(LINE))
    assert [(f.format, f.compression) for f in resolve("-").files] == [("jsonl", "gzip")]


def test_the_standard_input_may_stand_beside_files(
    resolve: Resolve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "a.jsonl")
    pipe(monkeypatch, LINE)
    assert names_of(resolve("data/a.jsonl", "-")) == ["data/a.jsonl", "<stdin>"]


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "is empty"), (b"just words", "no known format.*name its --format")],
)
def test_a_standard_input_that_cannot_be_scanned_is_told(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, data: bytes, told: str
) -> None:
    pipe(monkeypatch, data)
    with pytest.raises(UnreadableTarget, match=told):
        resolve("-")


def test_the_standard_input_cannot_be_read_twice(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, LINE)
    with pytest.raises(UsageError, match="only once"):
        resolve("-", "-")


# formats

NAMED = {
    "a.jsonl": "jsonl",
    "a.ndjson": "jsonl",
    "a.json": "json",
    "a.csv": "csv",
    "a.tsv": "tsv",
    "a.tab": "tsv",
    "a.txt": "text",
    "a.md": "markdown",
    "A.JSONL": "jsonl",
    "a.b.c.Csv": "csv",
    "a..csv": "csv",
    "..csv": "csv",
}


@pytest.mark.parametrize("name", NAMED)
def test_the_extension_tells_the_format(resolve: Resolve, folder: Path, name: str) -> None:
    put(folder, name, data=b"no more than words")
    assert [file.format for file in resolve().files] == [NAMED[name]]


PACK: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("compression", PACK)
@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst", ".GZ", ""])
def test_magic_bytes_tell_the_compression_whatever_the_suffix(
    resolve: Resolve, folder: Path, compression: str, suffix: str
) -> None:
    put(folder, f"a.csv{suffix}", data=PACK[compression](TABLE))
    assert [(f.format, f.compression) for f in resolve().files] == [("csv", compression)]


def test_a_compressed_name_alone_compresses_nothing(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.csv.gz", data=TABLE)
    assert [(f.format, f.compression) for f in resolve().files] == [("csv", "none")]


def test_a_damaged_compressed_file_is_still_offered_to_its_reader(
    resolve: Resolve, folder: Path
) -> None:
    put(folder, "a.jsonl.gz", data=gzip.compress(LINE)[:12])
    assert [(f.format, f.compression) for f in resolve().files] == [("jsonl", "gzip")]


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a.csv", "a", "a.bin"])
def test_magic_bytes_tell_parquet_whatever_the_name(
    resolve: Resolve, folder: Path, name: str
) -> None:
    parquet(folder / name)
    assert [file.format for file in resolve().files] == ["parquet"]


def test_a_name_alone_makes_no_parquet(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.parquet", data=LINE)
    assert [file.format for file in resolve().files] == ["jsonl"]


BEGINNINGS = {
    b'{"text": "one"}\n{"text": "two"}\n': "jsonl",
    b'{"text": "one"}': "jsonl",
    b'{"text": "one"}\r\n{"text": "two"}\r\n': "jsonl",
    b'\xef\xbb\xbf{"text": "one"}\n': "jsonl",
    b'\n \t{"text": "one"}\n': "jsonl",
    b'[{"text": "one"}]': "json",
    b'  [\n  {"text": "one"}\n]': "json",
    b'{\n  "text": "one"\n}\n': "json",
    b'{"rows": [\n{"text": "one"}\n]}': "json",
    b" \n\n": "text",
}


@pytest.mark.parametrize("data", BEGINNINGS)
@pytest.mark.parametrize("name", ["a", "a.data", "a.parquet"])
def test_the_beginning_tells_the_format_where_the_name_does_not(
    resolve: Resolve, folder: Path, name: str, data: bytes
) -> None:
    put(folder, name, data=data)
    assert [file.format for file in resolve().files] == [BEGINNINGS[data]]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a", "a.pkl", "README"])
def test_the_user_may_name_the_format(resolve: Resolve, folder: Path, name: str) -> None:
    put(folder, name)
    assert [f.format for f in resolve(f"data/{name}", format="jsonl").files] == ["jsonl"]


def test_an_unknown_format_is_answered_with_the_known_ones(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    with pytest.raises(UsageError, match=r'"xslx" is not known; give auto or one of .*jsonl'):
        resolve(format="xslx")


# what is left out


@pytest.mark.parametrize(
    "name", ["README", "README.md", "readme.rst", "LICENSE", "d/Licence", "NOTICE", "CITATION.cff"]
)
def test_a_companion_is_passed_over_beside_data_only(
    resolve: Resolve, folder: Path, name: str
) -> None:
    put(folder, name, data=b"About this data set.\n")
    alone = resolve()
    read_as = "markdown" if name.endswith(".md") else "text"
    assert {file.name: file.format for file in alone.files} == {name: read_as}
    put(folder, "a.jsonl")
    found = resolve()
    assert [file.name for file in found.files] == ["a.jsonl"]
    assert (found.unread, found.passed_over) == ((), (name,))


def test_a_companion_that_is_named_is_scanned(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    put(folder, "README.md", data=b"About this data set.\n")
    found = resolve(folder / "a.jsonl", folder / "README.md")
    assert [file.format for file in found.files] == ["jsonl", "markdown"]


@pytest.mark.parametrize("name", ["readme_data.jsonl", "license.jsonl", "notice.csv"])
def test_data_with_the_name_of_a_companion_is_data(
    resolve: Resolve, folder: Path, name: str
) -> None:
    put(folder, "a.jsonl")
    put(folder, name)
    assert len(resolve().files) == 2


@pytest.mark.parametrize("name", [".git", "__pycache__", ".corpus_guard"])
def test_the_folder_of_a_tool_is_passed_over_and_told(
    resolve: Resolve, folder: Path, name: str
) -> None:
    put(folder, "a.jsonl")
    put(folder, f"d/{name}/b.jsonl")
    found = resolve()
    assert [file.name for file in found.files] == ["a.jsonl"]
    assert found.passed_over == (f"d/{name}/",)


@pytest.mark.parametrize("name", ["a.py", "a.pkl", "a.sh.gz"])
def test_a_format_that_is_named_reads_no_code_in_a_folder(
    resolve: Resolve, folder: Path, name: str
) -> None:
    put(folder, "a.txt")
    put(folder, name)
    found = resolve(format="jsonl")
    assert [(file.name, file.format) for file in found.files] == [("a.txt", "jsonl")]
    assert [lost.file for lost in found.unread] == [name]


class Trap:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.pt", "a.joblib", "a.PKL.GZ", "d/a.bin"])
def test_a_pickle_is_listed_and_never_loaded(resolve: Resolve, folder: Path, name: str) -> None:
    put(folder, "a.jsonl")
    put(folder, name, data=pickle.dumps(Trap(folder / "sprung")))
    found = resolve()
    assert names_of(found) == ["a.jsonl"]
    assert left_out(found) == {
        name: "code or a pickled object; never run or loaded, and no data format"
    }
    assert found.unread[0].size_bytes == (folder / name).stat().st_size
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize("name", ["load.py", "get.sh", "look.ipynb", "__init__.py"])
def test_code_is_listed_and_never_run(resolve: Resolve, folder: Path, name: str) -> None:
    put(folder, "a.jsonl")
    put(folder, name, data=b'{"text": "raise SystemExit"}\n')
    assert left_out(resolve()).keys() == {name}


BINARY = {
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "zeros": bytes(64),
    "zeros in a text": b"t\0ext\n\0\0" * 9,
    "no UTF-8": bytes(range(128, 256)) * 2,
}


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("name", ["a", "a.csv"])
def test_a_binary_file_in_a_folder_is_left_out(
    resolve: Resolve, folder: Path, name: str, kind: str
) -> None:
    put(folder, "z.jsonl")
    put(folder, name, data=BINARY[kind])
    found = resolve()
    assert names_of(found) == ["z.jsonl"]
    assert found.unread[0].reason.startswith("a binary file of no known format")
    assert [(u.file, u.kind, u.size_bytes) for u in found.unread] == [
        (name, "file", len(BINARY[kind]))
    ]


@pytest.mark.parametrize("kind", BINARY)
def test_a_binary_file_that_is_named_is_refused(resolve: Resolve, folder: Path, kind: str) -> None:
    put(folder, "a.csv", data=BINARY[kind])
    with pytest.raises(UnreadableTarget, match=r"a\.csv cannot be scanned: a binary file"):
        resolve("data/a.csv")


@pytest.mark.parametrize(
    "data",
    [
        b'{"text": "\x01"}\n',
        b'{"text": "\x00\x1b[2J"}\n',
        b"\xe9t\xe9",
        "naïve café".encode("latin-1") * 9,
        b"\x1b[31mred\x1b[0m" * 9,
        *(text.encode() for text in HARD if text.strip()),
    ],
)
def test_odd_text_is_not_binary(resolve: Resolve, folder: Path, data: bytes) -> None:
    put(folder, "a.txt", data=data)
    assert names_of(resolve()) == ["a.txt"]


def test_a_file_of_no_known_format_is_left_out(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    put(folder, "b.xyz", data=b"just words\n")
    assert left_out(resolve()) == {"b.xyz": "no known format"}


def test_an_empty_file_beside_others_is_no_loss(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    put(folder, "b.jsonl", "c", data=b"")
    found = resolve()
    assert (names_of(found), found.unread) == (["a.jsonl", "b.jsonl", "c"], ())


# refusals


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a"])
def test_an_empty_file_is_refused(resolve: Resolve, folder: Path, name: str) -> None:
    put(folder, name, data=b"")
    with pytest.raises(UnreadableTarget, match="is empty; there is nothing to scan"):
        resolve(f"data/{name}")


def test_an_empty_folder_is_refused(resolve: Resolve, folder: Path) -> None:
    with pytest.raises(UnreadableTarget, match="data holds no files"):
        resolve("data")


def test_a_folder_with_nothing_readable_is_refused_with_an_example(
    resolve: Resolve, folder: Path
) -> None:
    put(folder, "a.pkl", "b.py")
    put(folder, "c.jsonl", data=b"")
    with pytest.raises(UnreadableTarget, match=r"holds nothing .*\(a.pkl: code or a pickled"):
        resolve()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("data/none.jsonl", "does not exist; check the path"),
        ("none.jsonl", "does not exist; check the path"),
        ("a/b/c", "does not exist; check the path"),
        ("a\0b", "does not exist; check the path"),
        ("x" * 5000, "does not exist; check the path"),
        ("\ud800", "does not exist; check the path"),
        ("", "an empty text; give a file or a folder"),
    ],
)
def test_a_target_that_does_not_exist_is_refused_with_the_mend(
    resolve: Resolve, target: str, told: str
) -> None:
    with pytest.raises(UnreadableTarget, match=told):
        resolve(target)


def test_a_link_to_nothing_does_not_exist(resolve: Resolve, folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("nowhere")
    with pytest.raises(UnreadableTarget, match="does not exist"):
        resolve("data/link.jsonl")


def test_one_missing_target_among_several_is_refused(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    with pytest.raises(UnreadableTarget, match=r"none\.jsonl does not exist"):
        resolve("data/a.jsonl", "none.jsonl")


# permissions


@needs_permissions
def test_a_file_without_permission_is_left_out_of_its_folder(
    resolve: Resolve, folder: Path
) -> None:
    put(folder, "a.jsonl", "b.jsonl")
    (folder / "b.jsonl").chmod(0)
    assert left_out(resolve()) == {"b.jsonl": "no permission to read it"}


@needs_permissions
def test_a_named_file_without_permission_is_refused(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    (folder / "a.jsonl").chmod(0)
    with pytest.raises(UnreadableTarget, match="no permission to read it"):
        resolve("data/a.jsonl")


@needs_permissions
@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
@pytest.mark.parametrize("target", ["data", "data/*", "data/**"])
def test_a_folder_without_permission_is_left_out(
    resolve: Resolve, folder: Path, mode: int, target: str
) -> None:
    put(folder, "a.jsonl", "closed/b.jsonl")
    (folder / "closed").chmod(mode)
    try:
        found = resolve(target)
    finally:
        (folder / "closed").chmod(0o700)
    assert [Path(name).name for name in names_of(found)] == ["a.jsonl"]
    assert list(left_out(found).values()) == ["no permission to read it"]


@needs_permissions
def test_a_target_in_a_closed_folder_is_refused(resolve: Resolve, folder: Path) -> None:
    put(folder, "a.jsonl")
    folder.chmod(0)
    try:
        with pytest.raises(UnreadableTarget, match=r"no permission to look at data/a\.jsonl"):
            resolve("data/a.jsonl")
    finally:
        folder.chmod(0o700)


# names from outside


@pytest.mark.parametrize(
    ("name", "data", "target"),
    [
        (HOSTILE, bytes(64), None),
        (HOSTILE, bytes(64), f"data/{HOSTILE}"),
        (HOSTILE, b"", f"data/{HOSTILE}"),
        ("a.jsonl", LINE, HOSTILE),
        ("a.jsonl", LINE, f"user/{HOSTILE.partition('.')[0]}"),
        ("a.jsonl", LINE, f"{HOSTILE}*"),
    ],
)
def test_a_hostile_name_is_escaped_in_every_message(
    resolve: Resolve, folder: Path, name: str, data: bytes, target: str | None
) -> None:
    put(folder, name, data=data)
    with pytest.raises(UnreadableTarget, match=r"a<U\+001B>\[2J<U\+202E><U\+200B>") as raised:
        resolve(*([target] if target else []))
    assert str(raised.value).isprintable()


def test_a_hostile_format_is_escaped(resolve: Resolve) -> None:
    with pytest.raises(UsageError, match=r"<U\+001B>"):
        resolve(format=HOSTILE)


def test_a_name_that_is_no_text_can_be_stored(resolve: Resolve, folder: Path) -> None:
    path = Path(os.fsdecode(bytes(folder) + b"/\xff.jsonl"))
    try:
        path.write_bytes(LINE)
    except OSError:
        pytest.skip("this file system has no such names")
    assert names_of(resolve()) == names_of(resolve(path)) == ["\\xff.jsonl"]
    assert resolve(path).name.encode().endswith(b"\\xff.jsonl")
