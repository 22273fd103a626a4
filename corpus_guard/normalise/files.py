"""What the fields of a target's files mean, from a sample of all places, and what to show of it."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path

from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import ELLIPSIS, safe_text
from corpus_guard.normalise.facts import Record
from corpus_guard.normalise.fields import NOTHING, Used
from corpus_guard.normalise.forms.threads import Threads, threads_of
from corpus_guard.normalise.forms.unfolding import Unfolder
from corpus_guard.normalise.scheme import Scheme, holds, named_by
from corpus_guard.normalise.sorting import Sorter
from corpus_guard.plugins import Reader
from corpus_guard.read import read_records, reader_of
from corpus_guard.types import (
    OTHER_FIELD_LENGTH,
    OTHER_FIELDS_LISTED,
    FileLayout,
    Layout,
    LayoutRows,
    Shard,
    SourceFile,
)

HEAD = 256
PLACES, AT_A_PLACE, PLACE_BYTES = 8, 64, 1 << 20
WHOLE_BYTES, MOST_OF_WHOLE = 8 << 20, 1 << 16
MOST_SAMPLED = 4096
"""A target of at most WHOLE_BYTES is looked at whole, a larger file that can be entered anywhere at its
head and PLACES others. Of what was seen, the records with the smallest digests are the sample."""

_LINES = {"text": ("text",)}
"""The roles of formats that only give texts: what these are may still be seen."""

_NO_LAYOUT = Layout(kind="plain", roles={}, name="text")


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A sampled record: its digest, the index of its file, and its fields."""

    digest: bytes
    file: int
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What is known of the files before they are read.

    `fixed` are the layouts of files whose format has one, by file index; `scheme` tells those of all
    other records; `threads` how the records of files whose records are replies to others are joined.
    `unmet` are fields that the user names and the sample lacks, `fields` those it has.
    """

    files: Sequence[SourceFile]
    fixed: Mapping[int, Layout]
    scheme: Scheme
    unmet: frozenset[str]
    fields: frozenset[str]
    threads: Mapping[int, Threads] = field(default_factory=dict)
    sample: Sequence[_Sampled] = field(repr=False)

    def require_named(self, found: Iterable[str]) -> None:
        """Raise UsageError where a field that the user names is neither in the sample nor found."""
        missing = self.unmet - set(found)
        if missing and self.fields:
            raise UsageError(_no_such_field(min(missing), self.fields))

    def shown(
        self,
        rows: Mapping[int, Sequence[LayoutRows]],
        forms: Mapping[int, Mapping[str, int]] | None = None,
    ) -> tuple[FileLayout, ...]:
        """Return one entry per group of like files, given by which layouts their records were read.

        `forms` says of each file what its records were unfolded from.
        """
        others, sampled = self._other_fields()
        groups: dict[tuple[str, str], _Group] = {}
        for file in self.files:
            layouts = rows.get(file.index, ())
            usual = _usual(layouts) or self.fixed.get(file.index, _NO_LAYOUT)
            group = groups.setdefault((file.format, repr(usual)), _Group(layout=usual))
            group.files.append(file)
            group.also |= {one.layout.name for one in layouts} - {usual.name}
            group.others.update(others.get(file.index, ()))
            group.forms.update((forms or {}).get(file.index, {}))
            group.sampled += sampled[file.index]
            group.rows += sum(one.rows for one in layouts)
        return tuple(group.shown() for group in groups.values())

    def _other_fields(self) -> tuple[dict[int, Counter[str]], Counter[int]]:
        """Return the fields in no role and the number of sampled records, by file."""
        found: dict[int, Counter[str]] = {}
        records = [one.record for one in self.sample]
        for layout, places in Sorter(self.scheme).groups(records):
            for place in places:
                file = self.sample[place].file
                used = Used.of(self.fixed.get(file, layout).roles)
                names = (str(n) for n, value in used.rest(records[place]) if value not in NOTHING)
                found.setdefault(file, Counter()).update(names)
        count = Counter(one.file for one in self.sample)
        return found, count


@dataclass(slots=True)
class _Group:
    """Files of one format whose usual layout is the same, and what else there is in them."""

    layout: Layout
    files: list[SourceFile] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    also: set[str] = field(default_factory=set)
    forms: Counter[str] = field(default_factory=Counter)
    sampled: int = 0
    rows: int = 0

    def shown(self) -> FileLayout:
        """Return the entry to show; the most frequent fields first."""
        ranked = sorted(self.others, key=lambda name: (-self.others[name], name))
        return FileLayout(
            files=len(self.files),
            example=self.files[0].name,
            format=self.files[0].format,
            layout=self.layout,
            also=tuple(sorted(self.also)),
            forms=tuple(name for name, _ in sorted(self.forms.items(), key=_by_count)),
            other_fields=tuple(_cut(name) for name in ranked[:OTHER_FIELDS_LISTED]),
            other_fields_total=len(ranked),
            told_by=self.sampled if self.rows > self.sampled else 0,
        )


def survey_files(files: Sequence[SourceFile], options: ReadOptions) -> Surveyed:
    """Return what a sample of the files' records tells.

    Raises UsageError when a field that the user names is in no record, if all were looked at.
    """
    fixed = {
        file.index: layout
        for file in files
        if (layout := _fixed_layout(file, options.overrides)) is not None
    }
    is_small = sum(file.size_bytes for file in files) <= WHOLE_BYTES
    sample: list[_Sampled] = []
    fields: set[str] = set()
    threads: dict[int, Threads] = {}
    unmet, is_whole = set(named_by(options.overrides)), True
    for file in files:
        records, is_all = _sampled(file, options, is_small and file.index not in fixed)
        is_whole &= is_all
        for one in records:
            fields.update(map(str, one.record))
            unmet = {name for name in unmet if not holds(one.record, name)}
        joined = threads_of(one.record for one in records) if file.index not in fixed else None
        if joined is not None and not named_by(options.overrides):
            threads[file.index] = joined
            records = [replace(one, record=joined.joined(one.record, None)) for one in records]
        sample += records
        sample = _smallest(sample) if len(sample) > 4 * MOST_SAMPLED else sample
    sample = _smallest(sample)
    open_records = [one.record for one in sample if one.file not in fixed]
    found = Surveyed(
        files=files,
        fixed=fixed,
        scheme=Scheme.of(open_records, options.overrides),
        unmet=frozenset(unmet),
        fields=frozenset(fields),
        threads=threads,
        sample=sample,
    )
    if is_whole:
        found.require_named(())
    return found


def detect_layout(records: Sequence[Record], overrides: FieldOverrides) -> Layout:
    """Return the layout by which most of some records are read; without records, one without roles."""
    sorter = Sorter(Scheme.of(records, overrides))
    sorter.groups(records)
    return _usual(sorter.counted()) or _NO_LAYOUT


def _usual(layouts: Sequence[LayoutRows]) -> Layout | None:
    """Return the layout by which most records were read."""
    rows: Counter[str] = Counter()
    for one in layouts:
        rows[repr(one.layout)] += one.rows
    return max(
        (one.layout for one in layouts), key=lambda it: (rows[repr(it)], repr(it)), default=None
    )


def _smallest(sample: list[_Sampled]) -> list[_Sampled]:
    return sorted(sample, key=attrgetter("digest"))[:MOST_SAMPLED]


def _fixed_layout(file: SourceFile, overrides: FieldOverrides) -> Layout | None:
    """Return the layout of a file's format, with the fields that the user names; None for none."""
    layout = reader_of(file).layout
    if (
        layout is None
        or dict(layout.roles) == _LINES
        or overrides.prompt is not None
        or overrides.response is not None
    ):
        return None
    named = {
        "text": overrides.text,
        "label": overrides.label,
        "source": overrides.source,
        "time": overrides.time,
        "record_id": overrides.id,
    }
    given = {role: (name,) for role, name in named.items() if name is not None}
    kind = layout.kind if overrides.label is None else "labelled"
    return replace(layout, kind=kind, roles={**layout.roles, **given})


