"""The layout of each file of a target, and what to show of it."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import ELLIPSIS, safe_text
from corpus_guard.normalise.fields import NOTHING, Used, field_value
from corpus_guard.normalise.layouts import detect_layout, known_layout
from corpus_guard.normalise.roles import TEXT_ROLES
from corpus_guard.read import read_head, reader_of
from corpus_guard.types import (
    OTHER_FIELD_LENGTH,
    OTHER_FIELDS_LISTED,
    FileLayout,
    Layout,
    SourceFile,
)

SAMPLE = 256


@dataclass(slots=True)
class _Group:
    """Files of one format and layout, and what else their first records hold: fields and layouts."""

    layout: Layout
    files: list[SourceFile] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    also: set[str] = field(default_factory=set)
    told_by: int = 0

    def shown(self) -> FileLayout:
        """Return the entry to show; the most frequent fields first."""
        ranked = sorted(self.others, key=lambda name: (-self.others[name], name))
        return FileLayout(
            files=len(self.files),
            example=self.files[0].name,
            format=self.files[0].format,
            layout=self.layout,
            also=tuple(sorted(self.also)),
            other_fields=tuple(_cut(name) for name in ranked[:OTHER_FIELDS_LISTED]),
            other_fields_total=len(ranked),
            told_by=self.told_by,
        )


def file_layouts(
    files: Sequence[SourceFile], options: ReadOptions
) -> tuple[dict[int, Layout], tuple[FileLayout, ...]]:
    """Return each file's layout by file index, and one entry per group of like files to show.

    Raises UsageError when a field that the user names is in no file.
    """
    found: dict[int, Layout] = {}
    groups: dict[tuple[str, str], _Group] = {}
    fields: set[str] = set()
    unmet = {name for name in asdict(options.overrides).values() if name is not None}
    for file in files:
        records = read_head(file, options, SAMPLE)
        fields |= {str(name) for record in records for name in record}
        unmet -= {name for name in unmet if any(field_value(r, name) is not None for r in records)}
        unmet -= fields
        layout = _layout_of(file, records, options.overrides)
        found[file.index] = layout
        group = groups.setdefault((file.format, repr(layout)), _Group(layout=layout))
        group.files.append(file)
        group.told_by = max(group.told_by, SAMPLE if len(records) == SAMPLE else 0)
        for record in records:
            own = _own_layout(record, layout)
            group.others.update(_other_fields(record, layout, own))
            group.also |= {own.name} - {layout.name}
    if unmet and fields:
        raise UsageError(_no_such_field(min(unmet), fields))
    return found, tuple(group.shown() for group in groups.values())


def _layout_of(
    file: SourceFile, records: Sequence[Mapping[str, object]], overrides: FieldOverrides
) -> Layout:
    """Return the layout of a file: its format's own, with the fields that the user names."""
    layout = reader_of(file).layout
    if layout is None or overrides.prompt is not None or overrides.response is not None:
        return detect_layout(records, overrides)
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


def _own_layout(record: Mapping[str, object], layout: Layout) -> Layout:
    """Return the layout that a record is read by: its file's, unless it has nothing of that."""
    texts = (name for role in TEXT_ROLES for name in layout.roles.get(role, ()))
    if any(field_value(record, name) not in NOTHING for name in texts):
        return layout
    return known_layout(record) or layout


def _other_fields(record: Mapping[str, object], layout: Layout, own: Layout) -> list[str]:
    used = Used.of({**layout.roles, **own.roles})
    return [str(name) for name, value in used.rest(record) if value not in NOTHING]


def _cut(name: str) -> str:
    return name if len(name) <= OTHER_FIELD_LENGTH else name[:OTHER_FIELD_LENGTH] + ELLIPSIS


def _no_such_field(name: str, fields: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(fields), n=1)
    hint = f" (did you mean {safe_text(near[0], 60)}?)" if near else ""
    listed = ", ".join(safe_text(field, 40) for field in sorted(fields)[:20])
    return f"no record has the field {safe_text(name, 60)}{hint}; the fields are: {listed}"
