"""What a record says in each role: its columns but for where it stands."""

from collections.abc import Mapping, Sequence
from typing import cast

from corpus_guard.normalise.fields import Used, as_text, field_value, host_of
from corpus_guard.normalise.names import WORD_LISTS
from corpus_guard.normalise.sorting import Sorter
from corpus_guard.normalise.speakers import Speakers
from corpus_guard.normalise.turns import (
    answers_of,
    common_messages,
    implicit_prompt,
    is_chat,
    is_strings,
    turns_of,
)
from corpus_guard.types import Layout

Record = Mapping[str, object]
Columns = dict[str, list[str | None]]

_TURNS = ("prompt", "response", "rejected")
LABELS_JOINED = " + "
BLANK_LABELS = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "NaT"})
"""What tables write where there is no label. The word "none" may be one."""

_ONE_TEXT = frozenset({str, type(None)})


def columns_of(records: Sequence[Record], given: Layout | Sorter) -> Columns:
    """Return the text columns of some records, each by its own layout; the rest of it is in `other`."""
    if isinstance(given, Layout):
        return _by_layout(records, given, {})
    groups, speakers = given.groups(records), given.scheme.speakers
    if len(groups) == 1:
        found = _by_layout(records, groups[0][0], speakers)
        given.look_at_rest(groups[0][0], records, found)
        return found
    columns: Columns = {"other": [None] * len(records)}
    for layout, places in groups:
        chosen = [records[place] for place in places]
        found = _by_layout(chosen, layout, speakers)
        given.look_at_rest(layout, chosen, found)
        for role, texts in found.items():
            column = columns.setdefault(role, [None] * len(records))
            for place, text in zip(places, texts, strict=True):
                column[place] = text
    return columns


def _by_layout(records: Sequence[Record], layout: Layout, speakers: Speakers) -> Columns:
    roles, used = layout.roles, Used.of(layout.roles)
    values = {name: _values(records, name) for names in roles.values() for name in names}
    columns = {role: _column(values, roles[role], role) for role in roles if roles[role]}
    columns["other"] = [used.other(record) for record in records]
    if "source" in roles and roles["source"] == roles.get("url"):
        columns["source"] = [host_of(url) for url in columns["url"]]
    nested = _nested(values, layout, len(records))
    for role in _TURNS if nested else ():
        columns.setdefault(role, [None] * len(records))
    for place in nested:
        turns = _turns(records[place], layout, speakers)
        for role in _TURNS:
            columns[role][place] = _lines(turns[role])
        columns["other"][place] = _lines([columns["other"][place] or "", *turns["rest"]])
    return columns


def _values(records: Sequence[Record], name: str) -> list[object]:
    if "." in name:
        return [field_value(record, name) for record in records]
    return [record.get(name) for record in records]


def _lines(texts: Sequence[str | None]) -> str | None:
    return "\n".join([text for text in texts if text]) or None


def _column(
    values: Mapping[str, list[object]], names: tuple[str, ...], role: str
) -> list[str | None]:
    columns = [_texts(values[name], name, role) for name in names]
    return columns[0] if len(columns) == 1 else list(map(_lines, zip(*columns, strict=True)))


def _texts(values: list[object], name: str, role: str) -> list[str | None]:
    """Return the texts in a field; none for what is read as turns."""
    if role == "label":
        return [_label(value) for value in values]
    if _ONE_TEXT.issuperset(map(type, values)):
        return cast("list[str | None]", values.copy())  # two roles may share a field
    if role in _TURNS:
        return [None if isinstance(value, list | Mapping) else as_text(value) for value in values]
    if name.lower() in WORD_LISTS:
        return [_sentence(value) for value in values]
    return [as_text(value) for value in values]


def _label(value: object) -> str | None:
    """Return a label: several as one, in order of the alphabet; None for a blank."""
    if isinstance(value, list):
        told = [text for item in value if (text := _label(item))]
        is_vector = all(isinstance(item, int | float) for item in value)  # which place counts
        return LABELS_JOINED.join(told if is_vector else sorted(told)) or None
    text = value if isinstance(value, str) else as_text(value)
    if text is None:
        return None
    text = text.strip()
    return None if text in BLANK_LABELS else text


