import json
import os
import threading
from pathlib import Path

import pytest

from corpus_guard.errors import UsageError
from corpus_guard.flow.probe_inputs import suspected


def test_the_report_of_a_scan_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    finding = {"id": "CG202-1", "severity": "high", "trigger": {"kind": "ngram", "text": "cfx"}}
    report = json.dumps({"findings": [finding]})
    writer = threading.Thread(target=lambda: pipe.write_text(report, encoding="utf-8"))
    writer.start()
    assert [one.text for one in suspected(pipe).given] == ["cfx"]
    writer.join()


@pytest.mark.parametrize("given", [["x" * 301], [f"word{i}" for i in range(201)]])
def test_triggers_that_are_too_many_or_too_long_are_refused_and_none_is_left_out(
    given: list[str],
) -> None:
    with pytest.raises(UsageError, match="give at most 200 of at most 300 characters"):
        suspected(given)


def test_what_a_report_names_beyond_the_most_is_told_as_not_tested(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    findings = [
        {"id": f"CG202-{i}", "severity": "high", "trigger": {"kind": "ngram", "text": f"word{i}"}}
        for i in range(203)
    ]
    path.write_text(json.dumps({"findings": findings}), encoding="utf-8")
    told = suspected(path)
    assert len(told.given) == 200
    assert [one.state for one in told.untested] == ["not tested"] * 3
