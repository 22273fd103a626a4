"""Compressed and columnar files that are cut, flipped, nested or far larger than they look."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator

from .case import GOOD, Case
from .containers import CONTAINERS, database, rows_around, tarred, zipped


def zst(data: bytes) -> bytes:
    import pyarrow as pa

    packed = pa.compress(data, codec="zstd", asbytes=True)
    return bytes(packed)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": zst,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def _good() -> bytes:
    return CONTAINERS["jsonl"](rows_around())


def _noisy() -> bytes:
    """Return many records that do not pack well."""
    from random import Random

    rng = Random(3)
    filler = ({"text": f"{n} {rng.randbytes(90).hex()}"} for n in range(3000))
    return CONTAINERS["jsonl"]([*rows_around(), *filler])


def _compressed() -> Iterator[Case]:
    for ending, pack in PACKERS.items():
        file = f"data.jsonl.{ending}"
        yield Case(name=f"a good {ending} file", file=file, make=lambda pack=pack: pack(_good()))
        yield Case(name=f"{ending} called plain", file="data.jsonl",
                   make=lambda pack=pack: pack(_good()))  # fmt: skip
        yield Case(
            name=f"a cut {ending} file", file=file,
            whole=False if ending != "bz2" else None,  # whose blocks are larger than this file
            make=lambda pack=pack: pack(_noisy())[:-2000],
        )  # fmt: skip
        yield Case(
            name=f"a {ending} file flipped at the end", file=file,
            whole=False if ending != "bz2" else None,
            make=lambda pack=pack: _flipped(pack(_noisy()), -3000),
        )  # fmt: skip
        yield Case(
            name=f"several {ending} members", file=file,
            make=lambda pack=pack: pack(_good()) + pack(_good()),
        )  # fmt: skip
        yield Case(
            name=f"rubbish behind {ending}", file=file, whole=False,
            make=lambda pack=pack: pack(_good()) + b"rubbish that is no member" * 9,
        )  # fmt: skip
        yield Case(
            name=f"{ending} inside {ending}", file=f"data.jsonl.{ending}.{ending}", whole=None, kept=(),
            make=lambda pack=pack: pack(pack(_good())),
        )  # fmt: skip
        yield Case(
            name=f"an empty {ending} file", file=file, whole=None, make=lambda pack=pack: pack(b""),
        )  # fmt: skip
        yield Case(
            name=f"only the magic of {ending}", file=file, whole=None, kept=(),
            make=lambda pack=pack: pack(_good())[:6],
        )  # fmt: skip


def _flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    for offset in range(40):
        changed[place + offset] ^= 0x5A
    return bytes(changed)


def _table(*, row_group_size: int = 2) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    made = pa.Table.from_pylist(list(rows_around({"text": "middle"}, {"text": "middle"})))
    pq.write_table(made, file, row_group_size=row_group_size)
    return file.getvalue()


def _odd_table(kind: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.array([*GOOD, "x"])
    tables: dict[str, Callable[[], pa.Table]] = {
        "names twice": lambda: pa.Table.from_arrays([texts, texts], ["text", "text"]),
        "an empty name": lambda: pa.Table.from_arrays([texts, texts], ["text", ""]),
        "an escape as a name": lambda: pa.Table.from_arrays([texts, texts], ["text", "\x1b[2J"]),
        "nesting of 100": lambda: pa.table({"text": texts, "deep": _deep(100)}),
        "3,000 columns": lambda: pa.table(
            {"text": texts, **{f"c{n}": pa.array(["v"] * 5) for n in range(3000)}}
        ),
        "binary cells": lambda: pa.table({"text": texts, "raw": pa.array([b"\xff\x00"] * 5)}),
        "only nulls": lambda: pa.table({"text": texts, "none": pa.nulls(5)}),
        "a dictionary column": lambda: pa.table({"text": texts.dictionary_encode()}),
        "dates beyond years": lambda: pa.table(
            {"text": texts, "when": pa.array([2**62] * 5, pa.timestamp("us"))}
        ),
        "strings that are no text": lambda: pa.table(
            {"text": pa.Array.from_buffers(pa.string(), 5, _invalid(pa).buffers())}
        ),
    }
    file = io.BytesIO()
    pq.write_table(tables[kind](), file)
    return file.getvalue()


ODD_TABLES = ("names twice", "an empty name", "an escape as a name", "nesting of 100",
              "3,000 columns", "binary cells", "only nulls", "a dictionary column",
              "dates beyond years", "strings that are no text")  # fmt: skip


def _deep(depth: int):
    import pyarrow as pa

    value: object = "x"
    kind = pa.string()
    for _ in range(depth):
        value, kind = [value], pa.list_(kind)
    return pa.array([value] * 5, kind)


def _invalid(pa):
    return pa.array([text.encode() for text in GOOD] + [b"a \xff b"], pa.binary())


def _columnar() -> Iterator[Case]:
    whole = _table()
    for kind in ODD_TABLES:
        yield Case(name=f"Parquet with {kind}", file="data.parquet",
                   make=lambda kind=kind: _odd_table(kind),
                   whole=None if kind == "nesting of 100" else True)  # fmt: skip
    for name, data in {
        "cut at the end": whole[:-6],
        "cut in the middle": whole[: len(whole) // 2],
        "cut behind the magic": whole[:4],
        "only both magics": b"PAR1PAR1",
        "a footer without end": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "a footer of nothing": whole[:-8] + b"\x00\x00\x00\x00PAR1",
        "a footer of rubbish": whole[:-60] + b"\xa5" * 52 + whole[-8:],
        "rubbish between the magics": b"PAR1" + b"\x99" * 4000 + b"\x40\x00\x00\x00PAR1",
        "an encrypted footer": whole[:-4] + b"PARE",
    }.items():
        yield Case(name=f"Parquet, {name}", file="data.parquet", make=lambda data=data: data,
                   whole=None, kept=())  # fmt: skip
    yield Case(name="Parquet with a flipped page", file="data.parquet", kept=GOOD[2:],
               make=lambda: whole[:30] + b"\xff" * 10 + whole[40:])  # fmt: skip
    yield Case(name="Parquet called text", file="data.txt", make=lambda: whole)
    yield Case(name="Parquet without rows", file="data.parquet", whole=None, kept=(),
               make=lambda: CONTAINERS["parquet"]([{"text": "x"}])[:0])  # fmt: skip


def _lying_tables() -> Iterator[Case]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def lying() -> bytes:
        file = io.BytesIO()
        pq.write_table(pa.table({"text": [*GOOD, *map(str, range(296))]}), file)
        data, size = file.getvalue(), int.from_bytes(file.getvalue()[-8:-4], "little")
        return data[: -8 - size] + data[-8 - size :].replace(b"\x16\xd8\x04", b"\x16\xd6\x04")

    def repeating(**options: object) -> bytes:
        file = io.BytesIO()
        places, values = pa.array([0] * 100_000), pa.array(["x" * (1 << 20)])
        texts = pa.DictionaryArray.from_arrays(places, values)
        pq.write_table(pa.table({"text": texts}), file, compression="zstd", **options)
        return file.getvalue()

    yield Case(name="Parquet with a row that its footer keeps quiet about", file="data.parquet",
               make=lying, whole=False, reason="1 rows more than it claims")  # fmt: skip
    yield Case(name="Parquet with a mebibyte in 100,000 rows", file="data.parquet", kept=(),
               make=lambda: repeating(store_schema=False), whole=False)  # fmt: skip


def _archives() -> Iterator[Case]:
    good = {"a.jsonl": _good()}
    for ending, pack in {"zip": zipped, "tar": tarred}.items():
        file, whole = f"data.{ending}", pack({**good, "b.json": b'[{"text": "x"}]'})
        yield Case(name=f"a good {ending} archive", file=file, make=lambda data=whole: data)
        for name, member in {
            "of no format": ("b.xyz", b"\x00" * 99, "of no format"),
            "with no JSON": ("b.jsonl", b"{", "malformed"),
            "inside an archive": (f"b.{ending}", pack(good), "of no format"),
            "that is code": ("b.py", b"import os", "of no format"),
            "with a hostile name": ("../\x1b[2J\u202e.xyz", b"x", "of no format"),
        }.items():
            yield Case(
                name=f"a {ending} archive with a member {name}", file=file, whole=False,
                make=lambda pack=pack, member=member: pack({**good, member[0]: member[1]}),
                reason=member[2],
            )  # fmt: skip
        for keep in (100, -30 if ending == "zip" else 700):
            yield Case(
                name=f"a {ending} archive cut at {keep}", file=file, kept=(),
                whole=None if ending == "zip" or keep == 100 else False,
                make=lambda data=whole, keep=keep: data[:keep],
            )  # fmt: skip
    yield Case(
        name="a zip archive before another", file="data.zip", whole=False, reason="no member",
        make=lambda: zipped({"hidden.jsonl": _noisy()}) + zipped(good),
    )  # fmt: skip
    yield Case(
        name="a tar archive before another", file="data.tar", whole=False, reason="follows its end",
        make=lambda: tarred(good) + tarred({"hidden.jsonl": _noisy()}),
    )  # fmt: skip
    yield Case(
        name="a bomb in a zip archive", file="data.zip", whole=False, reason="bomb",
        make=lambda: zipped({**good, "b.txt": b"x" * (300 << 20)}),
    )  # fmt: skip


def _databases() -> Iterator[Case]:
    good, rows = database(rows_around()), rows_around({"text": "x"})
    loop = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
    for name, statements in {
        "a view without end": [f"CREATE VIEW v AS {loop}"],
        "a trigger": ["CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO t VALUES ('x'); END"],
        "an index on an expression": ["CREATE INDEX i ON t (upper(text))"],
        "a computed column": ["ALTER TABLE t ADD COLUMN u AS (upper(text))"],
        "an empty table": ["CREATE TABLE u (a, b)"],
        "hostile names": ['CREATE TABLE "\x1b[2J""; --" ("\u202e" TEXT)'],
        "1,500 columns": [f"CREATE TABLE u ({', '.join(f'c{n}' for n in range(1500))})"],
    }.items():
        yield Case(name=f"SQLite with {name}", file="data.db",
                   make=lambda given=statements: database(rows, *given))  # fmt: skip
    for name, (statements, reason) in {
        "a virtual table": (["CREATE VIRTUAL TABLE f USING fts5(body)"], "virtual table"),
        "a computed bomb": (
            ["ALTER TABLE t ADD COLUMN u AS (zeroblob(length(text) * 9999999))"], "computed"),
        "a computed bomb of patterns": (
            ["ALTER TABLE t ADD COLUMN u AS (hex(zeroblob(99999999)))"], "computed"),
        "values that are no text": (
            ["CREATE TABLE u (raw)", "INSERT INTO u VALUES (X'FF00')"], "no text"),
        "a blob of 200 MB": (
            ["CREATE TABLE u (raw)", "INSERT INTO u VALUES (zeroblob(200000000))"], "too big"),
    }.items():  # fmt: skip
        yield Case(name=f"SQLite with {name}", file="data.db", whole=False, reason=reason,
                   make=lambda given=statements: database(rows, *given))  # fmt: skip
    for name, data in {
        "only the magic": good[:16],
        "cut behind the head": good[:100],
        "cut in the middle": good[: len(good) // 2],
        "a page size of nothing": good[:16] + b"\0\0" + good[18:],
        "a schema of rubbish": good.replace(b"CREATE TABLE t", b"CREATE TABLE ("),
        "rubbish behind the head": good[:100] + b"\xa5" * (len(good) - 100),
    }.items():
        yield Case(name=f"SQLite, {name}", file="data.db", make=lambda data=data: data,
                   whole=None, kept=())  # fmt: skip


def cases() -> Iterator[Case]:
    """Yield all packed inputs."""
    yield from _compressed()
    yield from _columnar()
    yield from _lying_tables()
    yield from _archives()
    yield from _databases()
