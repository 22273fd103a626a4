from pathlib import Path

import pytest

from corpus_guard import UsageError, scan
from corpus_guard.api import targets_of


def test_a_path_is_one_target() -> None:
    assert targets_of("a.jsonl") == ["a.jsonl"]
    assert targets_of(Path("a.jsonl")) == ["a.jsonl"]


def test_several_paths_are_several_targets() -> None:
    assert targets_of(["a.jsonl", Path("b.csv")]) == ["a.jsonl", "b.csv"]


def test_records_may_come_from_any_iterable() -> None:
    assert targets_of({"text": text} for text in "ab") == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"text": "a"}, "of type dict cannot be scanned"),
        (b"a.jsonl", "of type bytes cannot be scanned"),
        (7, "of type int cannot be scanned"),
        ([], "nothing to scan"),
        ([{"text": "a"}, "b.jsonl"], "record 1 is a str"),
        ([None], "record 0 is a NoneType"),
    ],
)
def test_other_targets_are_refused_with_the_mend(target: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        targets_of(target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limit": 0}, "limit is 0"),
        ({"sample": 2.0}, "sample is 2.0"),
        ({"jobs": -1}, "jobs is -1"),
        ({"mem": "much"}, "'much' is not a size"),
        ({"max_record": 0}, "'0' is not a positive size"),
        ({"fail_on": "High!"}, "did you mean high"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(
    options: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        scan("data.jsonl", **options)  # type: ignore[arg-type]
