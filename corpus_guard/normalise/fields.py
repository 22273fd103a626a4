"""Values of a record as text: dotted paths, nested values, chat messages."""

from collections.abc import Iterator, Mapping
from typing import Any

PROMPT_ROLES = frozenset({"system", "developer", "user", "human", "prompter"})
RESPONSE_ROLES = frozenset({"assistant", "gpt", "bot", "model", "chatgpt", "bing", "bard"})
DEEPEST = 64


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


def leaves(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (dotted path, text) of every value inside a nested value; lists add no path."""
    if isinstance(value, Mapping) and depth < DEEPEST:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list | tuple) and depth < DEEPEST:
        for item in value:
            yield from leaves(item, path, depth + 1)
    elif value is not None:
        text = str(value) if isinstance(value, Mapping | list | tuple) else as_text(value)
        if text:
            yield path, text


def is_message_list(value: object) -> bool:
    """Say whether a value is a list of chat messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and _role(item) is not None for item in value)
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
        role = _role(message)
        name = str(role).lower() if role is not None else ""
        said = _content(message)
        place = prompts if name in PROMPT_ROLES else responses if name in RESPONSE_ROLES else rest
        place.append(said if place is not rest or not name else f"{name}: {said}")
        rest.extend(_extras(message))
    return prompts, responses, rest


def _role(message: Mapping[str, Any]) -> object:
    return message.get("role", message.get("from", message.get("speaker")))


def _content(message: Mapping[str, Any]) -> str:
    for name in ("content", "value", "text"):
        if message.get(name) is not None:
            value = message[name]
            if isinstance(value, list):
                parts = [item.get("text") if isinstance(item, Mapping) else item for item in value]
                return "\n".join(as_text(part) or "" for part in parts)
            return as_text(value) or ""
    return ""


def _extras(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a message holds besides its role and its text."""
    for name, value in message.items():
        if name in ("role", "from", "speaker", "value", "text") or value in (None, [], {}, ""):
            continue
        if name != "content":
            yield f"{name}: {as_text(value)}"
        elif isinstance(value, list):
            for part in value:
                if isinstance(part, Mapping):
                    extra = {key: item for key, item in part.items() if key not in ("text", "type")}
                    if extra:
                        yield as_text(extra) or ""
