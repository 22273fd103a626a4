"""Lists where a record is expected: a chat, several chats, several records, the turns of a talk."""

from typing import Any

MOST_RECORDS = 1 << 18
"""How many records a list may hold; one with more is scanned as text."""

_ROLES = ("role", "from", "speaker", "sender")
_SAID = ("content", "value", "text", "message", "parts", "tool_calls", "function_call", "utterance")
_LOOKED_AT = 200


def are_turns(value: object) -> bool:
    """Say whether a value is a list of messages: objects that say who speaks, and what."""
    return isinstance(value, list) and len(value) > 0 and all(map(_is_turn, value[:_LOOKED_AT]))


def are_conversations(value: object) -> bool:
    """Say whether a value is a list of lists of messages."""
    return isinstance(value, list) and len(value) > 0 and all(map(are_turns, value[:_LOOKED_AT]))


def records_in(value: list[Any]) -> list[dict[str, Any]] | None:
    """Return the records that a list stands for; None if it is no list of such things."""
    if not value or len(value) > MOST_RECORDS:
        return None
    if all(isinstance(item, dict) for item in value):
        return [{"messages": value}] if all(map(_is_turn, value)) else value
    if len(value) > 1 and all(isinstance(item, str) for item in value):
        return [{"turns": value}]
    if all(isinstance(item, list) and item for item in value) and all(
        _is_turn(turn) for item in value for turn in item
    ):
        return [{"messages": item} for item in value]
    return None


def _is_turn(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    speaks = any(isinstance(item.get(role), str | dict) for role in _ROLES)
    return speaks and any(said in item for said in _SAID)
