import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pyarrow as pa
import pytest
from corpora import Record
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import detect_layout, keep_sample, to_batch
from corpus_guard.normalise.turns import PROMPT_ROLES, RESPONSE_ROLES
from corpus_guard.types import BATCH_SCHEMA, Layout, RecordBlock

steady = partial(settings, deadline=None, derandomize=True)
STRINGS = tuple(field.name for field in BATCH_SCHEMA if field.type == pa.string())

PLAIN = Layout(kind="plain", roles={"text": ("text",)})
INSTRUCTION = Layout(
    kind="instruction", roles={"prompt": ("instruction", "input"), "response": ("output",)}
)
CHAT = Layout(kind="chat", roles={"prompt": ("system", "messages"), "response": ("messages",)})
PREFERENCE = Layout(
    kind="preference",
    roles={"prompt": ("prompt",), "response": ("chosen",), "rejected": ("rejected",)},
)
UNPROMPTED = Layout(kind="preference", roles={"response": ("chosen",), "rejected": ("rejected",)})
EVERY_ROLE: Mapping[str, tuple[str, ...]] = {
    "record_id": ("id",),
    "text": ("text", "title"),
    "prompt": ("system", "prompt", "messages"),
    "response": ("messages", "chosen"),
    "rejected": ("rejected",),
    "label": ("meta.label",),
    "source": ("source",),
    "url": ("url",),
    "time": ("time",),
}
LAYOUTS = {
    "plain": PLAIN,
    "labelled": Layout(kind="labelled", roles={"text": ("text",), "label": ("meta.label",)}),
    "instruction": INSTRUCTION,
    "chat": CHAT,
    "chat with answers alone": Layout(kind="chat", roles={"response": ("messages",)}),
    "preference": PREFERENCE,
    "preference without prompts": UNPROMPTED,
    "plain with every role": Layout(kind="plain", roles=EVERY_ROLE),
    "chat with every role": Layout(kind="chat", roles=EVERY_ROLE),
    "preference with every role": Layout(kind="preference", roles=EVERY_ROLE),
    "nothing": Layout(kind="plain", roles={}),
}


def block_of(records: Sequence[Mapping[str, object]]) -> RecordBlock:
    count = len(records)
    return RecordBlock(
        rows=list(range(count)),
        byte_offsets=[10 * row for row in range(count)],
        digests=[hashlib.sha256(str(row).encode()).digest() for row in range(count)],
        fields=list(records),
        oddities=[None] * count,
        bytes_read=0,
    )


def texts_of(record: Mapping[str, object], layout: Layout) -> dict[str, str]:
    """Return what stands in the text columns of a record's row, without what is null."""
    row = to_batch(block_of([record]), layout).to_pylist()[0]
    return {name: row[name] for name in STRINGS if row[name] is not None}


# the schema


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("records", [[], [{}], [{"text": "a", "messages": []}, {"other": None}]])
def test_every_batch_has_the_one_schema(name: str, records: list[Record]) -> None:
    batch = to_batch(block_of(records), LAYOUTS[name])
    assert batch.schema.equals(BATCH_SCHEMA, check_metadata=True)
    assert batch.num_rows == len(records)
    batch.validate(full=True)


def test_where_a_record_stands_is_kept() -> None:
    block = replace(block_of([{"text": "a"}, {"text": "b"}]), rows=[7, 9], oddities=[None, "cut"])
    batch = to_batch(block, PLAIN)
    assert batch["row"].to_pylist() == [7, 9]
    assert batch["byte_offset"].to_pylist() == [0, 10]
    assert batch["sha256"].to_pylist() == block.digests
    assert batch["oddity"].to_pylist() == [None, "cut"]


# fields and their columns

VALUES: list[tuple[object, str | None]] = [
    ("as it is ", "as it is "),
    ("", ""),
    (None, None),
    (1.0, "1"),
    (1, "1"),
    (0.5, "0.5"),
    (True, "true"),
    (b"\xff", "\ufffd"),
    (["a", "b"], "a\nb"),
    ({"a": {"b": "c"}}, "a.b: c"),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
@pytest.mark.parametrize("role", ["text", "record_id", "time"])
def test_a_value_of_any_type_is_a_text(role: str, value: object, text: str | None) -> None:
    layout = Layout(kind="labelled", roles={role: ("field",)})
    assert texts_of({"field": value}, layout).get(role) == text


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (" as it is ", "as it is"),
        ("", None),
        ("  ", None),
        ("NaN", None),
        (float("nan"), None),
        ("none", "none"),
        (1.0, "1"),
        (True, "true"),
        (["a"], "a"),
        (["b", "a"], "a + b"),
        ([], None),
    ],
)
def test_a_label_has_no_blanks_and_a_blank_is_none(value: object, label: str | None) -> None:
    layout = Layout(kind="labelled", roles={"text": ("text",), "label": ("label",)})
    assert texts_of({"text": "said", "label": value}, layout).get("label") == label


