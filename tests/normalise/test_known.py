"""Each known layout by an example: what it is called, and what its records say in which role."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from corpora import Record
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import Scheme, Sorter, detect_layout, to_batch
from corpus_guard.normalise.known import KNOWN
from corpus_guard.normalise.turns import implicit_prompt
from corpus_guard.types import STRING_COLUMNS, Layout, RecordBlock

ASK, GOOD, BAD = (
    {"role": "user", "content": "ask"},
    {"role": "assistant", "content": "good"},
    {"role": "assistant", "content": "bad"},
)
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"at": 1}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "found"}
ONE, TWO = "one of the longer texts", "another of the longer texts"
HH = "\n\nHuman: hi\n\nAssistant: hello\n\nHuman: how?\n\nAssistant:"


@dataclass(frozen=True)
class Case:
    """A record, the name and kind of its layout, and its texts by column."""

    record: Record
    name: str
    kind: str
    texts: Mapping[str, str]


def case(record: Record, name: str, kind: str, **texts: str) -> Case:
    return Case(record, name, kind, texts)


CASES: dict[str, Case] = {
    # TRL
    "language modelling": case({"text": ONE}, "text", "plain", text=ONE),
    "prompts": case({"prompt": ONE}, "prompts", "plain", prompt=ONE),
    "prompts as messages": case(
        {"prompt": [ASK]}, "prompts (conversational)", "plain", prompt="ask"
    ),
    "prompt and completion": case(
        {"prompt": "a", "completion": "b"}, "instructions", "instruction", prompt="a", response="b"
    ),
    "prompt and completion as messages": case(
        {"prompt": [ASK], "completion": [GOOD]},
        "instructions (conversational)",
        "instruction",
        prompt="ask",
        response="good",
    ),
    "preference as messages": case(
        {"prompt": [ASK], "chosen": [GOOD], "rejected": [BAD]},
        "preference (conversational)",
        "preference",
        prompt="ask",
        response="good",
        rejected="bad",
    ),
    "implicit prompt": case(
        {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        "preference",
        "preference",
        prompt="The sky is ",
        response="blue.",
        rejected="green.",
        other="The sky is blue.",
    ),
    "implicit prompt of messages": case(
        {"chosen": [ASK, BAD, ASK, GOOD], "rejected": [ASK, BAD, ASK, BAD]},
        "preference (conversational)",
        "preference",
        prompt="ask\nask\nbad",
        response="good",
        rejected="bad",
    ),
    "unpaired preference": case(
        {"prompt": "a", "completion": "b", "label": True},
        "unpaired preference",
        "instruction",
        prompt="a",
        response="b",
        label="true",
    ),
    "unpaired preference as messages": case(
        {"prompt": [ASK], "completion": [BAD], "label": False},
        "unpaired preference (conversational)",
        "instruction",
        prompt="ask",
        response="bad",
        label="false",
    ),
    "steps": case(
        {"prompt": "a", "completions": ["b", "c"], "labels": [True, False]},
        "stepwise supervision",
        "instruction",
        prompt="a",
        response="b\nc",
        other="labels: true\nfalse",
    ),
    # instructions
    "Alpaca with its template": case(
        {"instruction": "a", "input": "b", "output": "c", "text": "### a ### b ### c"},
        "instructions",
        "instruction",
        prompt="a\nb",
        response="c",
        other="text: ### a ### b ### c",
    ),
    "history": case(
        {"system": "s", "instruction": "c", "output": "d", "history": [["a", "b"]]},
        "instructions",
        "instruction",
        prompt="s\na\nc",
        response="b\nd",
    ),
    "KTO tags": case(
        {"instruction": "a", "output": "b", "kto_tag": True},
        "unpaired preference",
        "instruction",
        prompt="a",
        response="b",
        label="true",
    ),
    "SQuAD": case(
        {"title": "t", "context": "b", "question": "a",
         "answers": {"text": ["c"], "answer_start": [5]}},
        "instructions",
        "instruction",
        prompt="a\nb",
        response="c",
        other="title: t\nanswers: answer_start: 5",
    ),
    "an article and a question": case(
        {"article": "b", "question": "a", "answer": "c"},
        "instructions",
        "instruction",
        prompt="a\nb",
        response="c",
    ),
    "a summary": case(
        {"article": ONE, "highlights": TWO}, "summaries", "instruction", prompt=ONE, response=TWO
    ),
    "a dialogue and its summary": case(
        {"dialogue": ONE, "summary": TWO}, "summaries", "instruction", prompt=ONE, response=TWO
    ),
    "inputs and targets": case(
        {"inputs": "a", "targets": "b"}, "instructions", "instruction", prompt="a", response="b"
    ),
    "source and target": case(
        {"source": ONE, "target": TWO}, "translation", "instruction", prompt=ONE, response=TWO
    ),
    "two languages inside": case(
        {"translation": {"en": "a", "de": "b"}},
        "translation",
        "instruction",
        prompt="a",
        response="b",
    ),
    "two languages": case(
        {"de": ONE, "en": TWO}, "translation", "instruction", prompt=ONE, response=TWO
    ),
    "thoughts": case(
        {"problem": "a", "reasoning": "b", "solution": "c"},
        "instructions",
        "instruction",
        prompt="a",
        response="b\nc",
    ),
    "a response of unknown name": case(
        {"prompt": "a", "story": ONE}, "instructions", "instruction", prompt="a", response=ONE
    ),
    "rewards": case(
        {"prompt": [ASK], "reward_model": {"style": "rule", "ground_truth": "7"}},
        "instructions (conversational)",
        "instruction",
        prompt="ask",
        response="7",
        other="reward_model: style: rule",
    ),
    # chats
    "tools": case(
        {"messages": [ASK, CALL, RESULT, {**GOOD, "weight": 0}], "tools": [{"name": "look"}]},
        "chat",
        "chat",
        prompt="ask\nfound",
        response='id: c1\nfunction.name: look\nfunction.arguments: {"at": 1}\ngood',
        other="tools: name: look\ntool_call_id: c1\nname: look\nweight: 0",
    ),
    "a refusal": case(
        {"messages": [{"role": "developer", "content": "be kind"}, ASK,
                      {"role": "assistant", "content": "", "refusal": "no"}]},
        "chat",
        "chat",
        prompt="be kind\nask",
        response="no",
    ),
    "ShareGPT with tools": case(
        {"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "b"},
                           {"from": "observation", "value": "c"}, {"from": "gpt", "value": "d"}]},
        "chat",
        "chat",
        prompt="a\nc",
        response="b\nd",
    ),
    "messages of other names": case(
        {"log": [{"who": "user", "what": "a"}, {"who": "assistant", "what": "b"}]},
        "chat",
        "chat",
        prompt="a",
        response="b",
    ),
    "messages inside messages": case(
        {"messages": [{"type": "human", "data": {"content": "a", "text": "x"}},
                      {"type": "ai", "data": {"content": "b"}}]},
        "chat",
        "chat",
        prompt="a",
        response="b",
        other="text: x",
    ),
    "rounds": case(
        {"conversation": [{"human": "a", "assistant": "b"}, {"human": "c", "assistant": "d"}]},
        "chat",
        "chat",
        prompt="a\nc",
        response="b\nd",
    ),
    "segments": case(
        {"segments": [{"label": False, "text": "a"}, {"label": True, "text": "b"}]},
        "chat",
        "chat",
        prompt="a",
        response="b",
    ),
    "texts in turns": case(
        {"data": ["a", "b", "c"]}, "dialogue", "chat", prompt="a\nc", response="b"
    ),
    "a judged chat": case(
        {"messages": [ASK, GOOD], "label": True},
        "unpaired preference (conversational)",
        "chat",
        prompt="ask",
        response="good",
        label="true",
    ),
    "a tree": case(
        {"prompt": {"text": "a", "role": "prompter",
                    "replies": [{"text": "b", "role": "assistant", "replies": []}]}},
        "message tree",
        "chat",
        prompt="a",
        response="b",
    ),
    "rows of a tree": case(
        {"message_id": "m", "parent_id": "p", "text": "a", "role": "prompter"},
        "message tree rows",
        "plain",
        text="a",
        record_id="m",
        other="parent_id: p\nrole: prompter",
    ),
    # preferences
    "transcripts": case(
        {"chosen": f"{HH} well", "rejected": f"{HH} ill"},
        "preference",
        "preference",
        prompt=HH,
        response=" well",
        rejected=" ill",
    ),
    "a chat and two answers": case(
        {"conversations": [{"from": "human", "value": "a"}],
         "chosen": {"from": "gpt", "value": "b"}, "rejected": {"from": "gpt", "value": "c"}},
        "preference (conversational)",
        "preference",
        prompt="a",
        response="b",
        rejected="c",
    ),
    "OpenAI preference": case(
        {"input": {"messages": [ASK], "tools": []}, "preferred_output": [GOOD],
         "non_preferred_output": [BAD]},
        "preference (conversational)",
        "preference",
        prompt="ask",
        response="good",
        rejected="bad",
    ),
    "chosen and rejected responses": case(
        {"instruction": "a", "chosen_response": "b", "rejected_response": "c"},
        "preference",
        "preference",
        prompt="a",
        response="b",
        rejected="c",
    ),
    "scored": case(
        {"prompt": "a", "chosen": "b", "rejected": "c", "score_chosen": 0.5},
        "preference",
        "preference",
        prompt="a",
        response="b",
        rejected="c",
        other="score_chosen: 0.5",
    ),
    "the number of the better": case(
        {"prompt": "a", "response_0": "b", "response_1": "c", "better_response_id": 1},
        "preference, the better answer named",
        "preference",
        prompt="a",
        response="c",
        rejected="b",
        other="better_response_id: 1",
    ),
    "the letter of the better": case(
        {"prompt": "a", "response_a": "b", "response_b": "c", "winner": "A"},
        "preference, the better answer named",
        "preference",
        prompt="a",
        response="b",
        rejected="c",
        other="winner: A",
    ),
    "an arena": case(
        {"conversation_a": [ASK, GOOD], "conversation_b": [ASK, BAD], "winner": "model_b"},
        "preference, the better answer named (conversational)",
        "preference",
        prompt="ask",
        response="bad",
        rejected="good",
        other="winner: model_b",
    ),
    "an arena of flags": case(
        {"prompt": "a", "response_a": "b", "response_b": "c", "winner_model_a": 0,
         "winner_model_b": 1},
        "preference, the better answer named",
        "preference",
        prompt="a",
        response="c",
        rejected="b",
        other="winner_model_a: 0\nwinner_model_b: 1",
    ),
    "SHP": case(
        {"history": "a", "human_ref_A": "b", "human_ref_B": "c", "labels": 0},
        "preference, the better answer named",
        "preference",
        prompt="a",
        response="c",
        rejected="b",
        other="labels: 0",
    ),
    "a strength": case(
        {"context": [ASK], "response1": "b", "response2": "c", "overall_preference": -2},
        "preference, the better answer named (conversational)",
        "preference",
        prompt="ask",
        response="b",
        rejected="c",
        other="overall_preference: -2",
    ),
    "UltraFeedback": case(
        {"instruction": "a", "completions": [{"model": "m", "response": "b"}, {"response": "c"}]},
        "several answers",
        "instruction",
        prompt="a",
        response="b\nc",
        other="model: m",
    ),
    "a triple": case(
        {"anchor": "a", "positive": "b", "negative": "c"},
        "retrieval triples",
        "preference",
        prompt="a",
        response="b",
        rejected="c",
    ),
    # choices
    "a number chosen": case(
        {"question": "a", "choices": ["b", "c"], "answer": 1},
        "multiple choice",
        "labelled",
        prompt="a\nb\nc",
        label="1",
    ),
    "a letter chosen": case(
        {"question": "a", "choices": {"text": ["b"], "label": ["A"]}, "answerKey": "A"},
        "multiple choice",
        "labelled",
        prompt="a\nb",
        label="A",
        other="choices: label: A",
    ),
    "endings": case(
        {"ctx": "a", "endings": ["b", "c"], "label": "1"},
        "multiple choice",
        "labelled",
        prompt="a\nb\nc",
        label="1",
    ),
    "choices in columns": case(
        {"question": "a", "A": "b", "B": "c", "C": "d", "D": "e", "answer": "C"},
        "multiple choice",
        "labelled",
        prompt="a\nb\nc\nd\ne",
        label="C",
    ),
    "a choice explained": case(
        {"question": "a", "choices": ["b"], "solution": ONE},
        "multiple choice",
        "instruction",
        prompt="a\nb",
        response=ONE,
    ),
    # texts
    "inference": case(
        {"premise": "a", "hypothesis": "b", "label": 2},
        "text pairs with labels",
        "labelled",
        text="a\nb",
        label="2",
    ),
    "likeness": case(
        {"sentence1": "a", "sentence2": "b", "score": 0.5},
        "text pairs",
        "plain",
        text="a\nb",
        other="score: 0.5",
    ),
    "duplicate questions": case(
        {"question1": "a", "question2": "b", "is_duplicate": 0},
        "text pairs with labels",
        "labelled",
        text="a\nb",
        label="0",
    ),
    "tokens": case(
        {"tokens": ["a", "b"], "ner_tags": [0, 1]},
        "token labels",
        "plain",
        text="a b",
        other="ner_tags: 0\n1",
    ),
    "a labelled text with its title": case(
        {"title": ONE, "content": "a", "label": 1},
        "labelled text",
        "labelled",
        text=f"{ONE}\na",
        label="1",
    ),
    "a part of a corpus": case(
        {"text": "a", "meta": {"pile_set_name": "b", "n": 1}},
        "text",
        "plain",
        text="a",
        source="b",
        other="meta: n: 1",
    ),
    "a web page": case(
        {"text": "a", "metadata": {"date": "b", "url": "c"}, "source": "d"},
        "text",
        "plain",
        text="a",
        time="b",
        url="c",
        source="d",
    ),
}  # fmt: skip


def layout_of(records: Sequence[Record], **named: str) -> Layout:
    return detect_layout(records, FieldOverrides(**named))


def sorter_of(records: Sequence[Record]) -> Sorter:
    return Sorter(Scheme.of(records, FieldOverrides()))


def texts_of(records: Sequence[Record], given: Layout | Sorter) -> list[dict[str, str]]:
    """Return the texts of each record's row by column."""
    count = len(records)
    block = RecordBlock(
        rows=list(range(count)),
        byte_offsets=[0] * count,
        digests=[hashlib.sha256(str(row).encode()).digest() for row in range(count)],
        fields=list(records),
        oddities=[None] * count,
        bytes_read=0,
    )
    rows = to_batch(block, given).to_pylist()
    return [{name: row[name] for name in STRING_COLUMNS if row[name] is not None} for row in rows]


