"""A folder as the `datasets` library saves it: all its records are read, and nothing else is one."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpus_guard.config import ReadOptions
from corpus_guard.read import Resolved, resolve_targets

STATE = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": None}
INFO = {"citation": "", "features": {"text": {"dtype": "string", "_type": "Value"}}}


def records(path: Path) -> None:
    table = pa.table({"text": ["a", "b"]})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Write a folder with one data set in it."""
    folder = tmp_path / "saved"
    folder.mkdir()
    records(folder / "data-00000-of-00001.arrow")
    (folder / "state.json").write_text(json.dumps(STATE, indent=2))
    (folder / "dataset_info.json").write_text(json.dumps(INFO, indent=2))
    return folder


def resolved(target: Path) -> Resolved:
    return resolve_targets([str(target)], ReadOptions(), target.parent)


def names(target: Path) -> list[tuple[str, str]]:
    return [(file.name, file.format) for file in resolved(target).files]


def test_a_saved_data_set_is_its_records(saved: Path) -> None:
    assert names(saved) == [("data-00000-of-00001.arrow", "arrow")]
    assert resolved(saved).unread == ()


def test_a_saved_dictionary_of_data_sets_is_the_records_of_all(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    saved.rename(tmp_path / "all" / "train")
    (tmp_path / "all" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    assert names(tmp_path / "all") == [("train/data-00000-of-00001.arrow", "arrow")]


@pytest.mark.parametrize("name", ["state.json", "dataset_info.json", "dataset_dict.json"])
@pytest.mark.parametrize("content", ['{"text": "brass"}', "[]", "{", "[" * 100_000, "\x00"])
def test_a_file_that_only_has_such_a_name_is_not_passed_over(
    saved: Path, name: str, content: str
) -> None:
    (saved / name).write_text(content)
    found = resolved(saved)
    assert name in [item.name for item in found.files] + [item.file for item in found.unread]


def test_more_than_the_library_writes_is_not_passed_over(saved: Path) -> None:
    (saved / "state.json").write_text(json.dumps({**STATE, "text": "brass"}))
    (saved / "dataset_info.json").write_text(json.dumps({**INFO, "text": "brass"}))
    assert {"state.json", "dataset_info.json"} <= {name for name, _ in names(saved)}


def test_descriptions_without_records_beside_them_are_read(saved: Path) -> None:
    (saved / "data-00000-of-00001.arrow").rename(saved / "data.bak")
    assert {"state.json", "dataset_info.json"} <= {name for name, _ in names(saved)}


def test_a_description_that_is_named_is_read(saved: Path) -> None:
    assert names(saved / "state.json") == [("state.json", "json")]


def test_a_cache_is_told_and_read_when_it_is_named(saved: Path, tmp_path: Path) -> None:
    records(saved / "cache-00ff.arrow")
    assert names(saved) == [("data-00000-of-00001.arrow", "arrow")]
    assert [(item.file, item.kind) for item in resolved(saved).unread] == [
        ("cache-00ff.arrow", "file")
    ]
    assert names(saved / "cache-00ff.arrow") == [("cache-00ff.arrow", "arrow")]
    (tmp_path / "mine").mkdir()
    records(tmp_path / "mine" / "cache-00ff.arrow")
    assert names(tmp_path / "mine") == [("cache-00ff.arrow", "arrow")]