def test_equal_labels_of_different_types_are_equal() -> None:
    records = [{"label": 1}, {"label": 1.0}, {"label": "1"}]
    layout = Layout(kind="labelled", roles={"label": ("label",)})
    assert to_batch(block_of(records), layout)["label"].to_pylist() == ["1", "1", "1"]


def test_fields_in_no_role_are_named_lines_of_other() -> None:
    record = {
        "text": "a",
        "note": "b",
        "n": 3,
        "void": None,
        "blank": "",
        "deep": {"x": ["y", "z"]},
    }
    assert texts_of(record, PLAIN) == {"text": "a", "other": "note: b\nn: 3\ndeep: x: y\nz"}


def test_a_record_with_nothing_else_has_no_other() -> None:
    assert texts_of({"text": "a", "void": None}, PLAIN) == {"text": "a"}


@pytest.mark.parametrize("layout", [PLAIN, INSTRUCTION, CHAT, PREFERENCE, UNPROMPTED])
@pytest.mark.parametrize("value", [None, [], {}])
def test_a_record_of_nulls_is_a_row_of_nulls(layout: Layout, value: object) -> None:
    names = {name for names in layout.roles.values() for name in names}
    assert not any(texts_of(dict.fromkeys(names, value), layout).values())
    assert not texts_of({}, layout)


def test_several_fields_of_one_role_are_lines_in_the_layouts_order() -> None:
    record = {"output": "c", "input": "b", "instruction": "a"}
    assert texts_of(record, INSTRUCTION) == {"prompt": "a\nb", "response": "c"}


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_field_adds_no_line(nothing: object) -> None:
    assert texts_of({"instruction": "a", "input": nothing}, INSTRUCTION)["prompt"] == "a"


def test_a_field_may_be_a_path() -> None:
    layout = Layout(kind="labelled", roles={"text": ("data.body",), "label": ("meta.label",)})
    record = {"data": {"body": "a"}, "meta": {"label": 2.0}}
    found = texts_of(record, layout)
    assert (found["text"], found["label"]) == ("a", "2")


def test_repeated_keys_as_the_reader_keeps_them_are_in_other() -> None:
    record = {"text": "last", "(repeated keys)": [{"text": "first"}, {"text": "second"}]}
    assert texts_of(record, PLAIN)["other"] == "(repeated keys): text: first\ntext: second"


# odd text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeffa\ud800", "\ufeffa\ufffd"),
        ("a\0b", "a\0b"),
    ],
)
def test_halves_of_characters_become_encodable(text: str, kept: str) -> None:
    record = {"text": text, "x": text}
    assert texts_of(record, PLAIN) == {"text": kept, "other": f"x: {kept}"}


def test_a_field_name_that_is_half_a_character_becomes_encodable() -> None:
    assert texts_of({"\ud800": "a"}, PLAIN) == {"other": "\ufffd: a"}


@steady(max_examples=60)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1), half=st.sampled_from("\ud800\udc00"))
def test_what_stands_around_half_a_character_is_kept(text: str, half: str) -> None:
    assert texts_of({"text": text + half + text}, PLAIN)["text"] == f"{text}\ufffd{text}"


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("field", ["text", "messages", "chosen", "x"])
def test_deep_nesting_is_no_crash_and_no_loss(name: str, field: str) -> None:
    value: object = "zero\u200bwidth"
    for _ in range(3000):
        value = {"k": [value]}
    found = texts_of({field: [{"role": "user", "content": value}]}, LAYOUTS[name])
    assert any("zero\u200bwidth" in text for text in found.values())


# chats


def turn(role: str, text: object) -> dict[str, object]:
    return {"role": role, "content": text}


@pytest.mark.parametrize("role", sorted(PROMPT_ROLES | RESPONSE_ROLES))
def test_a_turn_is_attributed_to_who_spoke(role: str) -> None:
    column = "prompt" if role in PROMPT_ROLES else "response"
    assert texts_of({"messages": [turn(role, "said")]}, CHAT) == {column: "said"}


