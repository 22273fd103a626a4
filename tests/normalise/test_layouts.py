import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from corpora import Record, instructions, labelled, write_jsonl
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.errors import UsageError
from corpus_guard.normalise import Sorter, detect_layout, survey_files
from corpus_guard.read import resolve_targets
from corpus_guard.types import OTHER_FIELD_LENGTH, OTHER_FIELDS_LISTED, FileLayout, Layout

Roles = Mapping[str, tuple[str, ...]]

OPENAI = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]
SHAREGPT = [{"from": "human", "value": "hello"}, {"from": "gpt", "value": "good day"}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "image_url"}]}]


def layout_of(records: Sequence[Record] | Record, **named: str) -> tuple[str, Roles]:
    several = [records] * 20 if isinstance(records, dict) else records
    found = detect_layout(several, FieldOverrides(**named))
    return found.kind, found.roles


COMMON: dict[str, tuple[Record, str, Roles]] = {
    "plain": ({"text": "hello there"}, "plain", {"text": ("text",)}),
    "plain, another name": ({"content": "hello there"}, "plain", {"text": ("content",)}),
    "plain, an unknown name": (
        {"lang": "en", "words": "hello there"},
        "plain",
        {"text": ("words",)},
    ),
    "labels as text": (
        {"text": "hello", "label": "good"},
        "labelled",
        {"text": ("text",), "label": ("label",)},
    ),
    "labels as numbers": (
        {"sentence": "hello", "label": 1, "idx": 7},
        "labelled",
        {"text": ("sentence",), "label": ("label",), "record_id": ("idx",)},
    ),
    "labels as whole floats": (
        {"review": "hello", "sentiment": 1.0},
        "labelled",
        {"text": ("review",), "label": ("sentiment",)},
    ),
    "labels as booleans": (
        {"sms": "hello", "is_spam": True},
        "labelled",
        {"text": ("sms",), "label": ("is_spam",)},
    ),
    "Alpaca": (
        {"instruction": "translate", "input": "hello", "output": "bonjour"},
        "instruction",
        {"prompt": ("instruction", "input"), "response": ("output",)},
    ),
    "Alpaca with a system prompt": (
        {"output": "bonjour", "input": "", "instruction": "translate", "system": "be kind"},
        "instruction",
        {"prompt": ("system", "instruction", "input"), "response": ("output",)},
    ),
    "input and output": (
        {"input": "hello", "output": "bonjour"},
        "instruction",
        {"prompt": ("input",), "response": ("output",)},
    ),
    "Dolly": (
        {"instruction": "a", "context": "b", "response": "c", "category": "open_qa"},
        "instruction",
        {"prompt": ("instruction", "context"), "response": ("response",)},
    ),
    "prompt and response": (
        {"prompt": "hello", "response": "good day"},
        "instruction",
        {"prompt": ("prompt",), "response": ("response",)},
    ),
    "prompt and completion": (
        {"prompt": "hello", "completion": "good day"},
        "instruction",
        {"prompt": ("prompt",), "response": ("completion",)},
    ),
    "question and answer": (
        {"question": "why", "answer": "because"},
        "instruction",
        {"prompt": ("question",), "response": ("answer",)},
    ),
    "query and answer": (
        {"query": "why", "answer": "because"},
        "instruction",
        {"prompt": ("query",), "response": ("answer",)},
    ),
    "OpenAI chat": (
        {"messages": OPENAI},
        "chat",
        {"prompt": ("messages",), "response": ("messages",)},
    ),
    "ShareGPT": (
        {"id": "x_1", "conversations": SHAREGPT},
        "chat",
        {"prompt": ("conversations",), "response": ("conversations",), "record_id": ("id",)},
    ),
    "chat in parts": (
        {"messages": PARTS},
        "chat",
        {"prompt": ("messages",), "response": ("messages",)},
    ),
    "chat with a system prompt": (
        {"system": "be kind", "conversations": SHAREGPT},
        "chat",
        {"prompt": ("system", "conversations"), "response": ("conversations",)},
    ),
    "chat beside a text": (
        {"prompt": "hello", "messages": OPENAI},
        "chat",
        {"prompt": ("messages",), "response": ("messages",)},
    ),
    "preference": (
        {"prompt": "hello", "chosen": "good day", "rejected": "go away"},
        "preference",
        {"prompt": ("prompt",), "response": ("chosen",), "rejected": ("rejected",)},
    ),
    "preference without a prompt": (
        {"chosen": "good day", "rejected": "go away"},
        "preference",
        {"response": ("chosen",), "rejected": ("rejected",)},
    ),
    "preference between chats": (
        {"chosen": OPENAI, "rejected": OPENAI},
        "preference",
        {"response": ("chosen",), "rejected": ("rejected",)},
    ),
    "preference between chats with a prompt": (
        {"prompt": OPENAI[:1], "chosen": OPENAI[1:], "rejected": OPENAI[1:]},
        "preference",
        {"prompt": ("prompt",), "response": ("chosen",), "rejected": ("rejected",)},
    ),
    "where a record comes from": (
        {"_id": 1, "text": "hello", "source": "web", "url": "http://x", "timestamp": 12},
        "plain",
        {
            "text": ("text",),
            "source": ("source",),
            "time": ("timestamp",),
            "url": ("url",),
            "record_id": ("_id",),
        },
    ),
    "a list that is no chat": ({"messages": ["a", "b"], "text": "c"}, "plain", {"text": ("text",)}),
    "an answer without a question": (
        {"answer": "because it is so"},
        "plain",
        {"text": ("answer",)},
    ),
    "a score is no label": ({"text": "hello", "label": 0.73}, "plain", {"text": ("text",)}),
    "an essay is no label": ({"text": "hello", "label": "w" * 101}, "plain", {"text": ("text",)}),
    "several labels": (
        {"text": "hello", "labels": [1, 2]},
        "labelled",
        {"text": ("text",), "label": ("labels",)},
    ),
    "the first that can be the label is": (
        {"text": "hello", "label": 0.73, "labels": {"a": 1}, "category": "a"},
        "labelled",
        {"text": ("text",), "label": ("category",)},
    ),
}


