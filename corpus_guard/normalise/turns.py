"""Who says what: lists of messages, pairs of turns, transcripts in one text, implicit prompts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpus_guard.normalise.fields import as_text, is_name
from corpus_guard.normalise.speakers import (
    PROMPT,
    PROMPT_ROLES,
    RESPONSE,
    RESPONSE_ROLES,
    ROLE_FIELDS,
    TEXT_FIELDS,
    Speakers,
    alternating_field,
    first_held,
    named_side,
    sides_of,
    speaker,
    speaker_field,
)

_ANSWER_FIELDS = ("response", "answer", "completion", "output", "generated_text", *TEXT_FIELDS)
_WRITTEN = frozenset(
    {"tool_calls", "tool_call", "function_call", "refusal", "reasoning_content", "reasoning",
     "thinking"}
)  # fmt: skip
"""What else of an assistant's message the model is trained to write."""

_ANSWER_MARKERS = (
    "\n\nAssistant:", "\nAssistant:", "\n\nA:", "<|im_start|>assistant\n", "<|assistant|>",
    "<|start_header_id|>assistant<|end_header_id|>", "<start_of_turn>model\n", "[/INST]",
    "### Response:", "### Assistant:", "ASSISTANT:",
)  # fmt: skip
"""Where a transcript in one text says that an answer begins."""

Turns = tuple[list[str], list[str], list[str]]
"""The prompt turns, the response turns, and everything else."""


def is_message_list(value: object) -> bool:
    """Say whether a value is a list that holds chat messages with the usual names."""
    return isinstance(value, list) and any(
        isinstance(item, Mapping) and first_held(item, ROLE_FIELDS) is not None for item in value
    )


def is_chat(value: object) -> bool:
    """Say whether a value is one message or a list that holds messages, with whatever names."""
    if isinstance(value, Mapping):
        return _says_who(value)
    if not isinstance(value, list) or not value:
        return False
    if any(isinstance(item, Mapping) and _says_who(item) for item in value):
        return True
    return alternating_field(value) is not None or _are_rounds(value) or _are_named_lines(value)


def _are_rounds(value: list[Any]) -> bool:
    """Say whether items are rounds of two texts under names of their own: [{"q": …, "a": …}, …]."""
    first = value[0]
    if not isinstance(first, Mapping) or len(first) != 2 or len(value) < 2:
        return False
    return all(
        isinstance(item, Mapping)
        and item.keys() == first.keys()
        and all(isinstance(text, str) and len(text.split(None, 3)) >= 3 for text in item.values())
        for item in value
    )


def _are_named_lines(value: list[Any]) -> bool:
    """Say whether each item is one text under the name of its speaker: [{"user": …}, {"bot": …}]."""
    if len(value) < 2 or not all(isinstance(item, Mapping) and len(item) == 1 for item in value):
        return False
    names = [str(name) for item in value for name in item]
    is_said = all(isinstance(text, str) for item in value for text in item.values())
    return is_said and len(set(names)) == 2 and any(map(named_side, names))


def is_pairs(value: object) -> bool:
    """Say whether a value is a list of pairs (asked, answered)."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(pair, list | tuple)
            and len(pair) == 2
            and all(text is None or isinstance(text, str) for text in pair)
            for pair in value
        )
    )


def is_strings(value: object) -> bool:
    """Say whether a value is a list of texts."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def turns_of(value: object, known: Speakers | None = None) -> Turns | None:
    """Return the turns of a chat in any form, texts alone taken in turns; None for no chat."""
    if is_chat(value):
        return chat_turns(value, known)
    if isinstance(value, list) and is_pairs(value):
        asked, answered = zip(*value, strict=True)
        return [text for text in asked if text], [text for text in answered if text], []
    if isinstance(value, list) and is_strings(value):
        return value[::2], value[1::2], []
    return None


def answers_of(value: list[Any]) -> tuple[list[str], list[str]]:
    """Return the texts of several answers, and what else is said of them."""
    answers: list[str] = []
    rest: list[str] = []
    for item in value:
        name = first_held(item, _ANSWER_FIELDS) if isinstance(item, Mapping) else None
        answers.append(as_text(item if name is None else item[name]) or "")
        if name is not None:
            _add_extras(item, (name,), rest, rest)
    return answers, rest


def chat_turns(value: object, known: Speakers | None = None) -> Turns:
    """Return the turns of a list of messages, or of one; replies to a message follow it.

    `known` are the sides of speakers whose names tell nothing.
    """
    found: Turns = ([], [], [])
    messages = list(_messages(value, found[2]))
    fields = _speaker_fields(messages)
    if len(messages) > 1 and not any(field is not None for field in fields):
        messages = _as_messages(messages)
        fields = _speaker_fields(messages)
    spoken = [speaker(m, f) for m, f in zip(messages, fields, strict=True) if f is not None]
    sides = sides_of([name.lower() for name in spoken], known or {})
    strange = dict.fromkeys(name for name in spoken if named_side(name) is None)
    found[2].extend(name for name in strange if name)  # it may be any text
    for message, name in zip(messages, fields, strict=True):
        _add(message, name, sides, found)
    return found


def speakers_in(value: object) -> list[str]:
    """Return who speaks in a chat, in lower case, in order."""
    messages = list(_messages(value, []))
    fields = _speaker_fields(messages)
    return [speaker(m, f).lower() for m, f in zip(messages, fields, strict=True) if f is not None]


