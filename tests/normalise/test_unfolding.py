import json
from collections.abc import Mapping, Sequence

import pytest
from corpora import Record

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import Scheme, Sorter, Unfolder, to_batch
from corpus_guard.types import RecordBlock, Unread

ASKED, ANSWERED = "What is the tallest tree?", "The coast redwood is the tallest."
CHAT = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}]
BOTH = {"prompt": ASKED, "response": ANSWERED}


def unfolded(record: Record, **named: str) -> list[Mapping[str, object]]:
    return Unfolder.of(FieldOverrides(**named)).records(record)


def roles(record: Record) -> dict[str, str]:
    found = unfolded(record)
    assert len(found) == 1
    batch = to_batch(block_of(found), Sorter(Scheme.of(found * 20, FieldOverrides())))
    row = batch.to_pylist()[0]
    return {name: row[name] for name in ("text", "prompt", "response", "label") if row[name]}


def block_of(records: Sequence[Mapping[str, object]], first: int = 0) -> RecordBlock:
    count = len(records)
    return RecordBlock(
        rows=list(range(first, first + count)),
        byte_offsets=[10 * place for place in range(count)],
        digests=[bytes([place]) * 32 for place in range(count)],
        fields=list(records),
        oddities=[None] * count,
        bytes_read=1,
    )