@pytest.mark.parametrize("name", COMMON)
def test_a_common_layout_is_found(name: str) -> None:
    record, kind, roles = COMMON[name]
    assert layout_of(record) == (kind, roles)


@pytest.mark.parametrize("name", COMMON)
@pytest.mark.parametrize("cased", [str.upper, str.title])
def test_the_case_of_a_field_name_does_not_matter(name: str, cased: Callable[[str], str]) -> None:
    record, kind, roles = COMMON[name]
    upper = {cased(field): value for field, value in record.items()}
    found = {role: tuple(map(cased, fields)) for role, fields in roles.items()}
    assert layout_of(upper) == (kind, found)


@pytest.mark.parametrize("name", COMMON)
def test_the_order_of_fields_does_not_matter(name: str) -> None:
    record, kind, roles = COMMON[name]
    assert layout_of(dict(reversed(record.items()))) == (kind, roles)


def test_of_two_cases_of_a_name_the_lower_is_meant() -> None:
    assert layout_of({"TEXT": "a", "text": "b", "Text": "c"}) == ("plain", {"text": ("text",)})


@pytest.mark.parametrize("values", [("ham", "spam"), (0, 1, 2), (True, False)])
def test_a_label_is_found_by_its_few_values(values: tuple[object, ...]) -> None:
    records: list[Record] = [
        {"text": f"sentence {n}", "kind": values[n % len(values)], "number": n, "same": "x"}
        for n in range(100)
    ]
    assert layout_of(records) == ("labelled", {"text": ("text",), "label": ("kind",)})


@pytest.mark.parametrize("distinct", [1, 30, 100])
def test_one_value_or_many_values_are_no_label(distinct: int) -> None:
    records: list[Record] = [{"text": f"text {n}", "kind": n % distinct} for n in range(100)]
    assert layout_of(records) == ("plain", {"text": ("text",)})


def test_the_field_of_fewest_values_is_the_label() -> None:
    records: list[Record] = [{"text": f"t {n}", "a": n % 5, "b": n % 3} for n in range(100)]
    assert layout_of(records)[1]["label"] == ("b",)


@pytest.mark.parametrize("records", [labelled(50), instructions(50)])
def test_the_test_corpora_have_their_layouts(records: list[Record]) -> None:
    assert layout_of(records)[0] == ("labelled" if "label" in records[0] else "instruction")


# what the user names

