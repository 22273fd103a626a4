"""Records that a program holds: frames, tables, data sets, streams of records or of texts.

Nothing is imported to tell what an object is: its type says which library it comes from. All are read
as streams, some rows at a time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.types import RecordStreams

Rows = Iterator[Mapping[str, object]]
ROWS_AT_ONCE = 4096
LOOKED_AT = 1000
"""So many texts tell whether all are paths or texts."""


def held(target: Any) -> RecordStreams | None:  # noqa: ANN401
    """Return the records of a frame, a table or a data set of a known library; None for others."""
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(target).__mro__}
    names = {name for library, name in kinds if library == "datasets"}
    if names & {"DatasetDict", "IterableDatasetDict"}:
        return RecordStreams(streams={str(split): rows for split, rows in target.items()})
    if names & {"Dataset", "IterableDataset"}:
        return RecordStreams(streams={str(target.split or "records"): target})
    for kind, rows in _ROWS.items():
        if kind in kinds:
            return RecordStreams(streams={"<table>": rows(target)}, name="<table>")
    return None


def streamed(first: list[object], rest: Iterable[object]) -> RecordStreams:
    """Return records, or texts of which each is a record, as one stream; they are read only once."""
    is_text = bool(first) and isinstance(first[0], str)
    items = chain(first, rest)
    rows = _texts(items) if is_text else _mappings(items)
    return RecordStreams(streams={"<records>": rows}, name="<records>")


def are_paths(items: Iterable[object], is_path: Callable[[str], bool], endings: set[str]) -> bool:
    """Say whether texts are paths, as all are that exist or end as files do, or texts to scan.

    Where none is a path and one has a blank in it, all are texts. Raises UsageError for a mixture.
    """
    path, text = None, None
    for place, item in enumerate(items):
        if isinstance(item, Path) or (isinstance(item, str) and is_path(item)):
            path = place if path is None else path
        elif isinstance(item, str):
            is_file = Path(item[-300:].lower()).suffix in endings and "\n" not in item
            has_blank = any(map(str.isspace, item))
            if is_file and not has_blank:
                path = place if path is None else path
            elif has_blank and not is_file:
                text = place if text is None else text
    if path is not None and text is not None:
        raise UsageError(
            f"item {path} is a path and item {text} a text; give only paths, or only texts, "
            'each as {"text": ...}'
        )
    return text is None


def records_of(items: Iterable[object]) -> Rows:
    """Yield records; raise UsageError for the first thing that is none."""
    return _mappings(items)


def require_alike(items: list[object]) -> None:
    """Raise UsageError for the first that is no mapping, or no text where they begin with one."""
    wanted = str if isinstance(items[0], str) else Mapping
    for place, item in enumerate(items):
        if not isinstance(item, wanted):
            raise UsageError(_not_alike(place, item, "texts" if wanted is str else "mappings"))


def _texts(items: Iterable[object]) -> Rows:
    for place, item in enumerate(items):
        if not isinstance(item, str):
            raise UsageError(_not_alike(place, item, "texts"))
        yield {"text": str(item)}


def _mappings(items: Iterable[object]) -> Rows:
    for place, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise UsageError(_not_alike(place, item, "mappings"))
        yield item


def _not_alike(place: int, item: object, wanted: str) -> str:
    kind = safe_text(type(item).__name__, 60)
    return f"record {place} is a {kind}; give only {wanted}, or only paths"


def _pandas_rows(frame: Any) -> Rows:  # noqa: ANN401
    index = frame.index
    is_counter = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    frame = frame if is_counter else _with_index(frame)
    names = _distinct(frame.columns)
    for start in range(0, len(frame), ROWS_AT_ONCE):
        part = frame.iloc[start : start + ROWS_AT_ONCE]
        columns = [part.iloc[:, place].tolist() for place in range(len(names))]
        yield from (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _with_index(frame: Any) -> Any:  # noqa: ANN401
    """Return a frame whose index, which holds something, is columns like the others."""
    index = frame.index.to_frame(index=False)
    frame = frame.reset_index(drop=True)
    for place, name in enumerate(index.columns):
        frame.insert(place, name, index.iloc[:, place], allow_duplicates=True)
    return frame


def _distinct(columns: Iterable[object]) -> list[str]:
    """Return column names as texts that differ."""
    names, seen = [], Counter[str]()
    for column in columns:
        name = ".".join(map(str, column)) if isinstance(column, tuple) else str(column)
        while seen[name]:
            seen[name] += 1
            name = f"{name} ({seen[name] - 1})"
        seen[name] += 1
        names.append(name)
    return names


def _series_rows(series: Any) -> Rows:  # noqa: ANN401
    values = iter(series.to_pylist() if hasattr(series, "to_pylist") else series)
    for value in values:
        yield value if isinstance(value, Mapping) else {"text": value}


def _polars_rows(frame: Any) -> Rows:  # noqa: ANN401
    for part in frame.iter_slices(ROWS_AT_ONCE):
        yield from part.to_dicts()


def _lazy_rows(frame: Any) -> Rows:  # noqa: ANN401
    return _polars_rows(frame.collect())


def _arrow_rows(table: Any) -> Rows:  # noqa: ANN401
    for batch in table.to_batches():
        yield from _batch_rows(batch)


def _reader_rows(reader: Any) -> Rows:  # noqa: ANN401
    for batch in reader:
        yield from _batch_rows(batch)


def _batch_rows(batch: Any) -> Rows:  # noqa: ANN401
    names = _distinct(batch.schema.names)
    for start in range(0, batch.num_rows, ROWS_AT_ONCE):
        columns = [column.slice(start, ROWS_AT_ONCE).to_pylist() for column in batch.columns]
        yield from (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def _array_rows(array: Any) -> Rows:  # noqa: ANN401
    if array.ndim != 1:
        raise UsageError(
            f"an array of {array.ndim} dimensions holds no records; give a list of mappings"
        )
    names = array.dtype.names
    for value in array.tolist():
        if names:
            yield dict(zip(names, value, strict=True))
        elif isinstance(value, str | Mapping):
            yield {"text": value} if isinstance(value, str) else value
        else:
            kind = safe_text(type(value).__name__, 60)
            raise UsageError(f"the array holds a {kind}; give an array of texts or of mappings")


_ROWS: dict[tuple[str, str], Callable[[Any], Rows]] = {
    ("pandas", "DataFrame"): _pandas_rows,
    ("pandas", "Series"): _series_rows,
    ("polars", "DataFrame"): _polars_rows,
    ("polars", "LazyFrame"): _lazy_rows,
    ("polars", "Series"): _series_rows,
    ("pyarrow", "Table"): _arrow_rows,
    ("pyarrow", "RecordBatch"): _batch_rows,
    ("pyarrow", "RecordBatchReader"): _reader_rows,
    ("pyarrow", "Dataset"): _arrow_rows,
    ("pyarrow", "Array"): _series_rows,
    ("pyarrow", "ChunkedArray"): _series_rows,
    ("numpy", "ndarray"): _array_rows,
}


def head_of(items: Iterator[object]) -> list[object]:
    """Return the first items of a stream."""
    return list(islice(items, LOOKED_AT))
