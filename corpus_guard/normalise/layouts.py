"""Find out which field of a record plays which role."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from corpus_guard.config import FieldOverrides, ReadOptions
from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.normalise.fields import field_value, is_message_list
from corpus_guard.read import read_head
from corpus_guard.types import FileLayout, Layout, SourceFile

SAMPLE = 256
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
    present = _present(records)
    roles: dict[str, tuple[str, ...]] = _side_roles(present, overrides)
    kind = _main_roles(records, present, overrides, roles)
    taken = {name for names in roles.values() for name in names}
    if kind in ("plain", "labelled"):
        label = _first(overrides.label, LABEL, present - taken) or _label_by_values(
            records, present - taken
        )
        if label is not None and (overrides.label is not None or _is_label(records, label)):
            roles["label"] = (label,)
            kind = "labelled"
    elif overrides.label is not None:
        roles["label"] = (overrides.label,)
    return Layout(kind=kind, roles=roles)  # type: ignore[arg-type]  # one of the literal kinds


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
        layout = detect_layout(records, options.overrides)
        found[file.index] = layout
        groups.setdefault((file.format, layout.kind, repr(layout.roles)), []).append(file)
    if unmet:
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
    return {str(name) for record in records for name, value in record.items() if value is not None}


def _first(named: str | None, candidates: Sequence[str], present: set[str]) -> str | None:
    """Return what the user names, else the first candidate that is present, in any case."""
    if named is not None:
        return named
    folded = {name.lower(): name for name in sorted(present, reverse=True)}
    return next((folded[name] for name in candidates if name in folded), None)


def _side_roles(present: set[str], overrides: FieldOverrides) -> dict[str, tuple[str, ...]]:
    wanted = {
        "source": _first(overrides.source, SOURCE, present),
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
) -> str:
    """Add the roles of the texts and return the layout's kind."""
    if overrides.text is None and "chosen" in present and "rejected" in present:
        prompt = _prompt_fields(present, overrides)
        roles.update({"prompt": prompt} if prompt else {})
        roles.update(response=("chosen",), rejected=("rejected",))
        return "preference"
    chat = next((name for name in CHAT if name in present and _is_chat(records, name)), None)
    if chat is not None and overrides.text is None and overrides.prompt is None:
        roles.update(prompt=(*_matching(SYSTEM, present), chat), response=(chat,))
        return "chat"
    prompt = _prompt_fields(present, overrides)
    response = _first(overrides.response, RESPONSE, present - set(prompt))
    if response is None and "input" in present and "target" in present:
        response = None
    if prompt and response is not None and overrides.text is None:
        roles.update(prompt=prompt, response=(response,))
        return "instruction"
    taken = {name for names in roles.values() for name in names}
    text = _first(overrides.text, TEXT, present - taken) or _longest_string(
        records, present - taken
    )
    if text is not None:
        roles["text"] = (text,)
    return "plain"


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
    return tuple(name for name in candidates if name in present)


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
    values = [value for record in records if (value := field_value(record, name)) is not None]
    if any(isinstance(value, float) and value != int(value) for value in values if value == value):
        return False
    return all(
        isinstance(value, str | int | float | bool) and len(str(value)) <= 100 for value in values
    )


def _label_by_values(records: Sequence[Mapping[str, object]], present: set[str]) -> str | None:
    """Return a field whose few short values recur, beside the text; the one with fewest values."""
    found: list[tuple[int, str]] = []
    for name in sorted(present):
        values = [record.get(name) for record in records if record.get(name) is not None]
        distinct = {str(value) for value in values}
        few = 2 <= len(distinct) <= min(MOST_LABEL_VALUES, len(values) // 8)
        if few and all(
            isinstance(value, str | int | bool) and len(str(value)) <= 40 for value in values
        ):
            found.append((len(distinct), name))
    return min(found)[1] if found else None