NAMED: dict[str, tuple[Record, dict[str, str], str, Roles]] = {
    "text": ({"text": "a", "body": "b"}, {"text": "body"}, "plain", {"text": ("body",)}),
    "text, over prompts": (
        {"prompt": "a", "response": "b"},
        {"text": "response"},
        "plain",
        {"text": ("response",)},
    ),
    "text, over a chat": ({"messages": OPENAI, "t": "a"}, {"text": "t"}, "plain", {"text": ("t",)}),
    "text and label": (
        {"a": "x", "b": "y", "label": "z"},
        {"text": "a", "label": "b"},
        "labelled",
        {"text": ("a",), "label": ("b",)},
    ),
    "text, which is a source by its name": (
        {"source": "a", "target": "b"},
        {"text": "source"},
        "labelled",
        {"text": ("source",), "label": ("target",)},
    ),
    "label of any kind": (
        {"text": "a", "score": 0.5},
        {"label": "score"},
        "labelled",
        {"text": ("text",), "label": ("score",)},
    ),
    "label, which is an answer by its name": (
        {"question": "a", "answer": "yes"},
        {"label": "answer"},
        "labelled",
        {"text": ("question",), "label": ("answer",)},
    ),
    "label, which is a source by its name": (
        {"text": "a", "source": "b"},
        {"label": "source"},
        "labelled",
        {"text": ("text",), "label": ("source",)},
    ),
    "label of instructions": (
        {"instruction": "a", "output": "b", "kind": "c"},
        {"label": "kind"},
        "instruction",
        {"prompt": ("instruction",), "response": ("output",), "label": ("kind",)},
    ),
    "label of chats": (
        {"messages": OPENAI, "kind": "c"},
        {"label": "kind"},
        "chat",
        {"prompt": ("messages",), "response": ("messages",), "label": ("kind",)},
    ),
    "prompt and response": (
        {"text": "t", "q": "a", "r": "b"},
        {"prompt": "q", "response": "r"},
        "instruction",
        {"prompt": ("q",), "response": ("r",)},
    ),
    "prompt": (
        {"instruction": "a", "q": "b", "output": "c"},
        {"prompt": "q"},
        "instruction",
        {"prompt": ("q",), "response": ("output",)},
    ),
    "prompt, over a chat": (
        {"messages": OPENAI, "q": "b", "output": "c"},
        {"prompt": "q"},
        "instruction",
        {"prompt": ("q",), "response": ("output",)},
    ),
    "prompt without a response": (
        {"q": "b", "x": "cc"},
        {"prompt": "q"},
        "plain",
        {"prompt": ("q",)},
    ),
    "prompt beside a label": (
        {"q": "b", "label": "c"},
        {"prompt": "q"},
        "labelled",
        {"prompt": ("q",), "label": ("label",)},
    ),
    "response": (
        {"instruction": "a", "output": "b", "r": "c"},
        {"response": "r"},
        "instruction",
        {"prompt": ("instruction",), "response": ("r",)},
    ),
    "response, over a chat": (
        {"messages": OPENAI, "prompt": "a", "r": "c"},
        {"response": "r"},
        "instruction",
        {"prompt": ("prompt",), "response": ("r",)},
    ),
    "response without a prompt": (
        {"text": "a", "r": "c"},
        {"response": "r"},
        "plain",
        {"text": ("text",), "response": ("r",)},
    ),
    "response of preferences": (
        {"prompt": "p", "chosen": "a", "rejected": "b", "best": "c"},
        {"response": "best"},
        "preference",
        {"prompt": ("prompt",), "response": ("best",), "rejected": ("rejected",)},
    ),
    "what would have been found": (
        {"prompt": "p", "chosen": "a", "rejected": "b"},
        {"prompt": "prompt", "response": "chosen"},
        "preference",
        {"prompt": ("prompt",), "response": ("chosen",), "rejected": ("rejected",)},
    ),
    "where a record comes from": (
        {"text": "a", "id": 1, "key": 2, "date": 3, "day": 4, "source": 5, "by": 6},
        {"id": "key", "time": "day", "source": "by"},
        "plain",
        {"text": ("text",), "record_id": ("key",), "time": ("day",), "source": ("by",)},
    ),
    "paths": (
        {"data": {"body": "a"}, "meta": {"label": "b"}},
        {"text": "data.body", "label": "meta.label"},
        "labelled",
        {"text": ("data.body",), "label": ("meta.label",)},
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_what_the_user_names_beats_what_is_found(case: str) -> None:
    record, named, kind, roles = NAMED[case]
    assert layout_of(record, **named) == (kind, roles)


# odd records


@pytest.mark.parametrize(
    "records", [[], [{}], [{}] * 9, [{"text": None}], [{"label": None, "chosen": None}]]
)
def test_no_values_have_no_roles(records: list[Record]) -> None:
    assert layout_of(records) == ("plain", {})


def test_an_empty_value_is_a_value() -> None:
    assert layout_of({"instruction": "", "output": ""})[0] == "instruction"


ODD: list[object] = [
    None, float("nan"), float("inf"), -(10**400), b"\xff", Decimal("NaN"), "\ud800", [], {}, [[]],
    [None], [{}], [{"role": None}], {"a": {"b": []}}, set(), object(), True, "", "a" * 10_000,
]  # fmt: skip
FIELDS = sorted(
    {name for record, _, _ in COMMON.values() for name in record} | {"", "a.b", "\ud800"}
)


@pytest.mark.parametrize("field", ["text", "label", "messages", "chosen", "id", "source", "x"])
def test_no_value_is_a_crash(field: str) -> None:
    for value in ODD:
        layout_of([{"text": "a", "rejected": "b", field: value}] * 20)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    records=st.lists(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD)), max_size=30)
)
def test_every_role_is_a_field_that_is_there(records: list[Record]) -> None:
    held = {name for record in records for name, value in record.items() if value is not None}
    for fields in detect_layout(records, FieldOverrides()).roles.values():
        assert set(fields) <= held


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    records=st.lists(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD)), max_size=12),
    data=st.data(),
)
def test_the_order_of_records_does_not_matter(records: list[Record], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(records))
    assert layout_of(shuffled) == layout_of(records)