def _sentence(value: object) -> str | None:
    return " ".join(value) if isinstance(value, list) and is_strings(value) else as_text(value)


def _nested(values: Mapping[str, list[object]], layout: Layout, count: int) -> Sequence[int]:
    """Return the places of the records that are not simply one text a field."""
    roles = layout.roles
    shared = not set(roles.get("prompt", ())).isdisjoint(roles.get("response", ()))
    if shared or layout.winner or ("rejected" in roles and "prompt" not in roles):
        return range(count)
    names = {name for role in _TURNS for name in roles.get(role, ())}
    mixed = [values[name] for name in names if not _ONE_TEXT.issuperset(map(type, values[name]))]
    return [
        place
        for place in (range(count) if mixed else ())
        if any(isinstance(column[place], list | Mapping) for column in mixed)
    ]


def _turns(record: Record, layout: Layout, speakers: Speakers) -> dict[str, list[str]]:
    """Return the texts of prompt, response and rejected, and the rest, of one record."""
    found: dict[str, list[str]] = {"prompt": [], "response": [], "rejected": [], "rest": []}
    values = _answers(record, layout)
    shared = set(layout.roles.get("prompt", ())) & set(layout.roles.get("response", ()))
    if "prompt" not in layout.roles and len(values["response"]) == len(values["rejected"]) == 1:
        _split(values, found, speakers)
    for role in _TURNS:
        for name, value in values[role]:
            if name in shared and role == "response":
                continue  # read with the prompts
            is_shared = name in shared
            _add(value, role, is_shared, found, "prompt" in layout.roles, speakers)
    return found


def _answers(record: Record, layout: Layout) -> dict[str, list[tuple[str, object]]]:
    """Return the fields and their values in each role; the preferred answer as the response."""
    values = {
        role: [(name, field_value(record, name)) for name in layout.roles.get(role, ())]
        for role in _TURNS
    }
    if layout.winner:
        won = (as_text(field_value(record, layout.winner)) or "").strip().lower()
        if won in layout.second:
            values["response"], values["rejected"] = values["rejected"], values["response"]
    return values


def _split(
    values: dict[str, list[tuple[str, object]]], found: dict[str, list[str]], speakers: Speakers
) -> None:
    """Move the beginning that two answers have in common to the prompt."""
    (name, chosen), (other, rejected) = values["response"][0], values["rejected"][0]
    if isinstance(chosen, list) and isinstance(rejected, list):
        end = common_messages(chosen, rejected)
        if end and is_chat(chosen):
            _add(chosen[:end], "prompt", False, found, True, speakers)
            values["response"], values["rejected"] = (
                [(name, chosen[end:])],
                [(other, rejected[end:])],
            )
    elif isinstance(chosen, str) and isinstance(rejected, str):
        end, is_marked = implicit_prompt(chosen, rejected)
        if end:
            found["prompt"].append(chosen[:end])
            if not is_marked:  # what is hidden across the cut is still found
                found["rest"].append(chosen)
            values["response"] = [(name, chosen[end:])]
            values["rejected"] = [(other, rejected[end:])]


def _add(
    value: object,
    role: str,
    is_shared: bool,
    found: dict[str, list[str]],
    has_prompt: bool,
    speakers: Speakers,
) -> None:
    turns = turns_of(value, speakers) if is_shared or is_chat(value) else None
    if turns is None and role != "prompt" and isinstance(value, list):
        turns = ([], *answers_of(value))
    if turns is None:
        found[role].append(as_text(value) or "")
        return
    prompts, responses, rest = turns
    found["rest"].extend(rest)
    if is_shared or role == "prompt":
        found["prompt"].extend(prompts)
        found["response" if is_shared else "prompt"].extend(responses)
        return
    found[role].extend(responses)
    found["rest" if has_prompt or role == "rejected" else "prompt"].extend(prompts)
