"""Who says what: lists of messages, pairs of turns, transcripts in one text, implicit prompts."""

from collections.abc import Mapping
from typing import Any

from corpus_guard.normalise.fields import NOTHING, as_text, is_name

PROMPT_ROLES = frozenset(
    {"system", "developer", "user", "human", "prompter", "customer", "instruction", "input",
     "question", "query", "tool", "function", "observation", "ipython", "tool_response",
     "function_response"}
)  # fmt: skip
RESPONSE_ROLES = frozenset(
    {"assistant", "gpt", "bot", "model", "chatgpt", "bing", "bard", "ai", "agent", "output",
     "response", "answer", "function_call", "tool_call"}
)  # fmt: skip
"""What a model reads, and what it is trained to write; a tool's result is read, a call is written."""

_ROLE_FIELDS = ("role", "from", "speaker", "sender")
_TEXT_FIELDS = ("content", "value", "text", "message", "utterance")
_ANSWER_FIELDS = ("response", "answer", "completion", "output", "generated_text", *_TEXT_FIELDS)
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
        isinstance(item, Mapping) and _first_held(item, _ROLE_FIELDS) is not None for item in value
    )


def is_chat(value: object) -> bool:
    """Say whether a value is one message or a list that holds messages, with whatever names."""
    if isinstance(value, Mapping):
        return _says_who(value)
    return isinstance(value, list) and any(
        isinstance(item, Mapping) and _says_who(item) for item in value
    )


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


def turns_of(value: object) -> Turns | None:
    """Return the turns of a chat in any form, texts alone taken in turns; None for no chat."""
    if is_chat(value):
        return chat_turns(value)
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
        name = _first_held(item, _ANSWER_FIELDS) if isinstance(item, Mapping) else None
        answers.append(as_text(item if name is None else item[name]) or "")
        if name is not None:
            _add_extras(item, (name,), rest, rest)
    return answers, rest


def chat_turns(value: object) -> Turns:
    """Return the turns of a list of messages, or of one; replies to a message follow it."""
    found: Turns = ([], [], [])
    pending = value[::-1] if isinstance(value, list) else [value]
    while pending:
        message = pending.pop()
        if not isinstance(message, Mapping):
            found[2].append(as_text(message) or "")
            continue
        replies = message.get("replies")
        if isinstance(replies, list) and is_message_list(replies):
            pending.extend(reversed(replies))
            message = {name: message[name] for name in message if name != "replies"}
        _add(message, found)
    return found


def _add(message: Mapping[Any, Any], found: Turns) -> None:
    prompts, responses, rest = found
    speaker, speech = _speaker(message), _first_held(message, _TEXT_FIELDS)
    if speaker is None and _is_segment(message):
        (responses if message["label"] else prompts).append(message["text"])
        _add_extras(message, ("label", "text"), rest, rest)
        return
    if speaker is None and _names_sides(message):
        _add_sides(message, found)
        return
    if speaker is not None and speech is None:
        speech = _longest_text(message, speaker)
    role = (as_text(message[speaker]) or "") if speaker is not None else ""
    said, more = _speech(message[speech]) if speech is not None else ("", [])
    if role.lower() in PROMPT_ROLES:
        prompts.append(said)
    elif role.lower() in RESPONSE_ROLES:
        responses.append(said)
    else:
        rest.append(f"{role}: {said}" if role else said)
    rest += more
    written = responses if role.lower() in RESPONSE_ROLES else rest
    known = tuple(name for name in (speaker, speech) if name is not None)
    _add_extras(message, known, written, rest)


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
    return _speaker(message) is not None or _is_segment(message) or _names_sides(message)


def _speaker(message: Mapping[Any, Any]) -> Any:  # noqa: ANN401  # any key
    """Return the field that says who speaks: by its name, or else by its value."""
    named = _first_held(message, _ROLE_FIELDS)
    if named is not None:
        return named
    sides = PROMPT_ROLES | RESPONSE_ROLES
    return next(
        (
            name
            for name, value in message.items()
            if isinstance(value, str)
            and len(value) < 20
            and value.lower() in sides
            and name not in _TEXT_FIELDS
        ),
        None,
    )


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


def _first_held(message: Mapping[Any, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of some fields that holds anything."""
    return next((name for name in names if message.get(name) not in NOTHING), None)


def _longest_text(message: Mapping[Any, Any], speaker: object) -> Any:  # noqa: ANN401  # any key
    """Return the field with the longest text, none of those that have a meaning of their own."""
    lengths = {
        name: len(as_text(value) or "")
        for name, value in message.items()
        if name not in (speaker, "name", "id", *_ROLE_FIELDS, *_WRITTEN)
    }
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    return longest if longest is not None and lengths[longest] else None


def _speech(value: object) -> tuple[str, list[str]]:
    """Return what a message says, and what else there is in its parts."""
    if isinstance(value, Mapping) and (inner := _first_held(value, _TEXT_FIELDS)) is not None:
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