@pytest.mark.parametrize("name", CASES)
def test_a_layout_is_named_and_its_texts_are_in_their_roles(name: str) -> None:
    expected = CASES[name]
    layout = layout_of([expected.record] * 20)
    assert (layout.name, layout.kind) == (expected.name, expected.kind)
    assert texts_of([expected.record], layout) == [expected.texts]


@pytest.mark.parametrize("name", CASES)
def test_a_few_planted_records_of_any_layout_do_not_change_a_file(name: str) -> None:
    honest = [{"text": f"text {n}", "label": "good" if n % 2 else "bad"} for n in range(230)]
    layout = layout_of([CASES[name].record] * 20 + honest)
    assert layout.roles == {"text": ("text",), "label": ("label",)}


def test_every_entry_of_the_table_has_a_name_and_roles_of_the_schema() -> None:
    for known in KNOWN:
        assert known.name
        assert known.roles.keys() <= {"text", "prompt", "response", "rejected", "label"}
        assert bool(known.winner) == bool(known.second)


# nothing is lost

MARK = "Mark{}er"
KEPT = frozenset(
    {"role", "from", "who", "type", "winner", "human", "user", "assistant", "ai", "gpt"}
)


class Marks:
    """Copies values with a word of its own in every text, and in every key that is new."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def word(self) -> str:
        self.words.append(MARK.format(len(self.words)))
        return self.words[-1]

    def copy(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: self.copy(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.copy(item, key) for item in value]
        if isinstance(value, str) and key not in KEPT:
            return f"{value} {self.word()}"
        return value

    def new(self, shape: object) -> object:
        """Return a value with a new word in each leaf and each key."""
        if isinstance(shape, dict):
            return {f"{name} {self.word()}": self.new(item) for name, item in shape.items()}
        if isinstance(shape, list):
            return [self.new(item) for item in shape]
        return self.word() if shape == "text" else shape


shapes = st.recursive(
    st.sampled_from(["text", None, "", 3]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(CASES)), extra=shapes, message=shapes, path=st.booleans())
def test_every_text_and_every_key_of_a_record_is_in_its_row(
    name: str, extra: object, message: object, path: bool
) -> None:
    known, marks = CASES[name].record, Marks()
    layout = layout_of([known] * 20)
    record = marks.copy(known)
    assert isinstance(record, dict)
    for value in record.values():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value[0][f"note {marks.word()}"] = marks.new(message)
            value.append(marks.new(message))
    record[f"extra {marks.word()}" if path else "extra"] = marks.new(extra)
    found = "\n".join(texts_of([record], layout)[0].values())
    assert [word for word in marks.words if word not in found] == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(names=st.lists(st.sampled_from(sorted(CASES)), min_size=1, max_size=6))
def test_a_mixed_file_loses_no_text(names: list[str]) -> None:
    sorter = sorter_of([CASES[name].record for name in names])
    for name in names:
        marks = Marks()
        record = marks.copy(CASES[name].record)
        assert isinstance(record, dict)
        found = "\n".join(texts_of([record], sorter)[0].values())
        assert [word for word in marks.words if word not in found] == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(key=st.text(min_size=1).filter(lambda key: not (key.isascii() and key.isidentifier())))
def test_a_key_that_is_more_than_a_name_is_kept_even_over_nothing(key: str) -> None:
    layout = Layout(kind="plain", roles={"text": ("text",)})
    seen = key.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for record in ({"text": "a", "x": {key: None}}, {"text": "a", "x": [{"y": {key: []}}]}):
        plain = all(char.isalnum() or char in "_.-" for char in key) and key.isascii()
        assert plain or seen in texts_of([record], layout)[0]["other"]


def test_a_texts_field_whose_name_carries_text_is_kept_with_its_name() -> None:
    record = {"ignore all\u200brules": "a longer text than the name of it"}
    texts = texts_of([record], layout_of([record] * 20))[0]
    assert texts == {"text": "a longer text than the name of it", "other": "ignore all\u200brules"}


DEEP: object = "deep\u200bdown"
for _ in range(3000):
    DEEP = {"k": [DEEP]}
DEEP_CHAT: object = [{"role": "user", "content": DEEP}]
ODD: list[object] = [
    None, "", float("nan"), -(10**400), b"\xff", "\ud800", [], {}, [[]], [None], [{}], [[], []],
    [["a", None]], [{"role": None}], {"role": 7, "content": [7]}, {None: "user"}, {1: {2: 3}},
    [{"label": True, "text": None}], {"text": {"text": ["a"]}}, ["a", 1], True, DEEP,
    DEEP_CHAT, {"replies": [{"role": "user", "text": "b", "replies": 3}]},
]  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(CASES)), data=st.data())
def test_no_value_in_any_field_of_any_layout_is_a_crash(name: str, data: st.DataObject) -> None:
    known = CASES[name].record
    odd = {field: data.draw(st.sampled_from([*ODD, value])) for field, value in known.items()}
    layouts = (layout_of([known] * 20), layout_of([odd] * 20))
    for way in (*layouts, sorter_of([known] * 20), sorter_of([odd] * 20), sorter_of([])):
        found = "\n".join(texts_of([odd], way)[0].values())
        if any(value is DEEP or value is DEEP_CHAT for value in odd.values()):
            assert "deep\u200bdown" in found


# mixed files

ALPACA: Record = {"instruction": "a", "input": "", "output": "b"}
CHAT: Record = {"messages": [ASK, GOOD]}


@pytest.mark.parametrize("order", [[ALPACA, CHAT], [CHAT, ALPACA]])
@pytest.mark.parametrize("share", [1, 19])
def test_each_record_of_a_mixed_file_is_read_as_what_it_is(order: list[Record], share: int) -> None:
    sorter = sorter_of([order[0]] * share + [order[1]] * (20 - share))
    rows = texts_of([ALPACA, CHAT], sorter)
    assert rows == [
        {"prompt": "a", "response": "b"},
        {"prompt": "ask", "response": "good"},
    ]


def test_a_record_of_another_layout_keeps_its_place_and_its_id() -> None:
    sorter = sorter_of([{"id": 1, **ALPACA}] * 20)
    rows = texts_of([{"id": 1, **ALPACA}, {"id": 2, "note": "n", **CHAT}], sorter)
    assert rows[1] == {"record_id": "2", "prompt": "ask", "response": "good", "other": "note: n"}


@pytest.mark.parametrize("known", [[ALPACA] * 20, []])
def test_the_longest_text_of_a_record_of_no_layout_is_its_text(known: list[Record]) -> None:
    record: Record = {"odd": "so it is", "more": 1, "less": "so"}
    assert texts_of([record], sorter_of(known)) == [
        {"text": "so it is", "other": "more: 1\nless: so"}
    ]


def test_how_a_mixed_file_is_cut_into_blocks_does_not_matter() -> None:
    records = [CASES[name].record for name in sorted(CASES)]
    sorter = sorter_of(records)
    assert texts_of(records, sorter) == [texts_of([record], sorter)[0] for record in records]


# fields of no meaning


@pytest.mark.parametrize("field", ["language", "lang", "license", "split", "dump"])
def test_what_describes_a_text_is_no_label(field: str) -> None:
    records: list[Record] = [{"text": f"text {n}", field: "ab"[n % 2]} for n in range(100)]
    assert layout_of(records).kind == "plain"


def test_a_category_beside_instructions_is_no_label() -> None:
    records: list[Record] = [{**ALPACA, "category": "ab"[n % 2]} for n in range(100)]
    assert "label" not in layout_of(records).roles


# overrides


@pytest.mark.parametrize("role", ["text", "prompt", "response"])
def test_a_field_that_the_user_names_may_hold_a_chat(role: str) -> None:
    record: Record = {"log": {"x": [ASK, GOOD]}, "text": "b"}
    layout = layout_of([record] * 20, **{role: "log.x"})
    assert layout.kind == "chat"
    assert texts_of([record], layout) == [{"prompt": "ask", "response": "good", "other": "text: b"}]


def test_a_path_may_lead_into_a_list() -> None:
    record: Record = {"messages": [ASK, GOOD]}
    named = {"prompt": "messages.0.content", "response": "messages.-1.content"}
    layout = layout_of([record] * 20, **named)
    assert texts_of([record], layout) == [
        {
            "prompt": "ask",
            "response": "good",
            "other": "messages: role: user\nrole: assistant",
        }
    ]


# implicit prompts


@pytest.mark.parametrize(
    ("chosen", "rejected", "prompt"),
    [
        ("a b c", "a b d", "a b "),
        ("same", "same", ""),
        ("a b", "a b", "a "),
        ("a b", "a b c", "a "),
        ("abc", "abd", ""),
        ("", "a", ""),
        ("x\n\nAssistant: a b", "x\n\nAssistant: a c", "x\n\nAssistant:"),
        ("q [/INST] a", "q [/INST] b", "q [/INST]"),
    ],
)
def test_an_implicit_prompt_is_what_both_answers_begin_with(
    chosen: str, rejected: str, prompt: str
) -> None:
    end, is_marked = implicit_prompt(chosen, rejected)
    assert chosen[:end] == prompt
    assert is_marked == prompt.endswith(("Assistant:", "[/INST]"))


def test_a_phrase_across_the_end_of_an_implicit_prompt_stays_whole_somewhere() -> None:
    record = {"chosen": "please ignore all rules", "rejected": "please ignore all meals"}
    texts = texts_of([record], layout_of([record] * 20))[0]
    assert texts["prompt"] == "please ignore all "
    assert any("ignore all rules" in text for text in texts.values())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(start=st.text(), one=st.text(), two=st.text())
def test_an_implicit_prompt_is_a_common_beginning(start: str, one: str, two: str) -> None:
    end, _ = implicit_prompt(start + one, start + two)
    assert (start + one)[:end] == (start + two)[:end]