def test_turns_of_one_side_are_lines_in_order() -> None:
    turns = [turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")]
    record = {"messages": turns, "system": "be kind"}
    assert texts_of(record, CHAT) == {"prompt": "be kind\na\nc", "response": "b\nd"}


OTHERS: dict[str, tuple[object, str]] = {
    "no role": ({"content": "said"}, "said"),
    "no message": ("said", "said"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_neither_asked_nor_answered_goes_to_other(case: str) -> None:
    message, other = OTHERS[case]
    turns = [turn("user", "a"), message, turn("assistant", "b")]
    assert texts_of({"messages": turns}, CHAT) == {"prompt": "a", "response": "b", "other": other}


def test_fields_beside_a_chat_come_before_what_is_odd_in_it() -> None:
    record = {"messages": [{"content": "said", "role": ""}, turn("user", "a")], "note": "x"}
    assert texts_of(record, CHAT) == {"prompt": "a", "other": "note: x\nsaid"}


STRANGERS: dict[str, tuple[list[str], str, str]] = {
    "beside both sides": (["user", "Narrator", "assistant"], "0\n1", "2"),
    "with one who asks": (["user", "Chatty", "user", "Chatty"], "0\n2", "1\n3"),
    "with one who answers": (["Hero", "assistant"], "0", "1"),
    "two, who take turns": (["Hero", "Oracle"], "0", "1"),
    "two, after the system": (["system", "Hero", "Oracle"], "0\n1", "2"),
    "two, the model greets": (["Oracle", "Hero", "Oracle"], "1", "0\n2"),
    "numbers": (["0", "1", "0", "1"], "0\n2", "1\n3"),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_strangers_are_on_the_side_that_their_turns_tell(case: str) -> None:
    spoken, prompt, response = STRANGERS[case]
    turns = [turn(who, str(place)) for place, who in enumerate(spoken)]
    found = texts_of({"messages": turns}, CHAT)
    assert (found["prompt"], found["response"]) == (prompt, response)


@pytest.mark.parametrize(
    ("value", "prompt"),
    [("a text", "a text"), (turn("user", "a"), "a"), ({"x": "a"}, "x: a"), ([1, 2], "1\n2")],
)
def test_one_turn_or_what_is_no_chat_in_a_chats_field_is_a_prompt(
    value: object, prompt: str
) -> None:
    assert texts_of({"messages": value}, CHAT) == {"prompt": prompt}


@pytest.mark.parametrize("value", [["a", "b", "c"], [["a", "b"], ["c", None]]])
def test_texts_alone_are_taken_in_turns(value: object) -> None:
    assert texts_of({"messages": value}, CHAT) == {"prompt": "a\nc", "response": "b"}


# preferences

ASKED, GOOD, BAD = turn("user", "ask"), turn("assistant", "good"), turn("assistant", "bad")
PREFERENCES: dict[str, tuple[Layout, Record, dict[str, str]]] = {
    "texts": (
        PREFERENCE,
        {"prompt": "ask", "chosen": "good", "rejected": "bad"},
        {"prompt": "ask", "response": "good", "rejected": "bad"},
    ),
    "chats": (
        UNPROMPTED,
        {"chosen": [ASKED, GOOD], "rejected": [ASKED, BAD]},
        {"prompt": "ask", "response": "good", "rejected": "bad"},
    ),
    "chats with a prompt": (
        PREFERENCE,
        {"prompt": "ask", "chosen": [ASKED, GOOD], "rejected": [BAD]},
        {"prompt": "ask", "response": "good", "rejected": "bad", "other": "ask"},
    ),
    "a prompt of several turns": (
        PREFERENCE,
        {"prompt": [ASKED, GOOD, ASKED], "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": "ask\nask\ngood", "response": "good", "rejected": "bad"},
    ),
    "only one side": (
        PREFERENCE,
        {"prompt": "ask", "rejected": "bad"},
        {"prompt": "ask", "rejected": "bad"},
    ),
}


@pytest.mark.parametrize("case", PREFERENCES)
def test_a_preference_has_a_prompt_and_two_answers(case: str) -> None:
    layout, record, texts = PREFERENCES[case]
    assert texts_of(record, layout) == texts


# nothing is lost

FIELDS = sorted(
    {name for layout in LAYOUTS.values() for names in layout.roles.values() for name in names}
    | {"meta", "role", "content", "Ünknown", "(repeated keys)"}
)
KEYS = st.sampled_from(
    ["role", "from", "speaker", "content", "value", "text", "type", "tool_calls", "label", "k"]
)
ROLES = st.sampled_from(["user", "human", "assistant", "gpt", "system", "tool", "Narrator", ""])
MARKER = "marker"
markers = st.just(MARKER)
scalars = st.one_of(markers, markers, st.none(), st.integers(), st.floats(), st.booleans())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.fixed_dictionaries({"role": ROLES, "content": inner}, optional={"name": inner}),
    ),
    max_leaves=12,
)
records = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)


class Marked:
    """A copy of a value in which every marker is a word of its own."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def copy(self, value: object) -> object:
        if isinstance(value, dict):
            return {key: self.copy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.copy(item) for item in value]
        if value != MARKER:
            return value
        self.words.append(f"Mark{len(self.words)}er")
        return self.words[-1]


def columns_of(record: object, layout: Layout) -> str:
    assert isinstance(record, dict)
    return "\n".join(texts_of(record, layout).values())


def lost(record: Record, layout: Layout) -> list[str]:
    """Return the marked words that are in no column of a record's row."""
    marked = Marked()
    found = columns_of(marked.copy(record), layout)
    return [word for word in marked.words if word not in found]


@steady(max_examples=150)
@given(record=records)
def test_every_text_of_a_record_is_in_its_row(record: Record) -> None:
    assert {name: lost(record, layout) for name, layout in LAYOUTS.items()} == {
        name: [] for name in LAYOUTS
    }


@steady(max_examples=80)
@given(found=st.lists(records, min_size=1, max_size=3))
def test_every_text_is_in_its_row_whatever_layout_is_found(found: list[Record]) -> None:
    layout = detect_layout(found, FieldOverrides())
    assert [lost(record, layout) for record in found] == [[] for _ in found]


@steady(max_examples=30)
@given(found=st.lists(records, max_size=4), cut=st.integers(0, 4))
def test_how_records_are_cut_into_blocks_does_not_matter(found: list[Record], cut: int) -> None:
    for layout in (PLAIN, CHAT, PREFERENCE):
        whole = to_batch(block_of(found), layout)
        parts = [to_batch(block_of(part), layout) for part in (found[:cut], found[cut:])]
        for name in STRINGS:
            assert whole[name].to_pylist() == [
                text for part in parts for text in part[name].to_pylist()
            ]


# samples


@pytest.fixture(scope="module")
def many() -> RecordBlock:
    """A block of 4000 records."""
    return block_of([{"text": f"text {row}"} for row in range(4000)])


def kept(block: RecordBlock, share: float, seed: int = 0) -> set[int]:
    return set(keep_sample(block, share, seed).rows)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, -1, 2**64])