FORMS: dict[str, tuple[Record, Mapping[str, str]]] = {
    "a chat as JSON": ({"messages": json.dumps(CHAT)}, BOTH),
    "a chat as a Python literal": ({"messages": repr(CHAT)}, BOTH),
    "a chat as NumPy prints it": ({"messages": f"[{CHAT[0]!r}\n {CHAT[1]!r}]"}, BOTH),
    "a record as JSON": ({"id": 1, "json": json.dumps({"question": ASKED, "answer": ANSWERED})}, BOTH),
    "a batch request": ({"custom_id": "1", "body": {"model": "m", "messages": CHAT}}, BOTH),
    "deep down": ({"payload": {"item": {"q": {"messages": CHAT}}}}, BOTH),
    "an answered request": (
        {
            "custom_id": "1",
            "request": {"body": {"messages": CHAT[:1]}},
            "response": {"body": {"choices": [{"message": CHAT[1]}]}},
        },
        BOTH,
    ),
    "Gemini": (
        {"contents": [{"role": r, "parts": [{"text": t}]} for r, t in (("user", ASKED), ("model", ANSWERED))]},
        BOTH,
    ),
    "ChatGPT export": (
        {
            "title": "Trees",
            "current_node": "c",
            "mapping": {
                "c": {
                    "message": {"author": {"role": "assistant"}, "content": {"parts": [ANSWERED]}},
                    "parent": "b",
                    "children": [],
                },
                "a": {"message": None, "parent": None, "children": ["b"]},
                "b": {
                    "message": {"author": {"role": "user"}, "content": {"parts": [ASKED]}},
                    "parent": "a",
                    "children": ["c"],
                },
            },
        },
        BOTH,
    ),
    "Label Studio": (
        {"data": {"text": ASKED}, "annotations": [{"result": [{"value": {"choices": ["Tree"]}}]}]},
        {"text": ASKED, "label": "Tree"},
    ),
    "Argilla": (
        {"fields": {"text": ASKED}, "responses": {"label": [{"value": "tree"}]}, "metadata": {}},
        {"text": ASKED, "label": "tree"},
    ),
    "Argilla on a hub": (
        {"text": ASKED, "label.responses": ["tree"], "label.suggestion": "bush"},
        {"text": ASKED, "label": "tree"},
    ),
    "Prodigy": (
        {"text": ASKED, "accept": ["tree"], "answer": "accept", "_input_hash": 1, "_task_hash": 2},
        {"text": ASKED, "label": "tree"},
    ),
    "doccano": ({"id": 1, "text": ASKED, "label": ["tree"], "Comments": []}, {"text": ASKED, "label": "tree"}),
    "ChatML": (
        {"text": f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n{ANSWERED}<|im_end|>\n"},
        BOTH,
    ),
    "Llama 2": ({"text": f"<s>[INST] {ASKED} [/INST] {ANSWERED}</s>"}, BOTH),
    "Gemma": (
        {"text": f"<start_of_turn>user\n{ASKED}<end_of_turn>\n<start_of_turn>model\n{ANSWERED}<end_of_turn>"},
        BOTH,
    ),
    "Alpaca": ({"text": f"### Instruction:\n{ASKED}\n\n### Response:\n{ANSWERED}"}, BOTH),
    "speakers on lines": ({"text": f"Human: {ASKED}\n\nAssistant: {ANSWERED}"}, BOTH),
    "a heading is no template": ({"text": "### Response: late\nIt came late."}, {"text": "### Response: late\nIt came late."}),
    "code is no data": ({"instruction": ASKED, "output": '{"a": [1, 2]}'}, {"prompt": ASKED, "response": '{"a": [1, 2]}'}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_in_its_roles(form: str) -> None:
    record, wanted = FORMS[form]
    assert roles(record) == wanted


def test_records_in_records_are_records() -> None:
    article = {
        "title": "Trees",
        "paragraphs": [
            {
                "context": "The coast redwood grows along the sea.",
                "qas": [
                    {"id": "1", "question": ASKED, "answers": [{"text": ANSWERED, "answer_start": 3}]},
                    {"id": "2", "question": "Where is it?", "answers": [{"text": "By the sea.", "answer_start": 1}]},
                ],
            }
        ],
    }  # fmt: skip
    found = unfolded(article)
    assert [one["question"] for one in found] == [ASKED, "Where is it?"]
    assert {one["context"] for one in found} == {"The coast redwood grows along the sea."}


def test_passages_beside_a_question_are_parts_of_its_record() -> None:
    record = {
        "question": ASKED,
        "answer": ANSWERED,
        "ctxs": [{"title": "a", "text": "b c d e f"}] * 3,
    }
    assert unfolded(record) == [record]


def test_what_the_user_names_stays_where_it_is() -> None:
    record = {"body": {"messages": CHAT}}
    assert unfolded(record, text="body.messages") == [record]


def test_hidden_escapes_in_a_tool_call_are_decoded() -> None:
    arguments = json.dumps({"text": "a\u200bb"})
    turns = [*CHAT, {"role": "assistant", "content": "", "tool_calls": [{"arguments": arguments}]}]
    batch = to_batch(block_of([{"messages": turns}]), Sorter(Scheme()))
    row = batch.to_pylist()[0]
    assert any("\u200b" in value for value in row.values() if isinstance(value, str))


def test_records_are_numbered_through_and_what_is_lost_keeps_its_place() -> None:
    two = {"items": [{"id": "1", "prompt": ASKED, "completion": ANSWERED}] * 2}
    lost = Unread(file="f", kind="record", row=2, byte_offset=20, size_bytes=1, reason="malformed")
    first, second = block_of([two, two]), block_of([two], first=3)
    found = list(Unfolder().each([lost, first, second]))
    numbers = [item.row if isinstance(item, Unread) else item.rows for item in found]
    assert numbers == [4, [0, 1, 2, 3], [5, 6]]


def test_many_questions_and_answers_in_one_record_are_records() -> None:
    pairs = [{"question": f"{ASKED} {place}", "answer": ANSWERED} for place in range(100)]
    assert unfolded({"name": "trees", "faq": pairs[:3]}) == [{"name": "trees", "faq": pairs[:3]}]
    assert len(unfolded({"name": "trees", "faq": pairs})) == 100


def test_units_of_one_record_have_digests_of_their_own() -> None:
    pair = {"id": "1", "prompt": ASKED, "completion": ANSWERED}
    items = {"items": [pair, {**pair, "prompt": "Where is it?"}]}
    block = next(iter(Unfolder().each([block_of([items])])))
    assert isinstance(block, RecordBlock)
    assert len(set(block.digests)) == 2
