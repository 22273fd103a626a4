import json
import os
import threading
from pathlib import Path

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
