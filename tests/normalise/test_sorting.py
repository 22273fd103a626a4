"""Each record is read by its own fields: alone as among others, in any order, at a bounded cost."""

import hashlib
from collections.abc import Sequence
from random import Random

import pytest
from corpora import Record
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise import Scheme, Sorter, sorting, to_batch
from corpus_guard.normalise.facts import MOST_NAMES, Facts, Survey
from corpus_guard.types import STRING_COLUMNS, Layout, RecordBlock

SAID = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "good"}]
VALUES: list[object] = [
    None, "", "so", "so it is said", 1, 0.5, 1.0, float("nan"), True, [], {}, ["a", "b"], SAID,
    {"text": ["a"], "source": "s"}, {"de": "ja so ist es", "en": "yes it is so"}, "w" * 101, [[]],
]  # fmt: skip
NAMES = [
    "text", "label", "Label", "instruction", "input", "output", "prompt", "messages", "answers",
    "chosen", "rejected", "meta", "translation", "id", "oddly", "xy",
]  # fmt: skip
records = st.lists(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=12)


def sorter_of(known: Sequence[Record], **named: str) -> Sorter:
    return Sorter(Scheme.of(known, FieldOverrides(**named)))


def texts_of(found: Sequence[Record], sorter: Sorter) -> list[dict[str, object]]:
    block = RecordBlock(
        rows=list(range(len(found))), byte_offsets=[0] * len(found), fields=list(found),
        digests=[hashlib.sha256(b"").digest()] * len(found), oddities=[None] * len(found),
        bytes_read=0,
    )  # fmt: skip
    rows = to_batch(block, sorter).to_pylist()
    return [{name: row[name] for name in STRING_COLUMNS} for row in rows]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(found=records, known=records, data=st.data())
def test_a_record_is_read_alone_as_among_others_in_any_order(
    found: list[Record], known: list[Record], data: st.DataObject
) -> None:
    scheme = Scheme.of(known * 20, FieldOverrides())
    alone = [texts_of([record], Sorter(scheme))[0] for record in found]
    assert texts_of(found, Sorter(scheme)) == alone
    order = data.draw(st.permutations(range(len(found))))
    again = texts_of([found[place] for place in order], Sorter(scheme))
    assert again == [alone[place] for place in order]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(found=records, data=st.data())
def test_the_order_of_a_sample_does_not_matter(found: list[Record], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(found * 3))
    one, two = (Scheme.of(sample, FieldOverrides()) for sample in (found * 3, shuffled))
    assert repr(one) == repr(two)


def test_every_record_is_in_one_group() -> None:
    random = Random(1)
    found = [{name: random.choice(VALUES) for name in random.sample(NAMES, 5)} for _ in range(400)]
    sorter = sorter_of(found)
    places = sorted(place for _, places in sorter.groups(found) for place in places)
    assert places == list(range(400))
    assert sum(one.rows for one in sorter.counted()) == 400
    assert sorter.counted() == ()


# what is empty


@pytest.mark.parametrize(
    ("record", "roles"),
    [
        ({"text": "a b c", "label": "x", "instruction": "", "output": ""}, ("label", "text")),
        ({"text": "", "label": "", "instruction": "a", "output": "b"}, ("prompt", "response")),
        ({"text": "a b c", "label": "", "instruction": "", "output": ""}, ("text",)),
        ({"text": "", "label": "", "instruction": "a", "output": ""}, ("prompt", "response")),
    ],
)
def test_an_empty_cell_of_a_table_plays_no_role_against_a_full_one(
    record: Record, roles: tuple[str, ...]
) -> None:
    ((layout, _),) = sorter_of([record] * 20).groups([record])
    assert tuple(sorted(layout.roles)) == roles


def test_an_empty_response_is_a_response() -> None:
    row = texts_of([{"prompt": "ask", "response": ""}], sorter_of([]))[0]
    assert (row["prompt"], row["response"]) == ("ask", "")


# labels


