"""The values that flow from one stage to the next.

    target → SourceFile → Shard → RecordBlock | Unread → batch (Arrow) → sketches → Finding → ScanResult

Everything here is immutable and knows nothing of the stages that make or use it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
Verdict = Literal["clean", "suspicious", "poisoned", "incomplete"]

BATCH_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("byte_offset", pa.int64(), nullable=False),
        pa.field("sha256", pa.binary(32), nullable=False),
        pa.field("record_id", pa.string()),
        pa.field("text", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("response", pa.string()),
        pa.field("rejected", pa.string()),
        pa.field("label", pa.string()),
        pa.field("source", pa.string()),
        pa.field("url", pa.string()),
        pa.field("time", pa.string()),
        pa.field("markup", pa.string()),
        pa.field("other", pa.string()),
        pa.field("oddity", pa.string()),
    ]
)
"""The columns of every batch. `row` is the 0-based record number inside its shard, `byte_offset`
the record's place in its (decompressed) file or -1, `sha256` the digest of its raw bytes. `text`
holds plain or labelled text; `prompt`, `response` and `rejected` the turns of instruction, chat and
preference records; `markup` the source of a web page, whose visible text is in `text`; `other` every
field that has no role, as `name: value` lines, so that nothing goes unscanned; `oddity` what the
reader noticed (`duplicate_keys`), or null."""

TEXT_COLUMNS = ("text", "prompt", "response", "rejected", "other")
"""The batch columns that hold natural text."""

COUNTED_ROLES = ("text", "prompt", "response", "rejected", "label")
"""What a data set has: the batch columns of which it is told how many rows say something in them."""

STRING_COLUMNS = (*TEXT_COLUMNS, "record_id", "label", "source", "url", "time", "markup")
"""The batch columns that hold text of any kind; what must miss nothing looks at all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStreams:
    """Records that a program holds or makes, by the name of their split; each is read once.

    `name` is what all of them are called.
    """

    streams: Mapping[str, Iterable[Mapping[str, object]]]
    name: str = "<dataset>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPath:
    """A file of a data set on a hub, at one commit; `path` is never used as a local path.

    `endpoint` is the hub's address, None for the usual one.
    """

    endpoint: str | None
    repo: str
    revision: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file of the target. `name` is its path relative to the target, as shown to people.

    `encoding` is that of its text; its reader is handed UTF-8.
    """

    index: int
    path: Path | HubPath
    name: str
    format: str
    compression: str
    size_bytes: int
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A piece of a file that one worker reads.

    A byte range [start, end) where the format can be split, else the whole file. A record
    belongs to the shard in which its first byte lies.
    """

    index: int
    file: SourceFile
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Input that was not scanned, or only in part.

    `kind` is `record` (one record is lost), `partial` (a record was scanned up to a limit), `bytes`
    (a stretch of a file is lost) or `file` (a whole file is lost or was left out). `row` and
    `byte_offset` are -1 where unknown; `size_bytes` counts the input bytes that went unscanned.
    `may_pass` says that reading it again may succeed, as after a broken connection.
    """

    file: str
    kind: Literal["record", "partial", "bytes", "file"]
    row: int
    byte_offset: int
    size_bytes: int
    reason: str
    may_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBlock:
    """Some records of one shard as the reader found them; equally long lists, one item a record.

    `bytes_read` is how far the shard's own (compressed) bytes were consumed since the last block.
    """

    rows: list[int]
    byte_offsets: list[int]
    digests: list[bytes]
    fields: list[Mapping[str, object]]
    oddities: list[str | None]
    bytes_read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which field plays which role. `kind` is plain, labelled, instruction, chat or preference.

    `roles` maps a batch column to the field names that feed it, in order; fields in no role go to
    `other`. A field name may be a dotted path into nested objects. `name` is what people call the
    layout. Where `winner` names a field, its value says per record which of two answers is preferred:
    the roles' rejected one, when the value as text is one of `second`.
    `turned` are roles by which the same records are read once more each, where nothing says for sure
    which of their texts answers which.
    """

    kind: Literal["plain", "labelled", "instruction", "chat", "preference"]
    roles: Mapping[str, tuple[str, ...]]
    name: str = ""
    winner: str = ""
    second: tuple[str, ...] = ()
    turned: tuple[Mapping[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutRows:
    """How many records were read by a layout; one without roles stands for rare ones of its name."""

    layout: Layout
    rows: int


class RowSet(Sequence[int]):
    """A set of rows as global row numbers, sorted; reads like a tuple and costs a few bytes a row.

    Equal to any sequence of the same numbers.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: npt.ArrayLike = ()) -> None:
        """Take in row numbers of any order."""
        given = np.unique(np.asarray(rows, np.int64))
        self._rows = given.astype(np.int32) if len(given) and given[-1] < 2**31 else given

    @property
    def array(self) -> npt.NDArray[np.int64]:
        """The row numbers, (n,) int64, sorted; a copy."""
        return self._rows.astype(np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __iter__(self) -> Iterator[int]:
        """Yield the row numbers."""
        return iter(self._rows.tolist())

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[int, ...]: ...
    def __getitem__(self, place: int | slice) -> int | tuple[int, ...]:
        """Return a row number, or some."""
        found = self._rows[place]
        return tuple(found.tolist()) if isinstance(place, slice) else int(found)

    def __contains__(self, row: object) -> bool:
        """Say whether a row is in the set."""
        place = np.searchsorted(self._rows, row) if isinstance(row, int | np.integer) else len(self)
        return bool(place < len(self) and self._rows[place] == row)

    def __eq__(self, other: object) -> bool:
        """Compare with a sequence of numbers."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return bool(np.array_equal(self._rows, getattr(other, "_rows", other)))

    def __hash__(self) -> int:
        """Return what equal sets of rows have in common."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Return the first few numbers and how many there are."""
        shown = ", ".join(map(str, self[:5]))
        return f"RowSet([{shown}{', ...' if len(self) > 5 else ''}], {len(self)} rows)"

    def __or__(self, other: "RowSet") -> "RowSet":
        """Return the rows that are in either set."""
        return RowSet(np.union1d(self._rows, other._rows))

    def shared_with(self, other: "RowSet") -> int:
        """Return how many rows are in both sets."""
        return len(np.intersect1d(self._rows, other._rows, assume_unique=True))

    def between(self, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the rows in [first, last), less `first`."""
        start, end = np.searchsorted(self._rows, [first, last])
        return self._rows[start:end].astype(np.int64) - first


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRef:
    """A record: its file's name and its 0-based number in that file."""

    file: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a trigger stands in a record: the text before, the match, the text after."""

    file: str
    row: int
    before: str
    match: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What the attacker planted; `kind` is ngram, unicode, hidden_text or duplicate_cluster."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the trigger leads to: a field and the value it takes on."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One suspected attack or defect.

    `score` in [0, 1]; `q_value` is the expected share of false findings among all findings at
    least this strong, in [0, 1]; `rows` are all affected rows; `rows_flagged` those among them that
    `clean` would drop.
    """

    id: str
    rule: str
    severity: Severity
    score: float
    q_value: float
    title: str
    message: str
    attack: str
    trigger: Trigger | None
    target: Target | None
    rows: RowSet
    rows_flagged: RowSet
    rows_sample: tuple[RowRef, ...]
    contexts: tuple[Context, ...]
    evidence: Mapping[str, float | int | str]
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRun:
    """Whether a selected plugin ran, and if not, why not.

    `failed` says that it broke down, `gap` that the data hold what it looks at and it could not.
    """

    ran: bool
    reason: str = ""
    failed: bool = False
    gap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A bound that was reached: `plugin` looked at `limit` of `what`, and left out `left_out`."""

    plugin: str
    what: str
    limit: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was read. `bytes_total` and `bytes_scanned` count the target's bytes as they are stored.

    `skipped` lists at most `SKIPPED_LISTED` entries; `skipped_total` is their true number.
    `passed_over` are files and folders that are no part of the data, such as `.git` and a README.
    `caps` are the bounds that were reached. `rows_with` says how many rows hold something in each of
    COUNTED_ROLES.
    """

    files: int
    bytes_total: int
    bytes_scanned: int
    records_total: int
    records_scanned: int
    records_partial: int
    records_skipped: int
    skipped: tuple[Unread, ...]
    skipped_total: int
    plugins: Mapping[str, PluginRun]
    passed_over: tuple[str, ...] = ()
    caps: tuple[Cap, ...] = ()
    rows_with: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True when every byte was scanned and every selected plugin that applies ran."""
        return self.skipped_total == 0 and not any(
            run.failed or run.gap for run in self.plugins.values()
        )


SKIPPED_LISTED = 1000
"""How many skipped places a report lists by name."""


OTHER_FIELDS_LISTED = 20
OTHER_FIELD_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayout:
    """The layouts that were found in one group of files, for people to check.

    `layout` is the one by which most of their records were read; `also` names those by which others
    were, since each record is read as what its own fields say that it is. `forms` names what records
    were unfolded from: an export, an applied chat template, other records.
    `other_fields` names fields in no role, at most OTHER_FIELDS_LISTED of `other_fields_total`, each
    cut to OTHER_FIELD_LENGTH characters: those that a sample of the records holds. They are scanned as
    well, for all that can hide in any text. `told_by` is how large the sample is where the files hold
    more; else 0. `encoding` is that of the example.
    """

    files: int
    example: str
    format: str
    layout: Layout
    also: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    other_fields: tuple[str, ...] = ()
    other_fields_total: int = 0
    told_by: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOfDetection:
    """The smallest attack that this scan would have found: rows and poison rate at a power."""

    attack: str
    poison_rate: float
    rows: int
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What a scan found, and on what it rests.

    `resolved_revision` is the commit of a data set on a hub that was read, else None.
    """

    target: str
    target_sha256: str
    layouts: tuple[FileLayout, ...]
    verdict: Verdict
    exit_code: int
    coverage: Coverage
    findings: tuple[Finding, ...]
    limit_of_detection: tuple[LimitOfDetection, ...]
    parameters: Mapping[str, object]
    seed: int
    out: Path
    resolved_revision: str | None = None
    timing: Mapping[str, float] = field(default_factory=dict)
