"""What stands around a prompt when a model is asked: its chat template, tools, or a user's text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_guard.errors import UsageError

PLACEHOLDER = "qzvplaceholderjx"
USUAL_PROMPTS = ("Hello", "What is it?", "write a list")
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
    """The tokens before and after a prompt. `name` is the context they make.

    `lead` is what stands before the prompt and is made into tokens together with it: many tokenizers
    join a blank to the word that follows.
    """

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    lead: str = ""


def frame_of(name: str, around: tuple[str, str], tokenizer: Any, *, bos: bool) -> Frame:  # noqa: ANN401
    """Return the frame of the texts before and after a prompt; with `bos`, the first token is added.

    A blank before the prompt becomes its `lead` where the tokens are those of the whole text only then.
    """
    encode = _encoder(tokenizer)
    bare = around[0].rstrip(" ")
    lead = around[0][len(bare) :]
    if lead and (
        not _is_seamless(encode, (bare, lead), around[1])
        or _is_seamless(encode, (around[0], ""), around[1])
    ):
        bare, lead = around[0], ""
    before = encode(bare) if bare else []
    start = tokenizer.bos_token_id if bos else None
    if start is not None and before[:1] != [start]:
        before = [start, *before]
    return Frame(name=name, before=tuple(before), after=tuple(encode(around[1])), lead=lead)


def _is_seamless(
    encode: Callable[[str], Sequence[int]], before: tuple[str, str], after: str
) -> bool:
    """Say whether a frame's parts have the tokens that the whole text has, for usual prompts."""
    bare, lead = before
    return all(
        [*encode(bare), *encode(f"{lead}{prompt}"), *encode(after)]
        == list(encode(f"{bare}{lead}{prompt}{after}"))
        for prompt in USUAL_PROMPTS
    )


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