@pytest.mark.parametrize("value", [0.37, "w" * 101, {"a": 1}])
@pytest.mark.parametrize("known", [0.37, "a"])
def test_what_can_be_no_label_is_kept_as_another_text(value: object, known: object) -> None:
    sorter = sorter_of([{"text": "some text", "label": known}] * 20)
    row = texts_of([{"text": "some text", "label": value}], sorter)[0]
    assert row["label"] is None
    assert str(row["other"]).startswith("label")


def test_numbers_of_which_a_few_are_whole_are_no_labels() -> None:
    known: list[Record] = [{"text": "a", "label": n / 100} for n in range(300)]
    assert texts_of([{"text": "a", "label": 1.0}], sorter_of(known))[0]["label"] is None


def test_a_missing_number_is_no_label() -> None:
    known: list[Record] = [{"text": "a", "label": n % 2} for n in range(40)]
    assert texts_of([{"text": "a", "label": float("nan")}], sorter_of(known))[0]["label"] is None


@pytest.mark.parametrize("share", [0, 30, 100, 200])
def test_records_without_a_label_of_an_unknown_name_do_not_hide_it(share: int) -> None:
    known: list[Record] = [
        {"text": "a b c", "oddly": "good" if n % 2 else "bad"} for n in range(99)
    ]
    others: list[Record] = [{"text": "a b c", "n": n} for n in range(share)]
    row = texts_of([{"text": "a b c", "oddly": "bad"}], sorter_of(others + known))[0]
    assert row["label"] == "bad"


# translations and paths


def test_each_translation_is_in_its_own_languages() -> None:
    found: list[Record] = [
        {"translation": {"de": "ja so ist es", "en": "yes it is so"}},
        {"translation": {"fr": "oui c'est cela", "en": "yes that is it"}},
    ]
    rows = texts_of(found, sorter_of([found[0]] * 20))
    assert [row["prompt"] for row in rows] == ["ja so ist es", "oui c'est cela"]


def test_a_path_that_only_late_records_have_plays_its_role() -> None:
    record: Record = {"question": "why is it", "answers": {"text": ["so it is"], "start": [3]}}
    sorter = sorter_of([{"question": "why is it", "answers": "because"}] * 20)
    assert texts_of([record], sorter)[0]["response"] == "so it is"


# bounds


def test_what_is_remembered_is_bounded() -> None:
    sorter = sorter_of([])
    for start in range(0, 6000, 500):
        sorter.groups([{f"k{n}": "some words here", "text": n} for n in range(start, start + 500)])
        sorter.groups([{f"k{n}": "some words here"} for n in range(start, start + 500)])
    kept = (sorter._of_keys, sorter._held, sorter._layouts, sorter._one_of_each)
    assert max(map(len, kept)) <= sorting.MOST_REMEMBERED
    counted = sorter.counted()
    assert len(counted) <= sorting.MOST_COUNTED + 2
    assert sum(one.rows for one in counted) == 12_000


def test_records_of_very_many_fields_are_not_remembered() -> None:
    sorter = sorter_of([])
    record: Record = {f"k{n}": n for n in range(50_000)} | {"instruction": "a b", "output": "c d"}
    ((layout, _),) = sorter.groups([record])
    assert layout.roles == {"prompt": ("instruction",), "response": ("output",)}
    assert max(len(key) for key in [*sorter._of_keys, (), *sorter._layouts]) < 100


def test_a_survey_of_very_many_fields_is_bounded() -> None:
    found: list[Record] = [{f"k{n}": "a" for n in range(4000)} for _ in range(20)]
    assert len(Survey.of(found, (), ()).facts) == MOST_NAMES


def test_one_value_tells_its_length_roughly() -> None:
    lengths = {Facts.of_one("w" * n).length for n in range(1, 2000)}
    assert len(lengths) <= 12


def test_no_records_have_no_groups() -> None:
    assert sorter_of([]).groups([]) == []
    assert isinstance(sorter_of([]).groups([{}])[0][0], Layout)
