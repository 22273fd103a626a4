from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus_guard import UsageError, scan
from corpus_guard.api import targets_of


def test_a_path_is_one_target() -> None:
    assert targets_of("a.jsonl") == ["a.jsonl"]
    assert targets_of(Path("a.jsonl")) == ["a.jsonl"]


def test_several_paths_are_several_targets() -> None:
    assert targets_of(["a.jsonl", Path("b.csv")]) == ["a.jsonl", "b.csv"]


def test_records_may_come_from_any_iterable() -> None:
    assert targets_of({"text": text} for text in "ab") == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"text": "a"}, "of type dict cannot be scanned"),
        (b"a.jsonl", "of type bytes cannot be scanned"),
        (7, "of type int cannot be scanned"),
        ([], "nothing to scan"),
        ([{"text": "a"}, "b.jsonl"], "record 1 is a str"),
        ([None], "record 0 is a NoneType"),
    ],
)
def test_other_targets_are_refused_with_the_mend(target: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        targets_of(target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limit": 0}, "limit is 0"),
        ({"sample": 2.0}, "sample is 2.0"),
        ({"jobs": -1}, "jobs is -1"),
        ({"mem": "much"}, "'much' is not a size"),
        ({"max_record": 0}, "'0' is not a positive size"),
        ({"fail_on": "High!"}, "did you mean high"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(
    options: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        scan("data.jsonl", **options)  # type: ignore[arg-type]


def test_a_data_set_in_memory_is_scanned(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"text": f"row {number}", "label": number % 2} for number in range(300)]
    whole = datasets.Dataset.from_list(rows)
    expected = scan(rows, out=tmp_path / "expected", rules=["CG101"])
    for place, target in enumerate(
        [whole, whole.to_iterable_dataset(), whole.with_format("numpy")]
    ):
        result = scan(target, out=tmp_path / str(place), rules=["CG101"])
        assert (result.target, result.coverage.records_scanned) == ("<dataset>", 300)
        assert result.target_sha256 == expected.target_sha256


def test_the_splits_of_a_data_set_are_its_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    whole = datasets.Dataset.from_list([{"text": f"row {number}"} for number in range(300)])
    parts = datasets.DatasetDict(train=whole.select(range(200)), test=whole.select(range(200, 300)))
    result = scan(parts, out=tmp_path / "out", rules=["CG101"])
    rows = pq.read_table(result.out / "rows.parquet").to_pylist()
    assert [(row["file"], row["row"]) for row in rows[198:202]] == [
        ("train", 198), ("train", 199), ("test", 0), ("test", 1)
    ]  # fmt: skip


def test_a_data_set_that_fails_midway_is_told(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")

    def rows() -> Iterator[dict[str, str]]:
        yield {"text": "first"}
        raise RuntimeError("the \x1b[2J cable is cut")

    stream = datasets.IterableDataset.from_generator(rows, split="test")
    with pytest.raises(UsageError, match=r"records of test cannot be had \(RuntimeError"):
        scan(stream, out=tmp_path / "out")


def test_rules_may_be_one_text(tmp_path: Path) -> None:
    result = scan([{"text": "a"}], out=tmp_path / "out", rules="CG401, CG402")
    assert {name for name, run in result.coverage.plugins.items() if run.ran} == {
        "hidden_unicode", "look_alike_letters",
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"limit": "5"}, {"limit": True}, {"sample": "0.5"}, {"jobs": "2"}, {"seed": 1.5},
        {"fail_on": None}, {"plugin_options": {"detect": {"CG201": {"high": float("nan")}}}},
        {"plugin_options": {"detect": {"CG201": {"high": 6.0}, "label_triggers": {"high": 7.0}}}},
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_kind_is_told(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        scan([{"text": "a"}], out=tmp_path / "out", **options)  # type: ignore[arg-type]