def test_names_that_are_no_text_are_no_crash() -> None:
    records: list[Record] = [{1: "a", None: "b", "text": "c"}] * 9  # type: ignore[dict-item]
    assert layout_of(records) == ("plain", {"text": ("text",)})


PLANTED: list[Record] = [
    {"chosen": "a", "rejected": "b"},
    {"messages": OPENAI},
    {"prompt": "a", "response": "b"},
    {"sentence": "a", "class": "b"},
    {"Text": "a", "LABEL": "b"},
    {"text": "a", "label": [1], "kind": [1]},
    {"text": "a", "label": 0.5, "kind": 0.5},
    {"text": "a", "label": "w" * 101, "kind": "w" * 41},
]


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("label", ["label", "kind"])
def test_a_few_planted_records_do_not_change_the_layout(planted: Record, label: str) -> None:
    honest: list[Record] = [
        {"text": f"text {n}", label: "good" if n % 2 else "bad"} for n in range(230)
    ]
    found = layout_of([planted] * 20 + honest)
    assert found == ("labelled", {"text": ("text",), "label": (label,)})


def test_a_field_that_few_records_hold_plays_no_role() -> None:
    records: list[Record] = [{"text": "a"}] * 100 + [{"text": "a", "source": "b"}] * 9
    assert layout_of(records) == ("plain", {"text": ("text",)})


# files


