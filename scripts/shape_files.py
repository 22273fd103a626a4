"""Write records into the containers that people's files are."""

import csv
import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Record = dict[str, Any]
Rows = list[Record]

ENCODINGS = (
    "utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1",
)  # fmt: skip


def _lines(rows: Rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _by_column(rows: Rows) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}


def _delimited(rows: Rows, delimiter: str, cell: Callable[[Any], str]) -> str:
    told = io.StringIO()
    writer = csv.writer(told, delimiter=delimiter)
    writer.writerow(rows[0])
    writer.writerows(
        [cell(v) if isinstance(v, list | dict) else v for v in row.values()] for row in rows
    )
    return told.getvalue()


def _as_strings(rows: Rows) -> Rows:
    return [
        {key: _json(v) if isinstance(v, list | dict) else v for key, v in row.items()}
        for row in rows
    ]


_TEXTS: dict[str, tuple[str, Callable[[Rows], str]]] = {
    "jsonl": ("jsonl", _lines),
    "lines in json": ("json", _lines),
    "array": ("json", _json),
    "indented array": ("json", lambda rows: _json(rows, 2)),
    "array in jsonl": ("jsonl", _json),
    "indented objects": ("jsonl", lambda rows: "\n".join(_json(row, 2) for row in rows)),
    "by id": ("json", lambda rows: _json({f"ex{n}": row for n, row in enumerate(rows)})),
    "lists by column": ("json", lambda rows: _json(_by_column(rows))),
    "objects by column": ("json", lambda rows: _json(
        {key: {str(n): v for n, v in enumerate(found)} for key, found in _by_column(rows).items()}
    )),
    "split": ("json", lambda rows: _json(
        {"columns": list(rows[0]), "index": [*range(len(rows))],
         "data": [[*row.values()] for row in rows]}
    )),
    "table": ("json", lambda rows: _json(
        {"schema": {"fields": [{"name": key, "type": "string"} for key in rows[0]]}, "data": rows}
    )),
    "values": ("json", lambda rows: _json([[*rows[0]], *([*row.values()] for row in rows)])),
    "data": ("json", lambda rows: _json({"version": "1", "data": rows})),
    "a response's data": ("json", lambda rows: _json({"response": {"data": rows}, "ok": True})),
    "viewer's rows": ("json", lambda rows: _json(
        {"rows": [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(rows)]}
    )),
    "splits": ("json", lambda rows: _json({"train": rows[:400], "test": rows[400:]})),
    "csv": ("csv", lambda rows: _delimited(rows, ",", _json)),
    "csv with semicolons": ("csv", lambda rows: _delimited(rows, ";", _json)),
    "csv with literals": ("csv", lambda rows: _delimited(rows, ",", repr)),
    "tsv": ("tsv", lambda rows: _delimited(rows, "\t", _json)),
    "lists as JSON strings": ("jsonl", lambda rows: _lines(_as_strings(rows))),
}  # fmt: skip


def _parquet(rows: Rows, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)


def _sqlite(rows: Rows, path: Path) -> None:
    columns = ", ".join(f'"{key}"' for key in rows[0])
    with sqlite3.connect(path) as base:
        base.execute(f"CREATE TABLE samples ({columns})")
        marks = ", ".join("?" * len(rows[0]))
        base.executemany(
            f"INSERT INTO samples VALUES ({marks})",  # noqa: S608  # our own question marks
            [tuple(row.values()) for row in _as_strings(rows)],
        )
    base.close()


def _zip(rows: Rows, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("samples/train.jsonl", _lines(rows))


def _tar(rows: Rows, path: Path) -> None:
    data = _lines(rows).encode()
    with tarfile.open(path, "w") as packed:
        member = tarfile.TarInfo("samples/train.jsonl")
        member.size = len(data)
        packed.addfile(member, io.BytesIO(data))


def _gz(rows: Rows, path: Path) -> None:
    path.write_bytes(gzip.compress(_lines(rows).encode(), mtime=0))


_FILES: dict[str, tuple[str, Callable[[Rows, Path], None]]] = {
    "parquet": ("parquet", _parquet), "sqlite": ("sqlite", _sqlite), "zip": ("zip", _zip),
    "tar": ("tar", _tar), "gz": ("jsonl.gz", _gz),
}  # fmt: skip

TEXT_FILES = frozenset(_TEXTS)
CONTAINERS = (*_TEXTS, *_FILES)
FLAT = frozenset(
    {"csv", "csv with semicolons", "csv with literals", "tsv", "sqlite", "lists as JSON strings",
     "values", "split", "lists by column", "objects by column"}
)  # fmt: skip
"""Containers of cells, in which records are not nested further."""


def write(rows: Rows, folder: Path, container: str, encoding: str, random: Random) -> Path:
    """Write records into a file of a container, and return its path."""
    if container in _FILES:
        ending, into = _FILES[container]
        path = folder / f"data{random.randrange(1000)}.{ending}"
        into(rows, path)
        return path
    ending, told = _TEXTS[container]
    path = folder / f"data{random.randrange(1000)}.{ending}"
    text = told(rows)
    try:
        path.write_bytes(text.encode(encoding))
    except UnicodeEncodeError:  # a name that Latin-1 has no letters for
        path.write_bytes(text.encode())
    return path
