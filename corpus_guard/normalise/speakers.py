"""Who speaks in a chat, and on which side: what a model reads, and what it is trained to write.

Names only help. A speaker of no known name is on the side that is left, or else on the model's where
it speaks last: chats to train on end with what the model is to say. What a sample of all chats tells of
a name beats what one chat tells.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from corpus_guard.normalise.fields import NOTHING, as_text

PROMPT_ROLES = frozenset(
    {"system", "developer", "user", "human", "prompter", "customer", "instruction", "input",
     "question", "query", "tool", "function", "observation", "ipython", "tool_response",
     "function_response", "client", "patient", "student", "context", "environment", "player",
     "usuario", "usuário", "utilisateur", "utente", "benutzer", "nutzer", "gebruiker", "użytkownik",
     "пользователь", "користувач", "kullanıcı", "用户", "使用者", "ユーザー", "사용자", "مستخدم",
     "उपयोगकर्ता", "người dùng", "系统"}
)  # fmt: skip
RESPONSE_ROLES = frozenset(
    {"assistant", "gpt", "bot", "model", "chatgpt", "bing", "bard", "ai", "agent", "output",
     "response", "answer", "function_call", "tool_call", "chatbot", "llm", "npc", "claude", "gemini",
     "doctor", "teacher", "tutor", "character", "asistente", "assistente", "asystent", "ассистент",
     "помощник", "помічник", "asistan", "助手", "助理", "アシスタント", "어시스턴트", "مساعد", "सहायक",
     "trợ lý", "机器人", "客服"}
)  # fmt: skip
"""What a model reads, and what it is trained to write; a tool's result is read, a call is written."""

ROLE_FIELDS = ("role", "from", "speaker", "sender", "author", "who", "participant", "user_type")
TEXT_FIELDS = ("content", "value", "text", "message", "utterance", "parts")
PROMPT, RESPONSE = "prompt", "response"

_NO_SPEAKER = frozenset(
    {"id", "key", "label", "letter", "option", "title", "type", "index", "idx", "lang", "language",
     "date", "time", "timestamp", "score", "rank", "class", "category", "model"}
)  # fmt: skip
"""Fields with short values that tell the items of a list apart and are no speakers."""

LONGEST_NAME, MOST_WORDS = 40, 3
FEWEST_CHATS = 8

Message = Mapping[Any, Any]
Speakers = Mapping[str, str]
"""By a speaker's name in lower case, the side: PROMPT or RESPONSE."""


def named_side(name: str) -> str | None:
    """Return the side of a speaker by its name alone."""
    low = name.strip().lower()
    return PROMPT if low in PROMPT_ROLES else RESPONSE if low in RESPONSE_ROLES else None


def speaker_field(message: Message) -> Any:  # noqa: ANN401  # any key
    """Return the field that says who speaks: by its name, or else by its value; None for none."""
    named = first_held(message, ROLE_FIELDS)
    if named is not None:
        return named
    return next(
        (
            name
            for name, value in message.items()
            if isinstance(value, str)
            and len(value) < LONGEST_NAME // 2
            and name not in TEXT_FIELDS
            and named_side(value) is not None
        ),
        None,
    )


def speaker(message: Message, name: object) -> str:
    """Return who speaks: what a field says, or the role of whoever it describes."""
    said = message.get(name)
    if isinstance(said, Mapping) and ("role" in said or "name" in said):
        said = said.get("role") or said.get("name")
    return (as_text(said) or "").strip()


def alternating_field(messages: Sequence[object]) -> Any:  # noqa: ANN401  # any key
    """Return the field of some mappings whose values look like the speakers of a dialogue, else None.

    They are short, two to four in number, and take turns, beside a field with longer texts.
    """
    items = [item for item in messages[:64] if isinstance(item, Mapping)]
    if len(items) < 2 or len(items) < len(messages[:64]) or len(items[0]) > 8:
        return None
    for name in items[0]:
        if str(name).lower() in _NO_SPEAKER or name in TEXT_FIELDS:
            continue
        values = [item.get(name) for item in items]
        if all(isinstance(v, str | int) and _may_name(str(v)) for v in values):
            turns = [str(value) for value in values]
            if _take_turns(turns) and _speaks(items, name):
                return name
    return None


