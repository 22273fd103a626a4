"""Compressed and columnar files that are cut, flipped, nested or far larger than they look."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator

from .case import GOOD, Case
from .containers import CONTAINERS, rows_around


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


def cases() -> Iterator[Case]:
    """Yield all packed inputs."""
    yield from _compressed()
    yield from _columnar()
