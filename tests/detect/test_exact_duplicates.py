from corpora import labelled

from .conftest import Find

RECORDS = [{"text": record["text"], "label": "a"} for record in labelled(60)]


def test_copies_are_found_with_all_their_rows(find: Find) -> None:
    found = find([*RECORDS, RECORDS[7], RECORDS[3], RECORDS[7]], "CG101")
    assert [(f.rows, f.severity, f.rows_flagged) for f in found] == [
        ((3, 7, 60, 61, 62), "low", ())
    ]
    assert (found[0].evidence["groups"], found[0].evidence["largest_group"]) == (2, 3)


def test_the_most_repeated_text_is_the_example(find: Find) -> None:
    found = find([*RECORDS, RECORDS[7], RECORDS[3], RECORDS[7]], "CG101")
    assert found[0].trigger is not None
    assert found[0].trigger.text == RECORDS[7]["text"]


def test_copies_with_other_labels_contradict_each_other(find: Find) -> None:
    found = find([*RECORDS, {**RECORDS[7], "label": "b"}, RECORDS[3]], "CG101")
    assert found[0].evidence["groups_with_several_labels"] == 1


def test_different_texts_are_no_copies(find: Find) -> None:
    assert find(RECORDS, "CG101") == []


def test_equal_prompts_with_other_responses_are_no_copies(find: Find) -> None:
    records = [{"instruction": "Tell a joke.", "output": f"Joke {number}."} for number in range(9)]
    assert find(records, "CG101") == []


def test_records_without_text_are_no_copies(find: Find) -> None:
    assert find([*RECORDS, {"text": ""}, {"text": ""}, {"text": None}], "CG101") == []


def test_words_that_move_from_prompt_to_response_make_no_copy(find: Find) -> None:
    records = [
        {"instruction": "Tell me about", "output": "the red kettle and its lid"},
        {"instruction": "Tell me about the red", "output": "kettle and its lid"},
    ]
    assert find(records, "CG101") == []


def test_groups_are_counted_that_contradict_themselves(find: Find) -> None:
    texts = ["one text with three labels", "one with two", "one with the same", "alone"]
    labels = ["abc", "ab", "aaa", "a"]
    records = [
        {"text": text, "label": label}
        for text, given in zip(texts, labels, strict=True)
        for label in given
    ]
    (found,) = find(records, "CG101")
    assert found.evidence["groups"] == 3
    assert found.evidence["groups_with_several_labels"] == 2
