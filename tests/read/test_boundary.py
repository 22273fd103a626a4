"""A reader from outside declares all that a built-in one can: nothing else knows of its format."""

import gzip
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.errors import PluginError, UnreadableTarget
from corpus_guard.read import Resolved, plan_shards, read_shard, resolve_targets
from corpus_guard.types import RecordBlock

HEAD = """from corpus_guard.plugins import Extra, reader
from corpus_guard.read.blocks import BlockBuilder
"""
SHOWN = f'''"""Shown data."""
{HEAD}
def read(path, options, start, end):
    block = BlockBuilder()
    block.add(0, b"", {{"text": path.read_bytes()[4:].decode()}})
    block.count(path.stat().st_size)
    yield from block.flush()

read = reader(
    extensions=(".shown",), magic=(b"\\x00\\x01SH",), always_shown=True, binary=True, takes="path",
    refused=((b"\\x00\\x02SH", "the second version; write the first"),),
    describes=lambda path: path.name == "about.shown.txt",
    repeats=lambda path: path.name == "copy.shown",
)(read)
'''
NEEDY = f'''"""Needy data."""
{HEAD}
@reader(extensions=(".needy",), extra=Extra(install="needy-reader[all]", modules=("no_such_module",)))
def read(stream, options, start, end):
    yield from ()
'''
GUESSED = f'''"""Guessed data."""
{HEAD}
@reader(extensions=(".guessed",), resembles=lambda head: head.startswith(b"GUESS"))
def read(stream, options, start, end):
    yield from ()
'''
DATA = b"\x00\x01SHa heron"


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the readers."""
    place = tmp_path_factory.mktemp("installed")
    for name, code in {"shown_": SHOWN, "needy_": NEEDY, "guessed_": GUESSED}.items():
        (place / f"{name}.py").write_text(code)
    info = place / "theirs-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[corpus_guard.read]\nshown = shown_\nneedy = needy_\nguessed = guessed_\n"
    )
    sys.path.append(str(place))
    plugins.names.cache_clear()
    yield
    sys.path.remove(str(place))
    plugins.names.cache_clear()


Resolve = Callable[[str, bytes], Resolved]


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    def written(name: str, data: bytes) -> Resolved:
        (tmp_path / name).write_bytes(data)
        return resolve_targets([str(tmp_path / name)], ReadOptions(), tmp_path)

    return written


@pytest.mark.parametrize("name", ["data.shown", "data.txt", "data"])
def test_its_first_bytes_show_the_format_whatever_the_name(resolve: Resolve, name: str) -> None:
    assert [file.format for file in resolve(name, DATA).files] == ["shown"]


def test_a_file_that_should_show_what_it_is_is_not_taken_by_name(resolve: Resolve) -> None:
    with pytest.raises(UnreadableTarget, match="no known format"):
        resolve("data.shown", b"something else")


def test_it_is_given_the_path(resolve: Resolve) -> None:
    (shard,) = plan_shards(resolve("data.shown", DATA).files, ReadOptions())
    blocks = [item for item in read_shard(shard, ReadOptions()) if isinstance(item, RecordBlock)]
    assert [fields for block in blocks for fields in block.fields] == [{"text": "a heron"}]
    assert sum(block.bytes_read for block in blocks) == len(DATA)


def test_a_packed_file_is_left_out_with_the_mend(resolve: Resolve) -> None:
    with pytest.raises(UnreadableTarget, match="unpack it first"):
        resolve("data.shown.gz", gzip.compress(DATA))


def test_a_kindred_file_is_refused_with_the_reason(resolve: Resolve) -> None:
    with pytest.raises(UnreadableTarget, match="the second version; write the first"):
        resolve("data.shown", b"\x00\x02SH")


def test_what_is_missing_is_named(resolve: Resolve) -> None:
    with pytest.raises(UnreadableTarget, match=r"needs pip install 'needy-reader\[all\]'"):
        resolve("data.needy", b"x")


def test_a_guess_from_the_first_bytes(resolve: Resolve) -> None:
    assert [file.format for file in resolve("data.xyz", b"GUESS what").files] == ["guessed"]


def test_its_descriptions_and_copies_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "data.shown").write_bytes(DATA)
    (tmp_path / "copy.shown").write_bytes(DATA)
    (tmp_path / "about.shown.txt").write_bytes(b"words")
    found = resolve_targets([str(tmp_path)], ReadOptions(), tmp_path)
    assert [file.name for file in found.files] == ["data.shown"]
    assert [item.file for item in found.unread] == ["copy.shown"]
    assert found.passed_over == ("about.shown.txt",)


def test_a_declaration_with_a_slip_names_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = SHOWN.replace("always_shown", "allways_shown").replace('"""Shown', '"""Slipped')
    (tmp_path / "slipped_.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "names", lambda _: {"slipped": "slipped_"})
    with pytest.raises(PluginError, match=r"'slipped' cannot be loaded: .*'allways_shown'"):
        plugins.load("read", "slipped")
