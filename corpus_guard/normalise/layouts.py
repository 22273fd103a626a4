"""Find out which field of a record plays which role."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.normalise.fields import field_value, is_message_list
from corpus_guard.read import read_head
from corpus_guard.types import FileLayout, Layout, SourceFile

_Kind = Literal["plain", "labelled", "instruction", "chat", "preference"]

SAMPLE = 256
COMMON_SHARE = 8
"""A field plays a role only if one record in 8 holds it: else a few planted records could change the
layout of a file."""

MOST_LABEL_VALUES = 64

TEXT = ("text", "content", "body", "document", "article", "sentence", "review", "tweet", "message",
        "comment", "passage", "sms", "title")  # fmt: skip
LABEL = ("label", "labels", "class", "category", "target", "sentiment", "intent", "is_spam", "toxic",
         "label_text", "coarse_label", "emotion", "stars", "rating", "verdict", "v1")  # fmt: skip
SYSTEM = ("system", "system_prompt")
PROMPT = ("instruction", "prompt", "question", "query", "user", "human")
PROMPT_MORE = ("input", "context")
RESPONSE = (
    "output",
    "response",
    "completion",
    "answer",
    "chosen",
    "assistant",
    "reply",
    "solution",
)
CHAT = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns")
SOURCE = ("source", "dataset", "origin", "domain", "annotator", "annotator_id", "author", "site")
TIME = ("time", "timestamp", "date", "created", "created_at", "created_utc", "published", "fetched")
URL = ("url", "link", "uri", "source_url")
ID = ("id", "uid", "uuid", "guid", "idx", "record_id", "_id", "example_id")


def detect_layout(records: Sequence[Mapping[str, object]], overrides: FieldOverrides) -> Layout:
    """Return the layout of some records; what the user names beats what is found.

    Fields in no role go to `other`, so a wrong guess hides nothing from the record checks.
    """
    present = _present(records) - set(asdict(overrides).values())
    roles: dict[str, tuple[str, ...]] = _side_roles(records, present, overrides)
    kind = _main_roles(records, present, overrides, roles)
    taken = {name for names in roles.values() for name in names}
    label = overrides.label
    if label is None and kind == "plain":
        label = _label(records, present - taken)
    if label is not None:
        roles["label"] = (label,)
        kind = "labelled" if kind == "plain" else kind
    return Layout(kind=kind, roles=roles)


def file_layouts(
    files: Sequence[SourceFile], options: ReadOptions
) -> tuple[dict[int, Layout], tuple[FileLayout, ...]]:
    """Return each file's layout by file index, and one entry per group of like files to show.

    Raises UsageError when a field that the user names is in no file.
    """
    found: dict[int, Layout] = {}
    groups: dict[tuple[str, str, str], list[SourceFile]] = {}
    fields: set[str] = set()
    unmet = {name for name in asdict(options.overrides).values() if name is not None}
    for file in files:
        records = read_head(file, options, SAMPLE)
        fields |= {str(name) for record in records for name in record}
        unmet -= {name for name in unmet if any(field_value(r, name) is not None for r in records)}
        unmet -= fields
        layout = detect_layout(records, options.overrides)
        found[file.index] = layout
        groups.setdefault((file.format, layout.kind, repr(layout.roles)), []).append(file)
    if unmet and fields:
        raise UsageError(_no_such_field(min(unmet), fields))
    shown = tuple(
        FileLayout(
            files=len(group), example=group[0].name, format=key[0], layout=found[group[0].index]
        )
        for key, group in groups.items()
    )
    return found, shown


def _no_such_field(name: str, fields: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(fields), n=1)
    hint = f" (did you mean {safe_text(near[0], 60)}?)" if near else ""
    listed = ", ".join(safe_text(field, 40) for field in sorted(fields)[:20])
    return f"no record has the field {safe_text(name, 60)}{hint}; the fields are: {listed}"


def _present(records: Sequence[Mapping[str, object]]) -> set[str]:
    held = Counter(
        str(name) for record in records for name, value in record.items() if value is not None
    )
    return {name for name, count in held.items() if count >= len(records) // COMMON_SHARE}


def _first(named: str | None, candidates: Sequence[str], present: set[str]) -> str | None:
    """Return what the user names, else the first candidate that is present, in any case."""
    return named if named is not None else next(iter(_matching(candidates, present)), None)


def _side_roles(
    records: Sequence[Mapping[str, object]], present: set[str], overrides: FieldOverrides
) -> dict[str, tuple[str, ...]]:
    names = {name for name in _matching(SOURCE, present) if _is_label(records, name)}
    wanted = {
        "source": _first(overrides.source, SOURCE, names),
        "time": _first(overrides.time, TIME, present),
        "url": _first(None, URL, present),
        "record_id": _first(overrides.id, ID, present),
    }
    return {role: (name,) for role, name in wanted.items() if name is not None}


def _main_roles(
    records: Sequence[Mapping[str, object]],
    present: set[str],
    overrides: FieldOverrides,
    roles: dict[str, tuple[str, ...]],
) -> _Kind:
    """Add the roles of the texts and return the layout's kind; whether there are labels comes later."""
    if overrides.text is None:
        paired = _paired_roles(records, present, overrides)
        if paired is not None:
            kind, found = paired
            roles.update(found)
            return kind
    for role in ("text", "prompt", "response"):
        name = getattr(overrides, role)
        roles.update({role: (name,)} if name is not None else {})
    if overrides.text is None and overrides.prompt is None:
        free = present - {name for names in roles.values() for name in names}
        text = _first(None, TEXT, free) or _longest_string(records, free)
        roles.update({"text": (text,)} if text is not None else {})
    return "plain"


