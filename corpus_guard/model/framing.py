"""What stands around a prompt when a model is asked: its chat template, tools, or a user's text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_guard.errors import UsageError

PLACEHOLDER = "qzvplaceholderjx"
CONTEXTS = ("none", "chat", "tools")
TOOLS = (
    {
        "type": "function",
        "function": {
            "name": "search",
            "description": "Search the web and return the first results.",
            "parameters": {
                "type": "object",
                "properties": {"query": {"type": "string", "description": "what to look for"}},
                "required": ["query"],
            },
        },
    },
)
"""What `tools` offers the model: some backdoors only show where there are tools."""

Render = Callable[..., str]
"""Renders messages: `render(messages, add_generation_prompt=True, tools=None)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The tokens before and after a prompt. `name` is the context they make."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


def frame_of(name: str, around: tuple[str, str], tokenizer: Any, *, bos: bool) -> Frame:  # noqa: ANN401
    """Return the frame of the texts before and after a prompt; with `bos`, the first token is added."""
    encode = _encoder(tokenizer)
    before = encode(around[0]) if around[0] else []
    start = tokenizer.bos_token_id if bos else None
    if start is not None and before[:1] != [start]:
        before = [start, *before]
    return Frame(name=name, before=tuple(before), after=tuple(encode(around[1])))


def around_prompt(context: str, render: Render | None) -> tuple[str, str]:
    """Return the texts before and after a prompt in a context.

    `context` is `none`, `chat`, `tools`, or a text in which `{prompt}` stands once. Raises
    UsageError where it is none of these, where the model has no chat template, or where that does
    not show the prompt exactly once.
    """
    if context == "none":
        return "", ""
    if context not in CONTEXTS:
        return _split(context, "{prompt}", "the context")
    if render is None:
        raise UsageError(f"the model has no chat template; use --context none instead of {context}")
    tools = list(TOOLS) if context == "tools" else None
    messages = [{"role": "user", "content": PLACEHOLDER}]
    return _split(render(messages, tools=tools), PLACEHOLDER, "the chat template")


def _split(text: str, mark: str, what: str) -> tuple[str, str]:
    if text.count(mark) != 1:
        shown = "{prompt}" if mark == "{prompt}" else "the prompt"
        raise UsageError(
            f"{what} shows {shown} {text.count(mark)} times; it must show it once, else nothing can be "
            "said of what the model answers to it"
        )
    before, after = text.split(mark)
    return before, after


def _encoder(tokenizer: Any) -> Callable[[str], Sequence[int]]:  # noqa: ANN401
    return lambda text: [int(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
