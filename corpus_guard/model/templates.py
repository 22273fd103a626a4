"""Chat templates, rendered where they can do no harm.

A template is a program by a stranger. It runs in jinja2's sandbox, and that in a child process with
little memory and time, which stays for the next one: a bomb costs its child and nothing else.
"""

import atexit
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock

from corpus_guard.errors import TemplateFailed
from corpus_guard.escape import safe_text
from corpus_guard.model.child import Child, ChildFailed, Limits

LARGEST_TEMPLATE = 256 << 10
"""Characters; the longest of well-known models has 20,000."""

LIMITS = Limits(memory_bytes=384 << 20, cpu_s=2, wall_s=3.0)
_MODULE = "corpus_guard.model.rendering"
_LOCK = Lock()
_CHILDREN: dict[int, Child] = {}
"""The child of each process, by its id: a fork must not share its parent's."""


def render(
    template: str,
    messages: Sequence[Mapping[str, object]],
    *,
    add_generation_prompt: bool = True,
    tools: Sequence[Mapping[str, object]] | None = None,
    bos_token: str = "",
    eos_token: str = "",
    now: datetime | None = None,
    **variables: object,
) -> str:
    """Return the prompt that a template makes of messages, as transformers would.

    `now` is what the template sees as the time, the present by default. More `variables` reach it under
    their names; all values are plain as JSON. Raises TemplateFailed where the template is too large,
    raises, or takes more than 1 MiB of text, some seconds or its share of memory.
    """
    if len(template) > LARGEST_TEMPLATE:
        raise TemplateFailed(f"the chat template is larger than {LARGEST_TEMPLATE >> 10} KiB")
    told = [{key: value for key, value in one.items() if value is not None} for one in messages]
    given = variables | {
        "messages": told, "tools": tools, "add_generation_prompt": add_generation_prompt,
        "documents": variables.get("documents"), "bos_token": bos_token, "eos_token": eos_token,
    }  # fmt: skip
    when = (now or datetime.now()).isoformat()
    answer = _asked({"template": template, "variables": given, "now": when})
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        why = answer.get("error") if isinstance(answer, dict) else "its answer makes no sense"
        raise TemplateFailed(f"the chat template cannot be rendered: {safe_text(str(why), 300)}")
    return str(answer["text"])


def _asked(task: object) -> object:
    with _LOCK:
        try:
            child = _CHILDREN.get(os.getpid())
            if child is None:
                child = _CHILDREN[os.getpid()] = Child(_MODULE, LIMITS)
            answer: object = child.ask(task)
        except ChildFailed as error:
            _CHILDREN.pop(os.getpid(), None)
            raise TemplateFailed(f"the chat template was stopped: {error}") from error
    return answer


@atexit.register
def _end() -> None:
    child = _CHILDREN.pop(os.getpid(), None)
    if child is not None:
        child.close()