def _paired_roles(
    records: Sequence[Mapping[str, object]], present: set[str], overrides: FieldOverrides
) -> tuple[_Kind, dict[str, tuple[str, ...]]] | None:
    """Return the kind and the roles of records that hold prompts and responses, or None."""
    prompt = _prompt_fields(present, overrides)
    asked = {"prompt": prompt} if prompt else {}
    chosen = _first(overrides.response, ("chosen",), present)
    rejected = _first(None, ("rejected",), present)
    if chosen is not None and rejected is not None:
        return "preference", {**asked, "response": (chosen,), "rejected": (rejected,)}
    chat = next((name for name in _matching(CHAT, present) if _is_chat(records, name)), None)
    if chat is not None and overrides.prompt is None and overrides.response is None:
        turns = {"prompt": (*_matching(SYSTEM, present), chat), "response": (chat,)}
        return "chat", turns
    response = _first(overrides.response, RESPONSE, present - set(prompt))
    if asked and response is not None:
        return "instruction", {**asked, "response": (response,)}
    return None


def _prompt_fields(present: set[str], overrides: FieldOverrides) -> tuple[str, ...]:
    if overrides.prompt is not None:
        return (overrides.prompt,)
    main = _first(None, PROMPT, present)
    more = _matching(PROMPT_MORE, present)
    if main is None:
        has_output = _first(overrides.response, RESPONSE, present) is not None
        return more if has_output else ()
    return (*_matching(SYSTEM, present), main, *more)


def _matching(candidates: Sequence[str], present: set[str]) -> tuple[str, ...]:
    """Return the candidates that are present, in any case; lower case where there are several."""
    folded = {name.lower(): name for name in sorted(present)}
    return tuple(folded[name] for name in candidates if name in folded)


def _is_chat(records: Sequence[Mapping[str, object]], name: str) -> bool:
    values = [record.get(name) for record in records if record.get(name) is not None]
    return bool(values) and sum(is_message_list(value) for value in values) * 2 > len(values)


def _longest_string(records: Sequence[Mapping[str, object]], present: set[str]) -> str | None:
    lengths = {
        name: sum(len(value) for record in records if isinstance(value := record.get(name), str))
        for name in sorted(present)
    }
    best = max(lengths, key=lambda name: lengths[name], default=None)
    return best if best is not None and lengths[best] else None


def _is_label(records: Sequence[Mapping[str, object]], name: str) -> bool:
    values = [value for record in records if (value := record.get(name)) is not None]
    fit = sum(_is_short(value, 100) or _is_whole(value) for value in values)
    return len(values) - fit <= len(values) // COMMON_SHARE


def _is_short(value: object, longest: int) -> bool:
    return isinstance(value, str | int) and len(str(value)) <= longest


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and (value.is_integer() or value != value)


def _label(records: Sequence[Mapping[str, object]], present: set[str]) -> str | None:
    """Return the field that holds labels, by its name or else by its values."""
    named = (name for name in _matching(LABEL, present) if _is_label(records, name))
    return next(named, None) or _label_by_values(records, present)


def _label_by_values(records: Sequence[Mapping[str, object]], present: set[str]) -> str | None:
    """Return a field whose few short values recur, beside the text; the one with fewest values."""
    found: list[tuple[int, str]] = []
    for name in sorted(present):
        values = [record.get(name) for record in records if record.get(name) is not None]
        short = [str(value) for value in values if _is_short(value, 40)]
        if len(values) - len(short) > len(values) // COMMON_SHARE:
            continue
        if 2 <= len(set(short)) <= min(MOST_LABEL_VALUES, len(values) // 8):
            found.append((len(set(short)), name))
    return min(found)[1] if found else None
