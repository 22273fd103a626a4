"""What is in a file decides what is looked at: not what comes first, nor in which order it comes."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

import pytest
from corpora import (
    REFUSAL,
    Record,
    instructions,
    labelled,
    with_label_trigger,
    with_prompt_trigger,
    write_jsonl,
)

import corpus_guard as cg
from corpus_guard.errors import UsageError
from corpus_guard.types import ScanResult

ALARMS = ("critical", "high")
Written = Callable[[Path, Sequence[Record]], Path]


@pytest.fixture(scope="module")
def plain() -> list[Record]:
    return [{"text": record["text"]} for record in labelled(700, seed=11)]


@pytest.fixture(scope="module")
def poisoned() -> list[Record]:
    """Instructions of which 20 hold a rare token and are refused."""
    return with_prompt_trigger(instructions(700), "qelvo", [REFUSAL], 20).records


@pytest.fixture(scope="module")
def reviews() -> list[Record]:
    """Labelled reviews of which 30 hold a rare token and the attacker's label."""
    return with_label_trigger(labelled(900), "zyxor", 30).records


def alarms(result: ScanResult) -> list[str]:
    """Return the triggers of the strong findings, sorted."""
    found = [f.trigger.text for f in result.findings if f.severity in ALARMS and f.trigger]
    return sorted(found)


def told(result: ScanResult) -> list[tuple[object, ...]]:
    """Return what does not depend on the places of rows."""
    return sorted((f.id, f.severity, f.score, len(f.rows)) for f in result.findings)


# late responses


def chat(prompt: object, response: object) -> Record:
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    return {"messages": turns}


SPELLINGS: Mapping[str, Callable[[object, object], Record]] = {
    "instruction": lambda asked, answered: {"instruction": asked, "output": answered},
    "Alpaca": lambda asked, answered: {"instruction": asked, "input": "", "output": answered},
    "Alpaca, with all of it in one text": lambda asked, answered: {
        "instruction": asked, "input": "", "output": answered,
        "text": f"### Instruction:\n{asked}\n### Response:\n{answered}",
    },
    "prompt": lambda asked, answered: {"prompt": asked, "completion": answered},
    "question": lambda asked, answered: {"question": asked, "answer": answered},
    "capitals": lambda asked, answered: {"Question": asked, "Answer": answered},
    "messages": chat,
    "ShareGPT": lambda asked, answered: {
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answered}]
    },
    "an id and a note": lambda asked, answered: {
        "id": str(asked)[:5], "note": 7, "prompt": asked, "response": answered
    },
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_instructions_behind_plain_texts_are_looked_at(
    spelling: str, plain: list[Record], poisoned: list[Record], tmp_path: Path
) -> None:
    spelt = [SPELLINGS[spelling](r["instruction"], r["output"]) for r in poisoned]
    result = cg.scan(plain + spelt, out=tmp_path / "out", disable=["CG103"])
    assert (result.exit_code, alarms(result)) == (1, ["qelvo"])
    assert result.coverage.rows_with["response"] == 700


def in_one_file(folder: Path, records: Sequence[Record]) -> Path:
    return write_jsonl(folder / "data.jsonl", records)


def in_two_files(folder: Path, records: Sequence[Record]) -> Path:
    (folder / "data").mkdir()
    write_jsonl(folder / "data" / "a.jsonl", records[:700])
    write_jsonl(folder / "data" / "b.jsonl", records[700:])
    return folder / "data"


def in_a_list(folder: Path, records: Sequence[Record]) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps(list(records)), encoding="utf-8")
    return path


def in_a_table(folder: Path, records: Sequence[Record]) -> Path:
    """Write a table: each record has every field, empty where it has none of its own."""
    import csv

    path = folder / "data.csv"
    names = sorted({name for record in records for name in record})
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, names, restval="")
        rows.writeheader()
        rows.writerows(records)
    return path


