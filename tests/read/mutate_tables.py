"""Reads damaged Arrow and Parquet files; run as a program, so that a crash is seen from outside.

    python mutate_tables.py FORMAT SEED COUNT

Each of COUNT files is a small valid one of which some bytes were flipped, overwritten with telling
values, taken out, or cut off. Prints how many files were read whole, in part and not at all. Ends with
an error when a file takes long or much memory, or when a loss is not told.
"""

import io
import random
import struct
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import load
from corpus_guard.types import RecordBlock

LONGEST_S = 5.0
TELLING = [0, 1, 7, 8, 127, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1]


def table(*, arrow: bool) -> pa.Table:
    """Return a table of 40 rows with a column of every kind of layout."""
    words = [f"word {number}" if number % 7 else None for number in range(40)]
    lists = [words[: number % 4] if number % 5 else None for number in range(40)]
    text = pa.array(words)
    columns = {
        "text": text,
        "large": text.cast(pa.large_string()),
        "number": pa.array(range(40)),
        "bool": pa.array([None, True] * 20),
        "time": pa.array(range(40), pa.timestamp("ms", "UTC")),
        "price": pa.array(range(40), pa.decimal128(9, 2)),
        "fixed": pa.array([b"abc"] * 40, pa.binary(3)),
        "list": pa.array(lists),
        "pair": pa.array([["a", None]] * 40, pa.list_(pa.string(), 2)),
        "map": pa.array([[("k", word)] for word in words], pa.map_(pa.string(), pa.string())),
        "struct": pa.array([{"bytes": b"x", "deep": {"list": found}} for found in lists]),
        "dictionary": text.dictionary_encode(),
    }
    if arrow:
        ends = pa.array([10, 30, 40], pa.int32())
        codes, halves = pa.array([0, 1] * 20, pa.int8()), pa.array(range(20)).cast(pa.int8())
        places = pa.array([number // 2 for number in range(40)], pa.int32())
        columns |= {
            "runs": pa.RunEndEncodedArray.from_arrays(ends, pa.array(["a", None, "c"])),
            "view": pa.array([f"a long enough word {word}" for word in words], pa.string_view()),
            "list view": pa.array(lists, pa.list_view(pa.string())),
            "sparse": pa.UnionArray.from_sparse(codes, [text, pa.array(range(40))]),
            "dense": pa.UnionArray.from_dense(codes, places, [text.slice(0, 20), halves]),
            "lists": pa.array(lists, pa.list_(pa.dictionary(pa.int8(), pa.string()))),
            "json": pa.array(['"a"'] * 40, pa.json_()),
            "none": pa.nulls(40),
        }
    return pa.table(columns)


def files(kind: str) -> list[bytes]:
    """Return valid files of a format, written in different ways."""
    found = []
    if kind == "arrow":
        whole = table(arrow=True)
        pieces = [column for column in whole.column_names if column != "lists"]
        for make in (pa.ipc.new_file, pa.ipc.new_stream):
            for part, codec in ((whole, None), (whole.select(pieces[:6]), "lz4"), (whole, "zstd")):
                found.append(_ipc(make, part, pa.ipc.IpcWriteOptions(compression=codec)))
        found.append(_ipc(pa.ipc.new_stream, whole, pa.ipc.IpcWriteOptions(use_legacy_format=True)))
        found.append(_growing())
        return found
    for options in (
        {},
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "data_page_version": "2.0", "data_page_size": 64},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
    ):
        sink = io.BytesIO()
        pq.write_table(table(arrow=False), sink, row_group_size=15, **options)
        found.append(sink.getvalue())
    return found


def _ipc(make: object, part: pa.Table, options: pa.ipc.IpcWriteOptions) -> bytes:
    sink = io.BytesIO()
    with make(sink, part.schema, options=options) as writer:  # type: ignore[operator]
        writer.write_table(part, max_chunksize=15)
    return sink.getvalue()


def _growing() -> bytes:
    """Return a stream whose dictionaries grow."""
    sink, words = io.BytesIO(), [["a"], ["b", "c"], None, []]
    kind = pa.dictionary(pa.int8(), pa.list_(pa.string()))
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, pa.schema([("text", kind)]), options=options) as writer:
        for count in (1, 2, 4):
            places = pa.array(range(count), pa.int8())
            values = pa.array(words[:count], kind.value_type)
            writer.write_batch(
                pa.record_batch([pa.DictionaryArray.from_arrays(places, values)], ["text"])
            )
    return sink.getvalue()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the file with one to four kinds of damage."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if len(broken) < 64:
            break
        place, width = chance.randrange(len(broken)), chance.choice([1, 2, 4, 8])
        how = chance.random()
        if how < 0.4:
            broken[place] ^= 1 << chance.randrange(8)
        elif how < 0.8:
            place -= place % width
            value = chance.choice(TELLING) + chance.choice([0, -1, 1])
            broken[place : place + width] = struct.pack("<Q", value % 2**64)[:width]
        elif how < 0.9:
            del broken[place : place + chance.randint(1, 64)]
        elif how < 0.95:
            broken[place:place] = broken[: chance.randint(1, 64)]
        else:
            del broken[max(16, place) :]
    return bytes(broken)


def _peak_kib() -> int:
    """Return the most memory that this program held; `ru_maxrss` counts that of its parent too."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0])


def main(kind: str, seed: int, count: int) -> None:
    """Read so many damaged files."""
    spec, originals = load("read", kind).spec, files(kind)
    ends = {"whole": 0, "part": 0, "none": 0}
    for number in range(seed, seed + count):
        chance = random.Random(number)
        data = damaged(originals[number % len(originals)], chance)
        begun, records, told = time.process_time(), 0, False
        try:
            for item in spec.read(io.BytesIO(data), ReadOptions(), 0, None):
                records += len(item.rows) if isinstance(item, RecordBlock) else 0
                told = told or not isinstance(item, RecordBlock)
        except Exception:  # the caller makes it one `Unread`
            told = True
        taken = time.process_time() - begun
        if taken > LONGEST_S:
            sys.exit(f"{kind} {number} took {taken:.1f} s")
        ends["whole" if not told else "part" if records else "none"] += 1
    peak_mib = _peak_kib() >> 10
    if peak_mib > 1024:
        sys.exit(f"{kind} took {peak_mib} MiB")
    sys.stdout.write(f"{ends['whole']} {ends['part']} {ends['none']} {peak_mib}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
