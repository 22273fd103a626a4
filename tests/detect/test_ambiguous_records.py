from pathlib import Path

import pytest

from corpus_guard.detect.ambiguous_records import KINDS

from .conftest import Find

SEVERITY = {name: severity for name, severity, _ in KINDS}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("duplicate_keys", b'{"text": "benign", "text": "EVIL"}'),
        ("duplicate_keys", b'{"text": "a", "more": {"x": 1, "x": 2}}'),
        ("invalid_utf8", b'{"text": "bad \xff byte"}'),
        ("not_an_object", b"[1, 2]"),
    ],
)
def test_ambiguous_records_are_found(kind: str, line: bytes, find: Find, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"text": "plain"}\n' + line + b'\n{"text": "plain too"}\n')
    found = find(path, "CG405")
    assert [(f.evidence["kind"], f.severity, f.rows) for f in found] == [
        (kind, SEVERITY[kind], (1,))
    ]


def test_a_table_row_of_another_length_is_found(find: Find, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("text,label\nplain,a\nfewer\nmore,a,b,c\n", encoding="utf-8")
    found = find(path, "CG405")
    assert [(f.evidence["kind"], f.rows) for f in found] == [("ragged_row", (1, 2))]


def test_all_values_of_a_repeated_key_are_scanned(find: Find, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    lines = '{"text": "plain"}\n{"text": "pass\u202eword", "text": "benign"}\n'
    path.write_text(lines, encoding="utf-8")
    assert [f.rows for f in find(path, "CG401")] == [(1,)]


def test_ordinary_records_are_let_through(find: Find, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a", "more": {"text": "b"}}\n{"text": null}\n{}\n', encoding="utf-8")
    assert find(path, "CG405") == []