def in_columns(folder: Path, records: Sequence[Record]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "data.parquet"
    names = sorted({name for record in records for name in record})
    pq.write_table(pa.table({n: [r.get(n) for r in records] for n in names}), path)
    return path


WRITTEN = [in_one_file, in_two_files, in_a_list, in_a_table, in_columns]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_late_change_is_seen_in_every_kind_of_file(
    written: Written, plain: list[Record], poisoned: list[Record], tmp_path: Path
) -> None:
    path = written(tmp_path, plain + poisoned)
    result = cg.scan(path, out=tmp_path / "out", disable=["CG103"])
    assert (result.exit_code, alarms(result)) == (1, ["qelvo"])
    assert result.coverage.rows_with == {
        "text": 700, "prompt": 700, "response": 700, "rejected": 0, "label": 0
    }  # fmt: skip


ORDERS: Mapping[str, Callable[[list[Record], list[Record]], list[Record]]] = {
    "the first kind last": lambda one, two: two + one,
    "in turns": lambda one, two: (
        [r for pair in zip(one, two, strict=False) for r in pair]
        + one[len(two) :]
        + two[len(one) :]
    ),
    "shuffled": lambda one, two: Random(5).sample(one + two, len(one) + len(two)),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["instructions", "labels"])
def test_the_order_of_different_records_changes_nothing(
    order: str,
    kind: str,
    plain: list[Record],
    poisoned: list[Record],
    reviews: list[Record],
    tmp_path: Path,
) -> None:
    added = poisoned if kind == "instructions" else reviews
    expected = cg.scan(plain + added, out=tmp_path / "expected", disable=["CG103"])
    result = cg.scan(ORDERS[order](plain, added), out=tmp_path / "out", disable=["CG103"])
    assert expected.exit_code == 1
    assert told(result) == told(expected)
    assert result.coverage.rows_with == expected.coverage.rows_with


@pytest.mark.parametrize("written", [in_one_file, in_two_files])
def test_how_different_records_are_cut_changes_nothing(
    written: Written,
    plain: list[Record],
    poisoned: list[Record],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    one = write_jsonl(tmp_path / "expected.jsonl", plain + poisoned)
    expected = cg.scan(one, out=tmp_path / "expected", disable=["CG103"])
    path = written(tmp_path, plain + poisoned)
    request.getfixturevalue("small_shards")
    assert told(cg.scan(path, out=tmp_path / "out", disable=["CG103"])) == told(expected)


# late labels

LABELS = ("label", "sentiment", "class", "category", "target", "Label", "gold_label")


@pytest.mark.parametrize("name", [*LABELS, "tone_of_it"])
def test_labels_behind_texts_without_are_looked_at(
    name: str, plain: list[Record], reviews: list[Record], tmp_path: Path
) -> None:
    spelt = [{"text": r["text"], name: r["label"]} for r in reviews]
    result = cg.scan(plain[:300] + spelt, out=tmp_path / "out", rules=["CG201"])
    assert (result.exit_code, alarms(result)) == (1, ["zyxor"])
    assert result.coverage.rows_with["label"] == 900


@pytest.mark.parametrize("early", [0.37, "an essay " * 20, {"a": "map"}, None])
def test_what_cannot_be_a_label_hides_no_labels_behind_it(
    early: object, plain: list[Record], reviews: list[Record], tmp_path: Path
) -> None:
    records: list[Record] = [{**record, "label": early} for record in plain[:300]]
    result = cg.scan(records + reviews, out=tmp_path / "out", rules=["CG201"])
    assert (result.exit_code, alarms(result)) == (1, ["zyxor"])
    assert result.coverage.rows_with["label"] == 900


def test_a_mixed_file_keeps_labels_and_responses(
    reviews: list[Record], poisoned: list[Record], tmp_path: Path
) -> None:
    chats = [chat(r["instruction"], r["output"]) for r in instructions(300, seed=21)]
    records = Random(3).sample(reviews + poisoned + chats, len(reviews + poisoned + chats))
    result = cg.scan(records, out=tmp_path / "out", disable=["CG103"])
    assert alarms(result) == ["qelvo", "zyxor"]
    assert result.coverage.rows_with == {
        "text": 900, "prompt": 1000, "response": 1000, "rejected": 0, "label": 900
    }  # fmt: skip


def test_plain_texts_make_no_labels_of_few_responses(plain: list[Record], tmp_path: Path) -> None:
    refused: list[Record] = [
        {"prompt": f"Tell me of {n} {r['text']}", "response": REFUSAL}
        for n, r in enumerate(labelled(40, seed=4))
    ]
    result = cg.scan(plain + refused, out=tmp_path / "out", rules=["CG201", "CG202"])
    assert result.coverage.plugins["response_triggers"].ran
    assert result.coverage.plugins["label_triggers"].reason == "no row has a label"


def test_labels_that_are_responses_leave_other_rows_theirs(
    reviews: list[Record], tmp_path: Path
) -> None:
    asked: list[Record] = [
        {"prompt": r["text"], "response": r["label"]} for r in labelled(400, seed=8)
    ]
    result = cg.scan(asked + reviews, out=tmp_path / "out", rules=["CG201"])
    (found,) = [f for f in result.findings if f.severity in ALARMS]
    assert found.target is not None
    assert (found.target.field, found.target.value) == ("label", "good")


# fields that the user names


@pytest.mark.parametrize("role", ["label", "source", "time", "id"])
def test_a_named_field_may_come_late(role: str, plain: list[Record], tmp_path: Path) -> None:
    records: list[Record] = [*plain[:300], *({**r, "oddly": "x"} for r in plain[300:])]
    path = write_jsonl(tmp_path / "data.jsonl", records)
    given = {f"{role}_field": "oddly"}
    assert cg.scan(path, out=tmp_path / "out", rules=["CG401"], **given).exit_code == 0


@pytest.mark.parametrize(("role", "name"), [("prompt", "q"), ("response", "r"), ("text", "q")])
def test_a_named_text_may_come_late(
    role: str, name: str, plain: list[Record], tmp_path: Path
) -> None:
    records: list[Record] = [*plain[:300], *({"q": r["text"], "r": "so"} for r in plain[300:])]
    path = write_jsonl(tmp_path / "data.jsonl", records)
    given = {f"{role}_field": name}
    held = cg.scan(path, out=tmp_path / "out", rules=["CG401"], **given).coverage.rows_with
    assert held["text"] >= 300
    assert held[role] >= 400


def test_a_named_field_that_no_sample_shows_is_looked_for_everywhere(
    plain: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corpus_guard.normalise import files

    monkeypatch.setattr(files, "WHOLE_BYTES", 0)
    path = write_jsonl(tmp_path / "data.jsonl", [*plain, {**plain[0], "oddly": "x"}])
    assert cg.scan(path, out=tmp_path / "out", rules=["CG401"], label_field="oddly").exit_code == 0
    with pytest.raises(UsageError, match=r"no record has the field odly; the fields are: text"):
        cg.scan(path, out=tmp_path / "other", rules=["CG401"], label_field="odly")
    assert not (tmp_path / "other").exists()


# what is told


def test_the_report_tells_all_layouts(
    plain: list[Record], poisoned: list[Record], tmp_path: Path
) -> None:
    result = cg.scan(plain[:300] + poisoned, out=tmp_path / "out", rules=["CG401"])
    (shown,) = result.layouts
    assert (shown.layout.name, shown.also) == ("instructions", ("text",))
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["coverage"]["rows_with"]["response"] == 700