def _may_name(value: str) -> bool:
    return len(value) <= LONGEST_NAME and len(value.split(None, MOST_WORDS)) <= MOST_WORDS


def _take_turns(turns: Sequence[str]) -> bool:
    distinct = len(set(turns))
    changes = sum(one != two for one, two in itertools.pairwise(turns))
    fewest = 1 if distinct == 2 else 2 * distinct - 1
    return 2 <= distinct <= 4 and changes >= fewest and changes * 2 >= len(turns) - 1


def _speaks(items: Sequence[Message], name: object) -> bool:
    """Say whether most mappings hold a text of several words beside the field."""
    texts = sum(
        any(
            key != name and isinstance(v, str) and len(v.split(None, 3)) >= 3
            for key, v in i.items()
        )
        for i in items
    )
    return texts * 2 > len(items)


def sides_of(spoken: Sequence[str], known: Speakers) -> dict[str, str]:
    """Return the side of each speaker of a chat, whose turns are `spoken` by name in lower case."""
    sides: dict[str, str] = {}
    strange: list[str] = []
    for name in spoken:
        if name not in sides and name not in strange:
            side = known.get(name) or named_side(name)
            if side is None:
                strange.append(name)
            else:
                sides[name] = side
    if not strange:
        return sides | _system_as_model(spoken, sides)
    asks = any(side == PROMPT and name != "system" for name, side in sides.items())
    if RESPONSE in sides.values():
        return sides | dict.fromkeys(strange, PROMPT)
    if asks:
        last = next((name for name in reversed(spoken) if name in strange), strange[-1])
        return sides | dict.fromkeys(strange, PROMPT) | {last: RESPONSE}
    if len(strange) == 1:
        return sides | {strange[0]: PROMPT}
    return sides | dict.fromkeys(strange, PROMPT) | {_model_of(spoken, strange): RESPONSE}


def _system_as_model(spoken: Sequence[str], sides: Speakers) -> dict[str, str]:
    """Return the system on the model's side where it answers, and nobody else does."""
    if RESPONSE in sides.values() or "system" not in spoken[1:] or len(sides) < 2:
        return {}
    return {"system": RESPONSE}


def _model_of(spoken: Sequence[str], strange: Sequence[str]) -> str:
    """Return which of several strange speakers is the model: the last, but not who only begins."""
    last = next(name for name in reversed(spoken) if name in strange)
    if last == next(name for name in spoken if name in strange) and spoken.count(last) == 1:
        return strange[1]
    return last


def learned_speakers(chats: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return the sides of speakers of no known name, as many chats tell: who ends them is the model.

    `chats` are the names, in lower case, in order. Of names in fewer than FEWEST_CHATS nothing is said,
    and nothing where all would be on one side.
    """
    takes_part: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    beside: dict[str, set[str]] = {}
    total = systems = 0
    for spoken in chats:
        names = set(spoken)
        total += len(names) > 1
        systems += bool(_system_as_model(spoken, {n: named_side(n) or "" for n in names}))
        sides = {side for name in names if (side := named_side(name)) and name != "system"}
        if len(names - {"system"}) < 2:
            continue
        ends[spoken[-1]] += 1
        for name in names:
            if named_side(name) is None:
                takes_part[name] += 1
                beside.setdefault(name, set()).update(sides)
    found: dict[str, str] = {}
    if systems * 2 > total >= FEWEST_CHATS:
        found["system"] = RESPONSE
    for name, count in takes_part.items():
        if count >= FEWEST_CHATS:
            is_model = ends[name] * 2 > count and RESPONSE not in beside[name]
            found[name] = RESPONSE if is_model else PROMPT
    has_both = {*found.values(), *(side for sides in beside.values() for side in sides)}
    if "system" in found:
        return found
    return found if {PROMPT, RESPONSE} <= has_both else {}


def first_held(message: Message, names: Iterable[str]) -> str | None:
    """Return the first of some fields that holds anything."""
    return next((name for name in names if message.get(name) not in NOTHING), None)