def layouts(
    tmp_path: Path, contents: Mapping[str, Sequence[Record]], **named: str
) -> tuple[dict[int, Layout], tuple[FileLayout, ...]]:
    """Return the layout of most records of each file, and what is shown of the files."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, records in contents.items():
        write_jsonl(folder / name, records)
    options = ReadOptions(overrides=FieldOverrides(**named))
    files = resolve_targets([str(folder)], options, tmp_path).files
    surveyed, rows = survey_files(files, options), {}
    for file, records in zip(files, contents.values(), strict=True):
        sorter = Sorter(surveyed.scheme)
        sorter.groups(records)
        rows[file.index] = sorter.counted()
    return {file: found[0].layout for file, found in rows.items()}, surveyed.shown(rows)


def test_each_file_has_its_layout_and_like_files_are_shown_once(tmp_path: Path) -> None:
    found, shown = layouts(
        tmp_path,
        {
            "a.jsonl": [{"text": "a"}],
            "b.jsonl": [{"question": "a", "answer": "b"}],
            "c.jsonl": [{"text": "c"}],
            "d.jsonl": [{"body": "d"}],
        },
    )
    assert [found[place].kind for place in range(4)] == ["plain", "instruction", "plain", "plain"]
    assert [(group.files, group.example, group.format) for group in shown] == [
        (2, "a.jsonl", "jsonl"), (1, "b.jsonl", "jsonl"), (1, "d.jsonl", "jsonl"),
    ]  # fmt: skip
    assert shown[1].layout == found[1]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (
            {"text": "bodi"},
            r"no record has the field bodi \(did you mean body\?\); the fields are: ",
        ),
        ({"label": "zzz"}, "no record has the field zzz; the fields are: body, meta, stars"),
        ({"label": "meta.grad"}, "no record has the field meta.grad"),
        ({"id": "\x1b[2J"}, r"no record has the field <U\+001B>\[2J"),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest(
    tmp_path: Path, named: dict[str, str], told: str
) -> None:
    records: list[Record] = [{"body": "a", "stars": 1, "meta": {"grade": 2}}]
    with pytest.raises(UsageError, match=told):
        layouts(tmp_path, {"a.jsonl": records}, **named)


def test_a_hostile_field_name_is_escaped(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        layouts(tmp_path, {"a.jsonl": [{"te\x1b[2Jxt\u202e": "a"}]}, text="text")
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["meta.grade", "stars", "void"])
def test_a_field_may_be_a_path_or_stand_in_one_file_alone_or_be_null(
    tmp_path: Path, name: str
) -> None:
    contents: dict[str, list[Record]] = {
        "a.jsonl": [{"body": "a"}],
        "b.jsonl": [{"body": "a", "stars": 1, "meta": {"grade": 2}, "void": None}],
    }
    assert layouts(tmp_path, contents, label=name)[0][1].roles["label"] == (name,)


def test_a_file_without_records_misses_no_field(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{broken\n" + json.dumps({})[:1], encoding="utf-8")
    options = ReadOptions(overrides=FieldOverrides(text="body"))
    files = resolve_targets([str(tmp_path / "a.jsonl")], options, tmp_path).files
    assert survey_files(files, options).unmet == {"body"}


def test_a_source_that_is_a_text_of_its_own_is_no_origin() -> None:
    long = "A sentence that somebody has to translate into another language, word by word. " * 2
    records = [{"source": f"{n} {long}", "target": f"{n} {long[::-1]}"} for n in range(20)]
    assert "source" not in detect_layout(records, FieldOverrides()).roles


# fields in no role


def test_fields_in_no_role_are_listed_the_most_frequent_first(tmp_path: Path) -> None:
    records: list[Record] = [
        {"text": "a", "rare": 1, "meta": {"source": "s", "n": 1}, "void": None, "blank": []},
        {"text": "b", "meta": {"source": "s", "n": 2}},
    ]
    shown = layouts(tmp_path, {"a.jsonl": records})[1][0]
    assert shown.other_fields == ("meta", "rare")
    assert shown.other_fields_total == 2


def test_a_field_used_as_a_whole_through_its_path_is_not_listed(tmp_path: Path) -> None:
    records: list[Record] = [{"text": "a", "meta": {"source": "s"}}]
    shown = layouts(tmp_path, {"a.jsonl": records})[1][0]
    assert shown.layout.roles["source"] == ("meta.source",)
    assert shown.other_fields == ()


def test_listed_fields_are_bounded_in_number_and_length(tmp_path: Path) -> None:
    records: list[Record] = [{"text": "a", **{f"{n:03}{'x' * 5000}": 1 for n in range(300)}}]
    shown = layouts(tmp_path, {"a.jsonl": records})[1][0]
    assert len(shown.other_fields) == OTHER_FIELDS_LISTED
    assert shown.other_fields_total == 300
    assert max(map(len, shown.other_fields)) == OTHER_FIELD_LENGTH + 1


def test_files_of_one_layout_are_shown_once_with_all_their_fields(tmp_path: Path) -> None:
    contents: dict[str, list[Record]] = {
        "a.jsonl": [{"text": "a", "x": 1}],
        "b.jsonl": [{"text": "b", "y": 1}],
    }
    (shown,) = layouts(tmp_path, contents)[1]
    assert (shown.files, shown.other_fields) == (2, ("x", "y"))


def test_the_layouts_of_other_records_in_a_file_are_named(tmp_path: Path) -> None:
    records: list[Record] = [
        {"instruction": "a", "output": "b", "note": "n"},
        {"messages": OPENAI},
        {"messages": OPENAI},
    ] * 10
    shown = layouts(tmp_path, {"a.jsonl": records})[1][0]
    assert (shown.layout.name, shown.also, shown.other_fields) == (
        "chat",
        ("instructions",),
        ("note",),
    )
