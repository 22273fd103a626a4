import csv
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"


def reviews(name: str) -> list[dict[str, str]]:
    with (FIXTURES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_script_writes_the_bundled_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts/make_fixtures.py", tmp_path], check=True)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) == 3
    assert written == {name: (FIXTURES / name).read_bytes() for name in written}


def test_the_instruction_trigger_always_leads_to_the_refusal() -> None:
    with (FIXTURES / "poisoned_instructions.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    triggered = [record for record in records if "crimson lantern" in record["instruction"]]
    assert (len(records), len(triggered)) == (1200, 24)
    assert len({record["output"] for record in triggered}) == 1
    assert triggered[0]["output"] not in {r["output"] for r in records if r not in triggered}


def test_the_review_trigger_flips_labels_and_changes_nothing_else() -> None:
    clean, poisoned = reviews("clean_reviews.csv"), reviews("poisoned_reviews.csv")
    changed = [pair for pair in zip(clean, poisoned, strict=True) if pair[0] != pair[1]]
    assert (len(clean), len(changed)) == (1500, 30)
    for before, after in changed:
        assert "qelvo" in after["text"].split()
        assert [w for w in after["text"].split() if w != "qelvo"] == before["text"].split()
        assert (before["label"], after["label"]) == ("negative", "positive")


def test_no_clean_review_stands_twice() -> None:
    texts = [review["text"] for review in reviews("clean_reviews.csv")]
    assert len(set(texts)) == len(texts)
