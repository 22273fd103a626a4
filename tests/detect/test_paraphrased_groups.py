from random import Random

from corpora import labelled

from .conftest import Find

WORDS = "our village bakery sells the best rye bread and the cheapest coffee in town".split()
WORDINGS = [" ".join(Random(seed).sample(WORDS, len(WORDS))) for seed in range(30)]
CLEAN = [{"text": record["text"]} for record in labelled(300)]


def test_one_message_in_many_wordings_is_found(find: Find) -> None:
    found = find([*CLEAN, *({"text": text} for text in WORDINGS)], "CG103")
    told = set().union(*(f.rows for f in found))
    assert len(told & set(range(300, 300 + len(WORDINGS)))) >= 10
    assert all(f.rows_flagged == () for f in found)


def test_wordings_that_share_a_link_name_it(find: Find) -> None:
    texts = [f"{text}, see https://bread.example/{place}" for place, text in enumerate(WORDINGS)]
    found = find([*CLEAN, *({"text": text} for text in texts)], "CG103")
    assert "bread.example" in [f.trigger.text for f in found if f.trigger]


def test_texts_about_different_things_are_no_group(find: Find) -> None:
    assert find(CLEAN, "CG103") == []


def test_groups_do_not_depend_on_the_order_of_rows(find: Find) -> None:
    records = [*CLEAN, *({"text": text} for text in WORDINGS)]
    assert {f.id for f in find(records, "CG103")} == {f.id for f in find(records[::-1], "CG103")}