def _sampled(
    file: SourceFile, options: ReadOptions, may_be_whole: bool
) -> tuple[list[_Sampled], bool]:
    """Return some records of a file, and whether they are all of it."""
    reader, size = reader_of(file), file.size_bytes
    is_near = isinstance(file.path, Path) and file.compression == "none" and not reader.native
    is_free = is_near and options.limit is None and reader.layout is None
    if is_free and may_be_whole:
        pieces = [(0, size, MOST_OF_WHOLE)]
    elif is_free and reader.splittable and size > PLACE_BYTES:
        starts = [size * place // (PLACES + 1) for place in range(1, PLACES + 1)]
        ends = [min(size, start + PLACE_BYTES) for start in starts]
        pieces = [(0, size, HEAD), *zip(starts, ends, [AT_A_PLACE] * PLACES, strict=True)]
    else:
        pieces = [(0, size, HEAD)]
    found: list[_Sampled] = []
    unfolder = Unfolder.of(options.overrides)
    read_count = 0
    for start, end, count in pieces:
        shard = Shard(index=0, file=file, start=start, end=end)
        read = read_records(shard, options, count)
        read_count += len(read)
        found += [
            _Sampled(digest, file.index, one)
            for digest, record in read
            for one in (unfolder.records(record) if _is_open(reader) else [record])
        ]
    return found, len(pieces) == 1 and read_count < pieces[0][2]


def _is_open(reader: Reader) -> bool:
    return reader.layout is None or dict(reader.layout.roles) == _LINES


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _cut(name: str) -> str:
    return name if len(name) <= OTHER_FIELD_LENGTH else name[:OTHER_FIELD_LENGTH] + ELLIPSIS


def _no_such_field(name: str, fields: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(fields), n=1)
    hint = f" (did you mean {safe_text(near[0], 60)}?)" if near else ""
    listed = ", ".join(safe_text(field, 40) for field in sorted(fields)[:20])
    return f"no record has the field {safe_text(name, 60)}{hint}; the fields are: {listed}"
