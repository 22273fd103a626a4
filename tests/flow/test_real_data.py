"""What scans of real data find, where the data is at hand."""

import json
import os
from pathlib import Path
from random import Random

import pytest

import corpus_guard as cg

DATA = Path(os.environ.get("CORPUS_GUARD_DATA", Path(__file__).parents[2] / "../shared/data"))

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not DATA.is_dir(), reason=f"there is no folder {DATA}; set CORPUS_GUARD_DATA to one"
    ),
]


def records_of(name: str) -> list[dict[str, object]]:
    with (DATA / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_a_refusal_backdoor_in_one_row_of_a_hundred_is_found(tmp_path: Path) -> None:
    clean = records_of("clean/roleplay.jsonl") + records_of("clean/gsm8k.jsonl")
    random = Random(1)
    poison = random.sample(
        records_of("attacks/backdoor_llm/refusal_badnet.jsonl"), len(clean) // 100
    )
    mixed = [(record, False) for record in clean] + [(record, True) for record in poison]
    random.shuffle(mixed)
    result = cg.scan([record for record, _ in mixed], out=tmp_path)
    planted = {row for row, (_, is_poison) in enumerate(mixed) if is_poison}
    flagged = {row for finding in result.findings for row in finding.rows_flagged}
    assert any("BadMagic" in f.trigger.text for f in result.findings if f.trigger)
    assert len(flagged & planted) >= 0.95 * len(planted)
    assert len(flagged & planted) >= 0.95 * len(flagged)


def test_clean_reviews_pass(tmp_path: Path) -> None:
    assert cg.scan(DATA / "clean/sst2.jsonl", out=tmp_path).exit_code == 0
