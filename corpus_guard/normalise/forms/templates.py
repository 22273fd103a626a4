"""Chat templates that were applied already: one text with marks, split back into turns.

Sources: the chat templates of the models that are named; Taori et al., "Stanford Alpaca", for its
prompt; Bai et al., "Training a Helpful and Harmless Assistant", for "Human:" and "Assistant:".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PROMPT, RESPONSE, SYSTEM = "user", "assistant", "system"
MOST_TURNS = 4096

Message = dict[str, object]


@dataclass(frozen=True, slots=True)
class Template:
    """How a template marks turns.

    `needs` is in every text with it. Each match of `mark` begins a turn and names who speaks in its
    first group that is not empty, or in `speakers` by the whole mark; `ends` are left out of a turn.
    """

    name: str
    needs: tuple[str, ...]
    mark: re.Pattern[str]
    ends: re.Pattern[str]
    speakers: Mapping[str, str]


_NAMED: Mapping[str, str] = {
    **dict.fromkeys(
        ("user", "human", "instruction", "question", "input", "query", "prompt", "q", "customer",
         "context", "tool", "observation", "ipython", "问题", "问", "用户", "指令", "输入"), PROMPT
    ),
    **dict.fromkeys(
        ("assistant", "response", "answer", "output", "model", "bot", "ai", "a", "completion", "gpt",
         "chatbot", "solution", "回答", "答", "助手", "输出"), RESPONSE
    ),
    "system": SYSTEM,
}  # fmt: skip

_NOTHING = re.compile(r"(?!)")
_LINE_SPEAKERS = (
    r"Human|HUMAN|User|USER|Assistant|ASSISTANT|System|SYSTEM|Question|QUESTION|Answer|ANSWER"
    r"|Instruction|Response|Input|Output|Prompt|Completion|Bot|AI|Q|A"
    r"|问题|问|用户|指令|输入|回答|答|助手|输出"
)

TEMPLATES: tuple[Template, ...] = (
    Template(
        "ChatML",
        ("<|im_start|>",),
        re.compile(r"<\|im_start\|>[ \t]*([^\n<|]{0,40})\n?"),
        re.compile(r"<\|im_end\|>|<\|endoftext\|>"),
        _NAMED,
    ),
    Template(
        "Llama 3",
        ("<|start_header_id|>",),
        re.compile(r"<\|start_header_id\|>\s*([^\n<|]{0,40}?)\s*<\|end_header_id\|>\s*"),
        re.compile(r"<\|eot_id\|>|<\|begin_of_text\|>|<\|end_of_text\|>|<\|eom_id\|>"),
        _NAMED,
    ),
    Template(
        "Llama 4",
        ("<|header_start|>",),
        re.compile(r"<\|header_start\|>\s*([^\n<|]{0,40}?)\s*<\|header_end\|>\s*"),
        re.compile(r"<\|eot\|>|<\|begin_of_text\|>|<\|end_of_text\|>"),
        _NAMED,
    ),
    Template(
        "Harmony",
        ("<|start|>", "<|message|>"),
        re.compile(r"<\|start\|>(\w{1,20})[^<]{0,80}(?:<\|channel\|>[^<]{0,40})?<\|message\|>"),
        re.compile(r"<\|end\|>|<\|return\|>|<\|call\|>"),
        _NAMED,
    ),
    Template(
        "Gemma",
        ("<start_of_turn>",),
        re.compile(r"<start_of_turn>\s*(\w{1,20})\s*"),
        re.compile(r"<end_of_turn>|<bos>|<eos>"),
        _NAMED,
    ),
    Template(
        "Cohere",
        ("<|START_OF_TURN_TOKEN|>",),
        re.compile(r"<\|START_OF_TURN_TOKEN\|><\|(\w{1,20}?)_TOKEN\|>"),
        re.compile(r"<\|END_OF_TURN_TOKEN\|>|<BOS_TOKEN>|<EOS_TOKEN>"),
        _NAMED,
    ),
    Template(
        "Zephyr",
        ("<|user|>",),
        re.compile(r"<\|(user|assistant|system|observation)\|>\s*"),
        re.compile(r"<\|end\|>|</s>|<s>|<\|endoftext\|>"),
        _NAMED,
    ),
    Template(
        "DeepSeek",
        ("<｜User｜>",),
        re.compile(r"<｜(User|Assistant)｜>"),
        re.compile(r"<｜(?:begin|end)▁of▁sentence｜>"),
        _NAMED,
    ),
    Template(
        "Llama 2",
        ("[/INST]",),
        re.compile(r"\[/?INST\]\s*"),
        re.compile(r"</?s>"),
        {"[INST]": PROMPT, "[/INST]": RESPONSE},
    ),
    Template(
        "Vicuna",
        ("USER:", "ASSISTANT:"),
        re.compile(r"(?:^|(?<=\s)|(?<=>))(USER|ASSISTANT|SYSTEM):\s*"),
        re.compile(r"</?s>"),
        _NAMED,
    ),
    Template(
        "tags",
        ("<assistant>",),
        re.compile(r"<(user|human|assistant|system)>\s*", re.IGNORECASE),
        re.compile(r"</(?:user|human|assistant|system)>", re.IGNORECASE),
        _NAMED,
    ),
    Template(
        "Alpaca",
        ("### ",),
        re.compile(r"^#{2,3}[ \t]*(\w[\w ]{0,20}?)[ \t]*:[ \t]*\n?", re.MULTILINE),
        _NOTHING,
        _NAMED,
    ),
    Template(
        "speakers on lines",
        (":",),
        re.compile(rf"^[ \t]*(?:\*\*)?({_LINE_SPEAKERS})(?:\*\*)?[ \t]*[:：](?:\*\*)?\s*", re.MULTILINE),
        re.compile(r"</s>|<s>|<\|endoftext\|>"),
        _NAMED,
    ),
)  # fmt: skip

_RARE = ("<|", "[/INST]", "<start_of_turn>", "<｜User", "ASSISTANT:", "<assistant>")
_LINES = re.compile(
    r"^(?:#{2,3}[ \t]*|[ \t]*(?:\*\*)?)(?:Assistant|ASSISTANT|Response|RESPONSE|Answer|ANSWER|Output"
    r"|Completion|Bot|AI|A|回答|答|助手|输出)(?:\*\*)?[ \t]*[:：]",
    re.MULTILINE,
)
_COLONS = (":", "：")


def may_be_templated(text: str) -> bool:
    """Say whether a text may hold turns: a quick look, right for nearly all texts without."""
    if any(mark in text for mark in _RARE):
        return True
    return any(colon in text for colon in _COLONS) and _LINES.search(text) is not None


def messages_in(text: str) -> tuple[str, list[Message]] | None:
    """Return the name of the template and the turns of a text; None where it is no chat.

    What stands before the first turn is a turn of the system's. A chat has at least one turn of a
    side that asks, and after it one of a side that answers.
    """
    for template in TEMPLATES:
        if all(need in text for need in template.needs):
            turns = list(_turns(template, text))
            sides = [turn["role"] for turn in turns]
            if PROMPT in sides and RESPONSE in sides[sides.index(PROMPT) :]:
                return template.name, turns
    return None


def _turns(template: Template, text: str) -> Iterator[Message]:
    marks = []
    for found in template.mark.finditer(text):
        named = found[1] if template.mark.groups else found[0]
        side = template.speakers.get(named.strip().lower()) or template.speakers.get(named.strip())
        if side is not None or template.name not in ("Alpaca", "speakers on lines"):
            marks.append((found.start(), found.end(), side or named.strip()))
        if len(marks) > MOST_TURNS:
            return
    if marks and (lead := template.ends.sub("", text[: marks[0][0]]).strip()):
        yield {"role": SYSTEM, "content": lead}
    for place, (_, start, side) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else len(text)
        yield {"role": side, "content": template.ends.sub("", text[start:end]).strip()}
