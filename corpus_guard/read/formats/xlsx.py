"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods): each row of each sheet is a record, also of hidden ones.

The first row of a sheet that is not empty names its columns; with several sheets a field says which it
is. Read are the values of cells, of formulas those that were stored with them; comments, macros,
drawings and charts are not. A workbook that is damaged, encrypted or out of proportion to its size is
told. Needs the extra `xlsx`.
"""

import datetime
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast
from xml.parsers import expat

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Extra, reader
from corpus_guard.read.blocks import BLOCK_BYTES, BlockBuilder
from corpus_guard.read.columnar.records import ROW_BYTES, Expansion
from corpus_guard.read.opening import FREE_BYTES, LARGEST_RATIO
from corpus_guard.read.text.delimited import LONGEST_NAME, distinct
from corpus_guard.read.text.lines import CHUNK
from corpus_guard.types import RecordBlock, Unread

XLSX = Extra(install="corpus-guard[xlsx]", modules=("python_calamine",))
ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
PARTS = (b"xl/workbook", b"xl/worksheets/", b"xl/_rels/", b"xl/sharedStrings", b"xl/styles")


def _recognises(head: bytes) -> bool:
    """Say whether a zip archive is a workbook: its members' names stand in the clear."""
    return head.startswith(ZIP) and (
        OPEN_DOCUMENT in head[:256] or any(part in head for part in PARTS)
    )


@reader(
    extensions=(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    recognises=_recognises,
    seekable=True,
    native=True,
    binary=True,
    extra=XLSX,
)
def read(
    stream: BinaryIO, options: ReadOptions, start: int, end: int | None
) -> Iterator[RecordBlock | Unread]:
    """Yield the rows of all sheets."""
    size = stream.seek(0, 2)
    _require_honest(stream, size)
    stream.seek(0)
    workbook = _calling(_opened, stream)
    sheets = _Sheets(size, options)
    count = len(workbook.sheet_names)
    for place, name in enumerate(workbook.sheet_names):
        try:
            rows = _calling(lambda place=place: workbook.get_sheet_by_index(place))
        except ValueError as error:
            why = f"the sheet {safe_text(name, 60)} cannot be read ({error})"
            yield Unread(
                file="", kind="bytes", row=-1, byte_offset=-1, size_bytes=1, reason=why
            )  # fmt: skip
        else:
            yield from sheets.rows_of(rows, name if count > 1 else "")
    yield from sheets.flush()


def _opened(stream: BinaryIO) -> Any:  # noqa: ANN401
    from python_calamine import load_workbook

    return load_workbook(stream)


def _calling(parse: Any, *given: object) -> Any:  # noqa: ANN401
    """Return what a call of the parser returns; raise ValueError where it fails or panics."""
    try:
        return parse(*given)
    except MemoryError:
        raise
    except BaseException as error:  # a panic of the parser is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise ValueError(safe_text(str(error) or type(error).__name__, 120)) from error


def _require_honest(stream: BinaryIO, size: int) -> None:
    """Raise ValueError for an archive that unpacks out of proportion, whatever it says of itself."""
    stream.seek(0)
    if stream.read(len(ZIP)) != ZIP:
        return
    most = max(FREE_BYTES, LARGEST_RATIO * size)
    with zipfile.ZipFile(stream) as archive:
        if sum(member.file_size for member in archive.infolist()) > most:
            raise ValueError(
                f"unpacks to more than {LARGEST_RATIO} times its size; looks like a bomb"
            )
        for member in archive.infolist():  # one that holds more than it says breaks here
            with archive.open(member) as content:
                _require_whole(member.filename, cast(BinaryIO, content))


def _require_whole(name: str, content: BinaryIO) -> None:
    """Raise ValueError for a part whose XML is cut or broken; the parser may pass over what follows."""
    if not name.lower().endswith((".xml", ".rels")):
        while content.read(CHUNK):
            pass
        return
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_entities
    try:
        while part := content.read(CHUNK):
            parser.Parse(part)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"its part {safe_text(name, 60)} is broken ({error})") from error


def _refuse_entities(*_: object) -> None:
    raise ValueError("one of its parts declares entities, which no workbook has")


class _Sheets:
    """The records of the sheets that were read so far."""

    def __init__(self, size: int, options: ReadOptions) -> None:
        self._size, self._options = size, options
        self._block, self._expansion, self._held = BlockBuilder(), Expansion(), 0

    def rows_of(self, sheet: Any, mark: str) -> Iterator[RecordBlock | Unread]:  # noqa: ANN401
        """Yield the records of a sheet; `mark` is its name where there are several."""
        if not sheet.height:
            return
        names: list[str] | None = None
        for cells in sheet.iter_rows():
            values = [_value(cell) for cell in cells]
            if all(value is None for value in values):
                continue
            if names is None:
                told = ["" if value is None else str(value) for value in values]
                is_header = max(map(len, told)) <= LONGEST_NAME
                names = distinct(told if is_header else [""] * len(told))
                if is_header:
                    continue
            yield from self._add(names, values, mark)

    def flush(self) -> Iterator[RecordBlock]:
        """Yield what is left."""
        self._held = 0
        yield from self._block.flush()

    def _add(
        self, names: list[str], values: list[object], mark: str
    ) -> Iterator[RecordBlock | Unread]:
        most = self._options.max_keys
        record: dict[str, object] = {}
        left, cut = self._options.max_record_bytes, 0
        for name, value in zip(names[:most], values, strict=False):
            if isinstance(value, str):
                data = value.encode("utf-8", "replace")
                if len(data) > left:
                    value = data[:left].decode("utf-8", "ignore")
                    cut += len(data) - left
                left = max(0, left - len(data))
            record[name] = value
        if mark:
            record["sheet" if "sheet" not in record else "(sheet)"] = mark
        taken = self._options.max_record_bytes - left + 8 * len(record)
        self._expansion.spend(ROW_BYTES + taken, self._size)
        row = self._block.add_values(record)
        self._held += taken
        if cut:
            yield self._block.beyond(row, -1, cut)
        if len(names) > most:
            yield self._block.partial(
                row, -1, 0, f"more than {most} keys; the first were scanned"
            )  # fmt: skip
        if self._block.is_full or self._held >= BLOCK_BYTES:
            yield from self.flush()


def _value(cell: object) -> object:
    """Return what a cell holds: whole numbers as such, times as text, None where it is empty."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, datetime.timedelta) else cell