def _speaker_fields(messages: Sequence[Mapping[Any, Any]]) -> list[Any]:
    """Return the field of each message that says who speaks, or None: by name, or else by the turns."""
    fields = [speaker_field(message) for message in messages]
    if any(field is not None for field in fields):
        return fields
    return [alternating_field(messages)] * len(messages)


def _as_messages(items: list[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """Return lines named by who says them, or rounds of two texts, as messages; all else as it is."""
    if _are_named_lines(items):
        return [{"role": name, "content": text} for item in items for name, text in item.items()]
    if not _are_rounds(items):
        return items
    return [
        {"role": side, "content": text}
        for item in items
        for side, text in zip(("user", "assistant"), item.values(), strict=True)
    ]


def _messages(value: object, rest: list[str]) -> Iterator[Mapping[Any, Any]]:
    """Yield the messages of a chat, replies behind what they reply to; what is none goes to `rest`."""
    pending = value[::-1] if isinstance(value, list) else [value]
    while pending:
        message = pending.pop()
        if not isinstance(message, Mapping):
            rest.append(as_text(message) or "")
            continue
        replies = message.get("replies")
        if isinstance(replies, list) and is_message_list(replies):
            pending.extend(reversed(replies))
            message = {name: message[name] for name in message if name != "replies"}
        yield message


def _add(message: Mapping[Any, Any], name: object, sides: Mapping[str, str], found: Turns) -> None:
    prompts, responses, rest = found
    speech = first_held(message, TEXT_FIELDS)
    if name is None and _is_segment(message):
        (responses if message["label"] else prompts).append(message["text"])
        _add_extras(message, ("label", "text"), rest, rest)
        return
    if name is None and _names_sides(message):
        _add_sides(message, found)
        return
    if name is not None and (speech is None or speech == name):
        speech = _longest_text(message, name)
    side = sides.get(speaker(message, name).lower(), PROMPT) if name is not None else ""
    said, more = _speech(message[speech]) if speech is not None else ("", [])
    {PROMPT: prompts, RESPONSE: responses}.get(side, rest).append(said)
    rest += more
    written = responses if side == RESPONSE else rest
    _add_extras(message, tuple(n for n in (name, speech) if n is not None), written, rest)


def _add_extras(
    message: Mapping[Any, Any], known: tuple[Any, ...], written: list[str], rest: list[str]
) -> None:
    """Add what a message holds besides its turn: to `written` what the model is to write."""
    for name, value in message.items():
        if name in known:
            continue
        text = as_text(value)
        if text and written is not rest and name in _WRITTEN:
            written.append(text)
        elif text:
            rest.append(f"{name}: {text}")
        elif not is_name(name):
            rest.append(str(name))


def _says_who(message: Mapping[Any, Any]) -> bool:
    return speaker_field(message) is not None or _is_segment(message) or _names_sides(message)


def _is_segment(message: Mapping[Any, Any]) -> bool:
    """Say whether a message is a text with whether the model learns it (Axolotl's `input_output`)."""
    return isinstance(message.get("label"), bool) and isinstance(message.get("text"), str)


def _names_sides(message: Mapping[Any, Any]) -> bool:
    """Say whether a message is a round: {"human": …, "assistant": …}."""
    names = {str(name).lower() for name in message}
    return not PROMPT_ROLES.isdisjoint(names) and not RESPONSE_ROLES.isdisjoint(names)


def _add_sides(message: Mapping[Any, Any], found: Turns) -> None:
    for name, value in message.items():
        text, side = as_text(value) or "", str(name).lower()
        if side in PROMPT_ROLES:
            found[0].append(text)
        elif side in RESPONSE_ROLES:
            found[1].append(text)
        elif text or not is_name(name):
            found[2].append(f"{name}: {text}")


def _longest_text(message: Mapping[Any, Any], speaker: object) -> Any:  # noqa: ANN401  # any key
    """Return the field with the longest text, none of those that have a meaning of their own."""
    lengths = {
        name: len(as_text(value) or "")
        for name, value in message.items()
        if name not in (speaker, "name", "id", *ROLE_FIELDS, *_WRITTEN)
    }
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    return longest if longest is not None and lengths[longest] else None


def _speech(value: object) -> tuple[str, list[str]]:
    """Return what a message says, and what else there is in its parts."""
    if isinstance(value, Mapping) and (inner := first_held(value, TEXT_FIELDS)) is not None:
        others = {name: value[name] for name in value if name != inner}
        return as_text(value[inner]) or "", [text for text in [as_text(others)] if text]
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


def common_messages(one: list[Any], two: list[Any]) -> int:
    """Return how many messages two chats begin with in common; the last of each is never counted."""
    most = max(0, min(len(one), len(two)) - 1)
    try:
        return next((place for place in range(most) if one[place] != two[place]), most)
    except RecursionError:  # nested too deep to compare
        return 0


def implicit_prompt(chosen: str, rejected: str) -> tuple[int, bool]:
    """Return how long the prompt is with which two answers begin, and whether the text marks its end.

    It ends with the last mark of an answer ("Assistant:") in what they have in common, or else with
    the last whole word of that; 0 when there is none or nothing would be left.
    """
    shared = _shared_length(chosen, rejected)
    ends = [
        place + len(mark)
        for mark in _ANSWER_MARKERS
        if (place := chosen.rfind(mark, 0, shared)) >= 0
    ]
    if ends:
        return max(ends), True
    end = 1 + max(chosen.rfind(space, 0, shared) for space in " \n\t")
    is_prompt = chosen[:end].strip() and chosen[end:].strip() and rejected[end:].strip()
    return (end if is_prompt else 0), False


def _shared_length(one: str, two: str) -> int:
    """Return the length of the common beginning, by halving."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
