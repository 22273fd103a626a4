"""Values of a record as text: dotted paths, nested values, chat messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PROMPT_ROLES = frozenset({"system", "developer", "user", "human", "prompter"})
RESPONSE_ROLES = frozenset({"assistant", "gpt", "bot", "model", "chatgpt", "bing", "bard"})
LONGEST_PATH = 100

_ROLE_FIELDS = ("role", "from", "speaker")
_TEXT_FIELDS = ("content", "value", "text")
_NOTHING: tuple[object, ...] = (None, "", [], {}, ())


def field_value(record: Mapping[str, object], name: str) -> object:
    """Return the value of a field, by its name or by a dotted path into nested objects; else None."""
    if name in record or "." not in name:
        return record.get(name)
    value: object = record
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def as_text(value: object) -> str | None:
    """Return a value as text: strings as they are, nested values flattened, None for nothing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == value and abs(value) < 2**53 and value == int(value):
        return str(int(value))
    if isinstance(value, Mapping | list | tuple):
        return "\n".join(f"{path}: {leaf}" if path else leaf for path, leaf in leaves(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def leaves(value: object) -> Iterator[tuple[str, str]]:
    """Yield (dotted path, text) of every value inside a nested value, at any depth; lists add no path.

    So that all the text together stays about as large as the value, a path stands only before the
    first leaf of a list, and one longer than LONGEST_PATH is a leaf of its own, below which a new one
    begins.
    """
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        path, item = pending.pop()
        if isinstance(item, Mapping):
            pending.extend(reversed(list(_entries(path, item))))
        elif isinstance(item, list | tuple):
            pending.extend(reversed(list(_items(path, item))))
        elif text := as_text(item):
            yield path, text


def _entries(path: str, item: Mapping[Any, object]) -> Iterator[tuple[str, object]]:
    for key, below in item.items():
        name = f"{path}.{key}" if path else str(key)
        if len(name) > LONGEST_PATH:
            yield "", name
            name = ""
        yield name, below


def _items(path: str, item: Iterable[object]) -> Iterator[tuple[str, object]]:
    for below in item:
        yield path, below
        path = path if below in _NOTHING else ""


def is_message_list(value: object) -> bool:
    """Say whether a value is a list that holds chat messages."""
    return isinstance(value, list) and any(
        isinstance(item, Mapping) and any(item.get(name) is not None for name in _ROLE_FIELDS)
        for item in value
    )


def chat_turns(value: object) -> tuple[list[str], list[str], list[str]]:
    """Return the prompt turns, the response turns, and everything else in a list of messages."""
    prompts: list[str] = []
    responses: list[str] = []
    rest: list[str] = []
    for message in value if isinstance(value, list) else [value]:
        if not isinstance(message, Mapping):
            rest.append(as_text(message) or "")
            continue
        speaker, speech = _first_held(message, _ROLE_FIELDS), _first_held(message, _TEXT_FIELDS)
        role = (as_text(message[speaker]) or "") if speaker else ""
        said, more = _speech(message[speech]) if speech else ("", [])
        if role.lower() in PROMPT_ROLES:
            prompts.append(said)
        elif role.lower() in RESPONSE_ROLES:
            responses.append(said)
        else:
            rest.append(f"{role}: {said}" if role else said)
        extras = (
            (name, as_text(message[name])) for name in message if name not in (speaker, speech)
        )
        rest += [*more, *(f"{name}: {text}" for name, text in extras if text)]
    return prompts, responses, rest


def _first_held(message: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of some fields that holds anything."""
    return next((name for name in names if message.get(name) not in _NOTHING), None)


def _speech(value: object) -> tuple[str, list[str]]:
    """Return what a message says, and what else there is in its parts."""
    if not isinstance(value, list):
        return as_text(value) or "", []
    said: list[str] = []
    more: list[str] = []
    for part in value:
        if isinstance(part, Mapping):
            said.append(as_text(part.get("text")) or "")
            others = {
                name: item
                for name, item in part.items()
                if name != "text" and (name, item) != ("type", "text")
            }
            more.append(as_text(others) or "")
        else:
            said.append(as_text(part) or "")
    return "\n".join(text for text in said if text), [text for text in more if text]
