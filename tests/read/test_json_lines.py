"""Lines that are read many at a time give what they give one by one."""

import io
import json
from functools import partial

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_guard.config import ReadOptions
from corpus_guard.plugins import load
from corpus_guard.read.blocks import BlockBuilder
from corpus_guard.read.text import json_lines, kernels, lines
from corpus_guard.read.text.json_record import add_json
from corpus_guard.types import RecordBlock, Unread


class Pairs(list):  # type: ignore[type-arg]
    """An object whose keys may repeat."""


KEYS = st.sampled_from(["text", "a", "b", "", 'q"', "é", "\\"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats()
JSON = st.recursive(
    LEAVES | st.text('ab"\\é{}[],:\n\ud800', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(KEYS, inner), max_size=4).map(Pairs)
    ),
    max_leaves=8,
)
MARKS = st.sampled_from([b"", b'"', b"}", b"{", b"\xff", b"\r", b"\\"])


def written(value: object, *, raw: bool) -> str:
    if isinstance(value, Pairs):
        return (
            "{" + ", ".join(f"{written(k, raw=raw)}:{written(v, raw=raw)}" for k, v in value) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(written(item, raw=raw) for item in value) + "]"
    return json.dumps(value, ensure_ascii=not raw)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Return lines of JSON, some of them damaged, blank or something else."""
    found = []
    for _ in range(draw(st.integers(0, 8))):
        value = draw(st.lists(st.tuples(KEYS, JSON), max_size=4).map(Pairs) | JSON)
        line = written(value, raw=draw(st.booleans())).encode("utf-8", "surrogatepass")
        if draw(st.integers(0, 4)) == 0:
            place = draw(st.integers(0, len(line)))
            behind = line[place + draw(st.integers(0, 2)) :]
            line = line[:place] + draw(MARKS) + behind
        found.append(draw(st.sampled_from([b"", b"", b" ", b"\xef\xbb\xbf"])) + line)
        found.append(draw(st.sampled_from([b"\n", b"\n", b"\r\n", b" \n\n", b"\x0b\n", b"\r\r\n"])))
    return b"".join(found)[: draw(st.just(None) | st.integers(0, 200))]


def outcome(items: object) -> tuple[list[object], list[Unread], int]:
    blocks, unread = [], []
    for item in items:  # type: ignore[attr-defined]
        (blocks if isinstance(item, RecordBlock) else unread).append(item)
    records: list[object] = []
    for b in blocks:
        shown = map(repr, b.fields)
        records += zip(b.rows, b.byte_offsets, b.digests, shown, b.oddities, strict=True)
    return records, unread, sum(block.bytes_read for block in blocks)


def one_by_one(data: bytes, options: ReadOptions, start: int, end: int | None) -> object:
    block = BlockBuilder()
    for line in lines.lines(io.BytesIO(data), start, end, options.max_record_bytes):
        block.count(line.length)
        if line.data.strip():
            yield from add_json(block, line, options)
    yield from block.flush()


@settings(max_examples=600, deadline=None)
@given(
    data=texts(), first=st.sampled_from([1, 7, 64, 4096]), most=st.sampled_from([1, 9, 30, 1 << 20]),
    depth=st.sampled_from([1, 3, 256]), keys=st.sampled_from([1, 3, 10_000]),
    places=st.tuples(st.integers(0, 150), st.integers(0, 150)), whole=st.booleans(),
)  # fmt: skip
def test_many_at_a_time_is_the_same_as_one_by_one(
    data: bytes, first: int, most: int, depth: int, keys: int, places: tuple[int, int], whole: bool
) -> None:
    options = ReadOptions(max_record_bytes=most, max_depth=depth, max_keys=keys)
    start, end = (0, None) if whole else sorted(places)
    read = load("read", "jsonl").spec.read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "FIRST_CHUNK", first)
        patch.setattr(lines, "CHUNK", 4 * first)
        patch.setattr(json_lines, "FIRST_CHUNK", 0)
        found = outcome(read(io.BytesIO(data), options, start, end))
    assert found == outcome(one_by_one(data, options, start, end))


def kinds_of(data: bytes, depth: int = 256, keys: int = kernels.MOST_KEYS) -> list[int]:
    import numpy as np

    most = data.count(b"\n") + 1
    stops, ends, kinds = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int8)
    count = kernels.survey_lines(
        np.frombuffer(data, np.uint8), 1 << 20, depth, keys, kernels.new_table(), stops, ends, kinds
    )
    return kinds[:count].tolist()


PLAIN, ODD, BLANK = kernels.PLAIN, kernels.ODD, kernels.BLANK


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'{"a": 1}', PLAIN),
        (b'{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": 1}}', PLAIN),
        (b'{"a": "x, \\"a\\": {["}', PLAIN),
        (b"{}", PLAIN),
        (b'{"a": 1, "a": 2}', ODD),
        (b'{"a": {"b": 1}, "c": {"d": 1, "b": 2, "d": 3}}', ODD),
        (b'{"a": [{"b": 1}, 2], "a": 3}', ODD),
        (b'{"a": 1, "\\u0061": 2}', ODD),
        (b'{"a": 1} {"a": 1}', ODD),
        (b'{"a": 1},', ODD),
        (b' {"a": 1}', ODD),
        (b'["a"]', ODD),
        (b'"a"', ODD),
        (b'{"a": "x', ODD),
        (b'{"a": "x\\', ODD),
        (b"}", ODD),
        (b" \t\x0b", BLANK),
        (b"", BLANK),
    ],
)
def test_the_kind_of_a_line(line: bytes, kind: int) -> None:
    assert kinds_of(line + b"\n") == [kind]
    assert kinds_of(b'{"a": 1}\n' + line + b"\r\n" + b'{"a": 1}')[1] == kind


def test_limits_make_a_line_odd() -> None:
    assert kinds_of(b'{"a": [[1]]}\n', depth=3) == [PLAIN]
    assert kinds_of(b'{"a": [[1]]}\n', depth=2) == [ODD]
    assert kinds_of(b'{"a": {"b": 1}}\n', keys=2) == [PLAIN]
    assert kinds_of(b'{"a": {"b": 1}}\n', keys=1) == [ODD]


@settings(max_examples=200, deadline=None)
@given(data=texts())
def test_a_plain_line_that_parses_has_lost_no_key(data: bytes) -> None:
    for line, kind in zip(data.split(b"\n"), kinds_of(data), strict=False):
        try:
            value = orjson.loads(line.rstrip(b"\r"))
        except orjson.JSONDecodeError:
            continue
        pairs: list[int] = []
        json.loads(line, object_pairs_hook=partial(note_repeated, pairs))
        assert kind != PLAIN or (type(value) is dict and not any(pairs))


def note_repeated(told: list[int], found: list[tuple[str, object]]) -> None:
    told.append(len(found) - len(dict(found)))


def test_a_repeated_key_among_thousands_is_found() -> None:
    many = {f"k{number}": number for number in range(3000)}
    line = json.dumps(many).encode()
    assert kinds_of(line + b"\n" + line[:-1] + b', "k7": 1}\n' + line) == [PLAIN, ODD, PLAIN]


def test_blocks_begin_small_and_lose_nothing() -> None:
    data = b"".join(b'{"text": "row %d"}\n' % number for number in range(50_000))
    items = list(load("read", "jsonl").spec.read(io.BytesIO(data), ReadOptions(), 0, None))
    assert [len(block.rows) for block in items][:2] == [256, 8192]
    assert [row for block in items for row in block.rows] == list(range(50_000))
    assert sum(block.bytes_read for block in items) == len(data)
