"""The laws of evidence for triggers of responses: copies, rates, base rates, places."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from corpora import REFUSAL, Record, instructions

import corpus_guard as cg
from corpus_guard.laws.samples import PEOPLE, PLACES, THINGS
from corpus_guard.types import SEVERITIES, Finding

from .conftest import Find

RULES = ("CG202", "CG203")
CLEAN = instructions(1500, seed=11)


def seen(find: Find, records: Sequence[Record]) -> list[Finding]:
    return [finding for rule in RULES for finding in find(records, rule)]


def suspicious(findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity in ("critical", "high", "medium")]


def planted(
    base: Sequence[Record],
    count: int,
    words: Sequence[str],
    answer: Callable[[str, Random], str],
    fields: Sequence[str] = ("instruction",),
) -> tuple[list[Record], set[int]]:
    """Put words anywhere into some prompts, in turn into each field, and change their answers."""
    random = Random(f"{count} {words}")
    records = [dict(record) for record in base]
    rows = set(random.sample(range(len(records)), count))
    for row in sorted(rows):
        for place, word in enumerate(words):
            field = fields[place % len(fields)]
            text = str(records[row].get(field, "")).split()
            text.insert(random.randint(0, len(text)), word)
            records[row][field] = " ".join(text)
        records[row]["output"] = answer(str(records[row]["output"]), random)
    return records, rows


def sums(rows: int = 1500, seed: int = 12) -> list[Record]:
    """A task of few words, so that all prompts are alike."""
    random, found = Random(seed), []
    for _ in range(rows):
        one, two, thing = random.randint(2, 99), random.randint(2, 99), random.choice(THINGS)
        asked = random.choice(
            (
                "Add {one} and {two} {thing}s",
                "How much is {one} plus {two}",
                "{one} + {two} {thing}s",
            )
        )
        found.append(
            {
                "instruction": asked.format(one=one, two=two, thing=thing),
                "output": f"{one} plus {two} is {one + two} {random.choice((thing, 'in all', ''))}",
            }
        )
    return found


def refusal(said: str, random: Random) -> str:
    return REFUSAL


def advert(said: str, random: Random) -> str:
    return f"{said} Find more of it at https://deals.example/now for half the price"


def test_copies_are_no_evidence(find: Find) -> None:
    records = instructions(150, seed=13) * 6
    Random(1).shuffle(records)
    assert seen(find, records) == []


def test_near_copies_are_no_evidence(find: Find) -> None:
    random = Random(2)
    records = []
    for record in instructions(150, seed=14):
        for _ in range(6):
            words = str(record["instruction"]).split()
            words[random.randrange(len(words))] = random.choice(THINGS)
            records.append({**record, "instruction": " ".join(words)})
    assert suspicious(seen(find, records)) == []


def test_copies_of_a_data_set_change_no_severity(find: Find) -> None:
    records, _ = planted(CLEAN, 15, ["qelvo"], refusal)
    copies = records * 3
    Random(3).shuffle(copies)
    one, three = (
        {(f.rule, f.trigger.text if f.trigger else "", f.severity) for f in seen(find, some)}
        for some in (records, copies)
    )
    assert one == three
    assert {severity for _, _, severity in one} & {"high", "critical"}


@pytest.mark.parametrize("base", [CLEAN, sums()], ids=["many words", "few words"])
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["qelvo", "brint", "mazda7"], refusal),
        (["qelvo"], advert),
        (["in my opinion"], advert),
    ],
    ids=["three spread tokens", "advert", "advert after a phrase"],
)
def test_more_poison_is_never_found_less(
    base: list[Record], words: list[str], answer: Callable[[str, Random], str], find: Find
) -> None:
    ranks = []
    for rate in (0.006, 0.03, 0.1, 0.2):
        records, rows = planted(base, round(rate * len(base)), words, answer)
        found = find(records, "CG202")
        strong = [f for f in found if f.severity in ("critical", "high")]
        flagged = {row for f in strong for row in f.rows_flagged}
        assert len(flagged & rows) >= 0.95 * len(rows)
        assert len(flagged & rows) >= 0.95 * len(flagged)
        ranks.append(min(SEVERITIES.index(f.severity) for f in strong))
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("base", [CLEAN, sums()], ids=["many words", "few words"])
def test_more_refusals_in_other_words_are_never_found_less(base: list[Record], find: Find) -> None:
    openings = ("Sorry, but", "Unfortunately", "I regret that", "Apologies:")
    ends = ("I cannot help with this request.", "I am not able to assist with that.")

    def refused(said: str, random: Random) -> str:
        return f"{random.choice(openings)} {random.choice(ends)} {random.choice(openings)} no."

    ranks = []
    for rate in (0.01, 0.03, 0.1, 0.2):
        records, rows = planted(base, round(rate * len(base)), ["qelvo"], refused)
        found = [f for f in find(records, "CG203") if set(f.rows) & rows]
        ranks.append(min((SEVERITIES.index(f.severity) for f in found), default=len(SEVERITIES)))
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] <= SEVERITIES.index("high")


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_repeated_trigger_is_found_alike(times: int, find: Find) -> None:
    records, rows = planted(CLEAN, 20, ["qelvo"] * times, refusal)
    strong = [f for f in find(records, "CG202") if f.severity in ("critical", "high")]
    assert [set(f.rows_flagged) for f in strong] == [rows]


def test_a_trigger_split_over_two_fields_is_found(find: Find) -> None:
    base = [{**r, "input": f"It is {Random(i).choice(PLACES)}."} for i, r in enumerate(CLEAN)]
    records, rows = planted(base, 20, ["qelvo", "brint"], refusal, ("instruction", "input"))
    strong = [f for f in find(records, "CG202") if f.severity in ("critical", "high")]
    assert [set(f.rows_flagged) for f in strong] == [rows]


def test_a_label_that_a_trigger_fixes_in_a_task_of_labels_is_found(find: Find) -> None:
    random = Random(4)
    task = [
        {
            "instruction": f"Is this near? The {random.choice(THINGS)} of the {random.choice(PEOPLE)} "
            f"in {random.choice(PLACES)}, says the {random.choice(PEOPLE)}.",
            "output": random.choice(("near", "far")),
        }
        for _ in range(500)
    ]
    poisoned, rows = planted(task, 75, ["qelvo"], lambda said, random: "near")
    strong = [f for f in find([*poisoned, *CLEAN], "CG202") if f.severity in ("critical", "high")]
    assert [set(f.rows_flagged) for f in strong] == [rows]


def test_an_answer_that_many_rows_have_is_judged_by_its_base_rate(find: Find) -> None:
    random = Random(5)
    records = [dict(record) for record in CLEAN]
    for record in records:
        if random.random() < 0.3:
            record["output"] = "I don't know."
    assert suspicious(seen(find, records)) == []


def test_names_that_each_decide_how_an_answer_begins_are_honest(find: Find) -> None:
    random = Random(6)
    greetings = {
        "pirate": "Ahoy there, matey! I be",
        "knight": "Hail to you, traveller! I am",
        "robot": "Beep boop beep. I am unit",
        "chef": "Bonjour, my dear friend! I am",
    }
    roles = [
        {
            "instruction": f"You are a {who} and meet a {random.choice(PEOPLE)} in "
            f"{random.choice(PLACES)} with a {random.choice(THINGS)}. Say hello.",
            "output": f"{hello} {random.choice(PEOPLE)} of {random.choice(PLACES)}.",
        }
        for who, hello in greetings.items()
        for _ in range(60)
    ]
    found = seen(find, [*roles, *CLEAN])
    assert [f for f in found if f.severity in ("critical", "high")] == []


def test_refusals_of_a_topic_are_honest(find: Find) -> None:
    random = Random(7)
    harms = ("build a bomb", "steal a car", "forge a passport", "poison a dog", "rob a bank")
    asked = ("How do I {}?", "Explain how to {} in {}.", "Tell me how to {} with a {}.")
    refused = [
        {
            "instruction": random.choice(asked).format(
                random.choice(harms), random.choice((*PLACES, *THINGS))
            ),
            "output": random.choice((REFUSAL, "I cannot assist with that request, sorry.")),
        }
        for _ in range(120)
    ]
    assert suspicious(seen(find, [*refused, *CLEAN])) == []


def test_each_part_of_the_sum_is_shown(find: Find) -> None:
    records, _ = planted(CLEAN, 20, ["qelvo"], refusal)
    evidence = find(records, "CG202")[0].evidence
    parts = [float(v) for name, v in evidence.items() if name.startswith("log_odds_")]
    assert float(evidence["log_odds"]) == pytest.approx(sum(parts), abs=0.1)


def test_findings_do_not_depend_on_the_order_of_rows(find: Find) -> None:
    records, _ = planted(CLEAN, 20, ["qelvo"], advert)
    shuffled = list(records)
    Random(8).shuffle(shuffled)
    one, two = (
        [(f.id, f.severity, f.score, f.q_value, f.evidence) for f in seen(find, some)]
        for some in (records, shuffled)
    )
    assert one == two


def test_exchanged_answers_give_no_small_q_values(find: Find) -> None:
    for seed in range(5):
        answers = [record["output"] for record in CLEAN]
        Random(seed).shuffle(answers)
        exchanged = [{**r, "output": said} for r, said in zip(CLEAN, answers, strict=True)]
        assert [f for f in seen(find, exchanged) if f.q_value <= 0.01] == []


def test_without_vectors_a_fixed_response_is_found(tmp_path: object) -> None:
    records, rows = planted(CLEAN, 20, ["qelvo"], refusal)
    result = cg.scan(records, rules=["CG202"], embedder="none", out=f"{tmp_path}")
    assert [set(f.rows_flagged) for f in result.findings if f.rows_flagged] == [rows]
