"""Arrow tables of every shape, for the readers of both formats that hold them."""

import datetime
import decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_DAY = st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1))
_TIME = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))
_PRICE = st.decimals(-1000, 1000, places=2, allow_nan=False)
_LEAVES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), TEXT),
    (pa.large_string(), TEXT),
    (pa.binary(), st.binary(max_size=8)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.int8(), st.integers(-128, 127)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), _DAY),
    (pa.timestamp("us"), _TIME),
    (pa.timestamp("ms", "UTC"), _TIME.map(lambda t: t.replace(microsecond=0, tzinfo=datetime.UTC))),
    (pa.decimal128(9, 2), _PRICE.map(lambda price: price.quantize(decimal.Decimal("0.01")))),
]
_ARROW_LEAVES = [(pa.string_view(), TEXT), (pa.binary_view(), st.binary(max_size=20))]


def _nested(
    inner: st.SearchStrategy[tuple[pa.DataType, st.SearchStrategy[Any]]], *, arrow: bool
) -> st.SearchStrategy[tuple[pa.DataType, st.SearchStrategy[Any]]]:
    def of_lists(pair: tuple[pa.DataType, st.SearchStrategy[Any]]) -> list[Any]:
        kind, values = pair[0], pair[1] | st.none()
        lists = st.lists(values, max_size=3)
        found = [(pa.list_(kind), lists), (pa.large_list(kind), lists)]
        found += [(pa.list_(kind, 2), st.lists(values, min_size=2, max_size=2))]
        found += [
            (
                pa.map_(pa.string(), kind),
                st.dictionaries(TEXT, values, max_size=3).map(lambda found: list(found.items())),
            )
        ]
        found += [
            (
                pa.struct([("a", kind), ("b", pa.string())]),
                st.fixed_dictionaries({"a": values, "b": TEXT | st.none()}),
            )
        ]
        return found + ([(pa.list_view(kind), lists)] if arrow else [])

    return inner.flatmap(lambda pair: st.sampled_from(of_lists(pair)))


@st.composite
def columns(draw: st.DrawFn, rows: int, *, arrow: bool) -> pa.Array:
    """Return a column of any type, with nulls; maybe a slice of a longer one, or a dictionary."""
    leaves = st.sampled_from(_LEAVES + (_ARROW_LEAVES if arrow else []))
    kind, values = draw(st.recursive(leaves, lambda part: _nested(part, arrow=arrow), max_leaves=3))
    before, after = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    count = before + rows + after
    column = pa.array(draw(st.lists(values | st.none(), min_size=count, max_size=count)), kind)
    if kind in (pa.string(), pa.int64()) and draw(st.booleans()):
        column = column.dictionary_encode()
    elif arrow and kind == pa.string() and draw(st.booleans()):
        column = pa.RunEndEncodedArray.from_arrays(
            pa.array(range(1, count + 1), pa.int32()), column
        )
    return column.slice(before, rows)


@st.composite
def tables(draw: st.DrawFn, *, arrow: bool) -> pa.Table:
    """Return a table of up to 12 rows and three columns; with `arrow`, of types Parquet lacks too."""
    rows, names = draw(st.integers(0, 12)), draw(st.lists(TEXT, max_size=3, unique=True))
    return pa.table([draw(columns(rows, arrow=arrow)) for _ in names], names=names)
