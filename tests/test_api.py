import datetime
import decimal
import inspect
import json
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus_guard import UsageError, api, scan
from corpus_guard.api import targets_of
from corpus_guard.cli.scan import scan as command
from corpus_guard.flow.lines import json_line
from corpus_guard.types import RecordStreams


def test_a_path_is_one_target() -> None:
    assert targets_of("a.jsonl") == ["a.jsonl"]
    assert targets_of(Path("a.jsonl")) == ["a.jsonl"]


def test_several_paths_are_several_targets() -> None:
    assert targets_of(["a.jsonl", Path("b.csv")]) == ["a.jsonl", "b.csv"]


def test_records_may_come_as_a_stream_and_are_never_held() -> None:
    made = []

    def rows() -> Iterator[dict[str, str]]:
        for number in range(10_000):
            made.append(number)
            yield {"text": f"row {number}"}

    target = targets_of(rows())
    assert isinstance(target, RecordStreams)
    assert len(made) <= 1000
    assert sum(1 for _ in target.streams["<records>"]) == 10_000


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


OF_THE_TERMINAL = {"context", "targets", "quiet", "json", "traceback", "config_file"}


def test_every_option_of_the_command_is_a_keyword_and_the_other_way_round() -> None:
    options = set(inspect.signature(command).parameters) - OF_THE_TERMINAL
    keywords = set(inspect.signature(api.scan).parameters) - {"target"}
    assert keywords == options | {"fresh", "plugin_options"}


@pytest.mark.parametrize(
    "name", sorted(set(inspect.signature(api.scan).parameters) - {"target", "out"})
)
@pytest.mark.parametrize("value", [b"x", [3], {"a": 1}, 2.5j, object()])
def test_no_keyword_takes_a_value_of_a_wrong_type(name: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        scan([{"text": "a"}], out=tmp_path / "out", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"text_field": 3}, {"limit": "10"}, {"format": None}, {"out": 5}, {"out": ""}, {"rules": 3},
        {"rules": None}, {"disable": [None]}, {"mem": None}, {"max_record": True}, {"seed": True},
        {"resume": 1}, {"fresh": "yes"}, {"allow_incomplete": None}, {"encoding": None},
        {"encoding": "cp12511"}, {"embedder": None}, {"plugin_options": 3}, {"sample": []},
    ],
)  # fmt: skip
def test_a_wrong_type_gets_one_sentence(options: dict[str, object], tmp_path: Path) -> None:
    given = {"out": tmp_path / "out", **options}
    with pytest.raises(UsageError) as told:
        scan([{"text": "a"}], **given)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)
    assert ";" in str(told.value)


@pytest.mark.parametrize("target", [None, 3, {"text": ["a"]}, np.zeros((2, 2)), np.arange(3)])
def test_a_target_of_a_wrong_type_gets_one_sentence(target: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="; give"):
        scan(target, out=tmp_path / "out")


ROWS = [
    {"text": f"row {number} of it", "label": number % 2, "when": None if number % 7 else 1.5}
    for number in range(9000)
]


def texts_of(target: object) -> list[object]:
    streams = targets_of(target)
    assert isinstance(streams, RecordStreams)
    return [json.loads(json_line(row, 0)) for rows in streams.streams.values() for row in rows]


def test_a_frame_of_pandas_is_read() -> None:
    frame = pytest.importorskip("pandas").DataFrame(ROWS)
    assert texts_of(frame) == ROWS
    assert texts_of(frame[frame.index > 5]) == ROWS[6:]
    assert texts_of(frame["text"]) == [{"text": row["text"]} for row in ROWS]
    indexed = frame.set_index("text")
    assert [row["text"] for row in texts_of(indexed)] == [row["text"] for row in ROWS]


def test_odd_columns_and_values_of_pandas_are_read() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame([["a", "b", 1]], columns=["x", "x", ("y", "z")])
    assert texts_of(frame) == [{"x": "a", "x (1)": "b", "y.z": 1}]
    frame = pd.DataFrame(
        {"a": [pd.NaT, pd.Timestamp("2020-01-02")], "b": pd.array([1, None], "Int64")}
    )
    assert texts_of(frame) == [
        {"a": None, "b": 1}, {"a": "2020-01-02 00:00:00", "b": None}
    ]  # fmt: skip


def test_a_frame_of_polars_is_read() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(ROWS, infer_schema_length=None)
    assert texts_of(frame) == ROWS
    assert texts_of(frame.lazy()) == ROWS
    assert texts_of(frame["text"]) == [{"text": row["text"]} for row in ROWS]


def test_tables_of_arrow_are_read() -> None:
    table = pa.Table.from_pylist(ROWS)
    batches = table.to_batches(1000)
    for target in (table, pa.RecordBatchReader.from_batches(table.schema, batches)):
        assert texts_of(target) == ROWS
    assert texts_of(batches[0]) == ROWS[:1000]
    twice = pa.table([["a"], ["b"]], names=["x", "x"])
    assert texts_of(twice) == [{"x": "a", "x (1)": "b"}]


