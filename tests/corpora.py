"""Synthetic corpora with seeds and planted truth, and texts that are hard to read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random

import pyarrow as pa
from hypothesis import strategies as st

from corpus_guard.laws.samples import (
    HARD,
    REFUSAL,
    Poisoned,
    Record,
    instructions,
    labelled,
    with_label_trigger,
    with_prompt_trigger,
)
from corpus_guard.sketch.rows.batch import Column, Ragged, Rows
from corpus_guard.sketch.rows.ngram_looks import TOKENS
from corpus_guard.types import BATCH_SCHEMA

__all__ = [
    "HARD", "REFUSAL", "Poisoned", "Record", "documents_of_words", "instructions", "labelled",
    "rows_of", "text_lists", "texts", "with_label_trigger", "with_prompt_trigger", "write_jsonl",
]  # fmt: skip


def write_jsonl(path: Path, records: Iterable[Mapping[str, object]]) -> Path:
    """Write one record a line."""
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")
    return path


characters = st.one_of(
    st.sampled_from("ab AB,.\n"),
    st.sampled_from("日本ไ\u200b\u200d\ufeff\u00a0é\u0416\u0451\U0001f3f4\U000e0067ß\u0130"),
    st.characters(exclude_categories=("Cs",)),
)
texts = st.one_of(st.sampled_from(HARD), st.text(characters, max_size=24))
text_lists = st.lists(texts, max_size=8)


def rows_of(texts: Sequence[str | None], first_row: int = 0, **columns: Column) -> Rows:
    """Return texts as rows with some columns; their tokens are there as tested ones."""
    records = [
        {"row": row, "byte_offset": -1, "sha256": row.to_bytes(32, "little"), "text": text}
        for row, text in enumerate(texts, first_row)
    ]
    known = dict(columns)
    rows = Rows.of(pa.RecordBatch.from_pylist(records, schema=BATCH_SCHEMA), first_row, known)
    known.setdefault(TOKENS, Ragged(rows.input.tokens.hashes, rows.input.tokens.bounds))
    return rows


def documents_of_words(texts: int, words: int, seed: int = 5) -> list[str]:
    """Return texts of words that occur nowhere else."""
    random = Random(seed)
    return [" ".join(f"w{random.getrandbits(60):x}" for _ in range(words)) for _ in range(texts)]
