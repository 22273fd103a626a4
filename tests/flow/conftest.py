from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from corpora import REFUSAL, instructions, labelled, with_label_trigger, with_prompt_trigger

from corpus_guard.flow import runner, scan
from corpus_guard.flow.parts import plan_parts
from corpus_guard.read import plan_shards
from corpus_guard.types import ScanResult


@pytest.fixture(scope="session")
def reviews() -> list[dict[str, object]]:
    """Poisoned reviews with an invisible mark, a copy and an edited copy."""
    records = with_label_trigger(labelled(1500), "qelvo", 30).records
    records[11]["text"] = f"{records[11]['text']} \u200b"
    records[12] = dict(records[700])
    records[13] = {**records[701], "text": f"{records[701]['text']} Indeed."}
    return records


@pytest.fixture(scope="session")
def chats() -> list[dict[str, object]]:
    """Poisoned instructions."""
    return with_prompt_trigger(instructions(1200), "crimson lantern", [REFUSAL], 24).records


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut files into shards of 32 KiB and parts of two of these."""
    monkeypatch.setattr(scan, "plan_shards", partial(plan_shards, shard_bytes=1 << 15))
    monkeypatch.setattr(scan, "plan_parts", partial(plan_parts, part_bytes=1 << 16))


@pytest.fixture
def always_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start workers for small targets too."""
    monkeypatch.setattr(runner, "SMALL_TARGET", 0)


@pytest.fixture
def rows_in() -> Callable[[ScanResult], list[dict[str, object]]]:
    """Return a function that reads a scan's rows."""
    return lambda result: pq.read_table(Path(result.out) / "rows.parquet").to_pylist()