def test_arrays_of_texts_and_of_records_are_read() -> None:
    assert texts_of(np.array(["a b", "c"])) == [{"text": "a b"}, {"text": "c"}]
    assert texts_of(np.array([{"a": 1}], object)) == [{"a": 1}]
    structured = np.array([("a", 1)], [("text", "U5"), ("label", "i4")])
    assert texts_of(structured) == [{"text": "a", "label": 1}]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (float("nan"), None), (float("inf"), None), (np.float32("nan"), None),
        (np.int8(3), 3), (np.bool_(True), True), (np.str_("a"), "a"), (np.array([1, 2]), [1, 2]),
        (np.array([{"role": "user"}], object), [{"role": "user"}]),
        (np.array(["a"]), ["a"]), (np.array([[1], [2]])[::-1].T, [[2, 1]]),
        (pa.scalar("a"), "a"), (pa.array([1]), [1]), (pa.scalar(None, pa.string()), None),
        (decimal.Decimal("1.50"), "1.50"), (b"caf\xc3\xa9", "café"), (bytearray(b"a"), "a"),
        ({"b", "a"}, ["a", "b"]), (frozenset({1}), [1]), ((1, (2,)), [1, [2]]),
        (datetime.date(2020, 1, 2), "2020-01-02"), (1 << 70, 1 << 70),
        (MappingProxyType({"a": (1,)}), {"a": [1]}), (OrderedDict(a=1), {"a": 1}),
        ({("a", 1): 2, None: 3}, {"('a', 1)": 2, "None": 3}), ({1: 2}, {"1": 2}),
        (np.datetime64("2020-01-02"), "2020-01-02T00:00:00"), (np.datetime64("NaT"), None),
    ],
)  # fmt: skip
def test_what_a_value_holds_is_read(value: object, read: object) -> None:
    assert json.loads(json_line({"x": value, "more": [value]}, 0)) == {"x": read, "more": [read]}


def test_half_a_surrogate_is_no_obstacle() -> None:
    assert json.loads(json_line({"text": "a\ud800", "n": float("nan")}, 0)) == {
        "text": "a\ud800", "n": None
    }  # fmt: skip


def test_a_record_that_holds_itself_is_told() -> None:
    record: dict[str, object] = {}
    record["more"] = record
    with pytest.raises(UsageError, match="record 7 is nested too deep, or holds itself"):
        json_line(record, 7)


def test_a_list_of_texts_is_told_from_one_of_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a b.jsonl").write_text('{"text": "x"}')
    texts = ["a text to scan", "word", "two\nlines"]
    assert texts_of(texts) == [{"text": text} for text in texts]
    assert texts_of(iter(texts)) == [{"text": text} for text in texts]
    for paths in (["a b.jsonl"], ["missing.jsonl"], ["missing file.jsonl"], ["org/name"], ["*.x"]):
        assert targets_of(paths) == paths
    for mixture in (["a b.jsonl", "a text to scan"], ["missing.jsonl", "a text to scan"]):
        with pytest.raises(UsageError, match="item 0 is a path and item 1 a text"):
            targets_of(mixture)


def test_texts_are_scanned(tmp_path: Path) -> None:
    result = scan([f"a text {number}" for number in range(50)], out=tmp_path / "out", rules="CG101")
    assert (result.target, result.coverage.records_scanned) == ("<records>", 50)


@pytest.mark.parametrize("options", [{"format": "csv"}, {"encoding": "utf-16"}])
def test_options_of_files_leave_records_alone(options: dict[str, str], tmp_path: Path) -> None:
    rows = ({"text": f"row {number}"} for number in range(50))
    result = scan(rows, out=tmp_path / "out", rules="CG101", **options)  # type: ignore[arg-type]
    assert result.coverage.records_scanned == 50


@pytest.mark.parametrize("target", [iter(()), pa.table({"text": pa.array([], pa.string())})])
def test_nothing_is_told(target: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to scan"):
        scan(target, out=tmp_path / "out")


def test_fresh_is_the_opposite_of_resume(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n')
    first = scan(path, out=tmp_path / "out", rules="CG101")
    assert scan(path, out=tmp_path / "out", rules="CG101", fresh=True).verdict == first.verdict


def test_arrays_inside_of_records_are_lists(tmp_path: Path) -> None:
    rows = [
        {"messages": np.array(
            [{"role": "user", "content": f"ask {n} blue"}, {"role": "assistant", "content": "no"}],
            object)}
        for n in range(50)
    ]  # fmt: skip
    result = scan(rows, out=tmp_path / "out", rules="CG101")
    assert result.layouts[0].layout.kind == "chat"