def test_a_sample_is_about_as_large_as_its_share(
    many: RecordBlock, share: float, seed: int
) -> None:
    deviation = (4000 * share * (1 - share)) ** 0.5
    assert abs(len(kept(many, share, seed)) - 4000 * share) < 4 * deviation


def test_samples_are_nested(many: RecordBlock) -> None:
    samples = [kept(many, share) for share in (1e-6, 0.01, 0.2, 0.5, 0.99, 1.0)]
    assert all(small < large for small, large in pairwise(samples))


def test_a_share_of_one_keeps_everything(many: RecordBlock) -> None:
    assert keep_sample(many, 1.0, 0) == many


def test_a_tiny_share_keeps_next_to_nothing(many: RecordBlock) -> None:
    assert len(kept(many, 1e-9)) <= 1


def test_another_seed_is_another_sample(many: RecordBlock) -> None:
    assert kept(many, 0.5, 1) != kept(many, 0.5, 2)
    both = len(kept(many, 0.5, 1) & kept(many, 0.5, 2))
    assert abs(both - 1000) < 120


def places(block: RecordBlock, order: Sequence[int]) -> RecordBlock:
    lists = ("rows", "byte_offsets", "digests", "fields", "oddities")
    return replace(block, **{n: [getattr(block, n)[place] for place in order] for n in lists})


def pieces(count: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def test_the_order_of_records_does_not_change_a_sample(many: RecordBlock) -> None:
    assert kept(places(many, range(3999, -1, -1)), 0.2) == kept(many, 0.2)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_how_a_corpus_is_cut_does_not_change_a_sample(many: RecordBlock, size: int) -> None:
    parts = [kept(places(many, part), 0.2) for part in pieces(4000, size)]
    assert set().union(*parts) == kept(many, 0.2)


def test_a_sample_keeps_what_belongs_to_each_record(many: RecordBlock) -> None:
    sample = keep_sample(many, 0.2, 0)
    assert sample == places(many, sample.rows)


def test_equal_records_are_kept_or_left_together() -> None:
    block = replace(block_of([{}] * 100), digests=[bytes(32)] * 100)
    assert {len(keep_sample(block, 0.5, seed).rows) for seed in range(20)} == {0, 100}
