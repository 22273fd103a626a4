"""The benchmark of calibration permutes outcomes inside strata, and counts what is found then."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from benchmark_calibration import Copy, Run, content_clusters, scanned, summary, values_by_rule
from corpora import write_jsonl
from reliability_plot import reliability_svg

from corpus_guard.laws.planted import reviews, tasks

ROWS = 600


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "clean").mkdir()
    write_jsonl(folder / "clean" / "reviews.jsonl", reviews()[:ROWS])
    write_jsonl(folder / "clean" / "tasks.jsonl", tasks()[:ROWS])
    return folder


@pytest.mark.parametrize(("base", "field"), [("reviews", "label"), ("tasks", "output")])
def test_outcomes_move_inside_strata_and_nothing_else_does(
    base: str, field: str, data: Path
) -> None:
    given = (reviews() if base == "reviews" else tasks())[:ROWS]
    for strata, members in (
        ("all", [range(ROWS)]),
        ("clusters", content_clusters(data, base, 0, 8)),
    ):
        one, other = (Copy(data, base, strata, 8, 0, number).records() for number in range(2))
        assert one != other
        assert [{**now, field: ""} for now in one] == [{**before, field: ""} for before in given]
        assert sorted(row for rows in members for row in rows) == list(range(ROWS))
        for rows in members:
            assert Counter(one[row][field] for row in rows) == Counter(
                given[row][field] for row in rows
            )


def test_clusters_hold_texts_that_are_alike(data: Path) -> None:
    first = {row: tasks()[row]["instruction"].split()[0] for row in range(ROWS)}
    members = content_clusters(data, "tasks", 0, 20)
    purity = sum(Counter(first[row] for row in rows).most_common(1)[0][1] for rows in members)
    assert purity > 0.6 * ROWS


def test_a_copy_is_scanned_by_the_rules_of_association(data: Path) -> None:
    run = scanned(Copy(data, "tasks", "all", 8, 300, 0))
    assert run.rows == 300
    assert {rule for rule, _, _ in run.found} <= {"CG201", "CG202", "CG203"}


def test_false_findings_are_counted_by_set_size_and_q_value() -> None:
    fine = Run(copy="a", base="x", strata="all", rows=100, found=[("CG201", "low", 1e-9)])
    bad = Run(copy="b", base="y", strata="all", rows=9000, found=[("CG203", "medium", 0.005)])
    assert (fine.is_false_alarm, bad.is_false_alarm) == (False, True)
    told = [*summary([fine, bad])]
    assert any(line.startswith("x, all") and "0 of    1" in line for line in told)
    assert any(line.startswith("8000 rows on") and "1 of    1" in line for line in told)
    assert sum("TOO MANY" in line for line in told) > 0
    assert not any("TOO MANY" in line for line in summary([]))


def test_the_plot_is_a_picture() -> None:
    run = Run(copy="a", base="x", strata="all", rows=100, found=[("CG201", "low", 1e-9)])
    picture = ET.fromstring(reliability_svg(values_by_rule([run]), 20))  # noqa: S314  # our own
    assert picture.tag.endswith("svg")
    assert len(picture.findall("{http://www.w3.org/2000/svg}path")) > 10
