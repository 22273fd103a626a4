from random import Random

from corpora import documents_of_words

from .conftest import Find

DOCUMENTS = documents_of_words(80, 60)


def edited(text: str, times: int, seed: int) -> str:
    random, words = Random(seed), text.split()
    for _ in range(times):
        words[random.randrange(len(words))] = f"edit{random.randrange(10**6)}"
    return " ".join(words)


def records(texts: list[str]) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


def test_edited_copies_are_found_with_all_their_rows(find: Find) -> None:
    copies = [edited(DOCUMENTS[5], 2, seed) for seed in range(4)]
    found = find(records([*DOCUMENTS, *copies]), "CG102")
    assert [(f.rows, f.severity, f.rows_flagged) for f in found] == [
        ((5, 80, 81, 82, 83), "low", ())
    ]


def test_exact_copies_alone_are_left_to_the_other_rule(find: Find) -> None:
    assert find(records([*DOCUMENTS, DOCUMENTS[5]]), "CG102") == []


def test_texts_half_of_which_differ_are_no_copies(find: Find) -> None:
    assert find(records([*DOCUMENTS, edited(DOCUMENTS[5], 40, 1)]), "CG102") == []


def test_edited_copies_that_share_a_link_are_a_campaign(find: Find) -> None:
    first = f"{DOCUMENTS[5]} see https://cheap-pills.example/buy today"
    copies = [edited(first, 1, seed) for seed in range(14)]
    found = find(records([*DOCUMENTS, *copies]), "CG102")
    campaign = [f for f in found if f.attack == "injected documents"]
    assert [f.trigger.text for f in campaign if f.trigger] == ["cheap-pills.example"]
    assert set(campaign[0].rows) <= {5, *range(80, 94)}


def test_copies_are_numbered_as_clusters_in_the_rows(find: Find, tmp_path: object) -> None:
    import pyarrow.parquet as pq

    find(records([*DOCUMENTS, edited(DOCUMENTS[5], 2, 1)]), "CG102")
    clusters = pq.read_table(f"{tmp_path}/out/rows.parquet")["cluster"].to_pylist()
    assert [row for row, cluster in enumerate(clusters) if cluster == 0] == [5, 80]
    assert set(clusters) == {-1, 0}


def test_which_of_many_campaigns_are_listed_does_not_depend_on_the_order_of_rows(
    find: Find,
) -> None:
    texts = [
        f"{edited(text, 1, seed)} www.site{place}.example"
        for place, text in enumerate(DOCUMENTS[:14])
        for seed in range(12)
    ]
    listed = [{f.id for f in find(records(given), "CG102")} for given in (texts, texts[::-1])]
    assert listed[0] == listed[1]
