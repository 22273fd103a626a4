"""What a child does that renders chat templates: jinja2's sandbox with what transformers adds to it.

Source: the template environment of transformers, whose templates these are.
"""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

LARGEST_OUTPUT = 1 << 20
"""Characters."""


def environment() -> Any:  # noqa: ANN401  # jinja2 has no types here
    """Return the sandbox that chat templates are written for."""
    from jinja2.ext import Extension, loopcontrols
    from jinja2.nodes import CallBlock
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    class Generation(Extension):  # type: ignore[misc]
        """`{% generation %}` marks what the model has said; it changes nothing."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:  # noqa: ANN401
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

        def _said(self, caller: Any) -> Any:  # noqa: ANN401
            return caller()

    class Names(Namespace):  # type: ignore[misc]
        """A namespace that takes no name with an underscore before it."""

        def __setitem__(self, name: str, value: object) -> None:
            if name.startswith("_"):
                raise ValueError("a name in a namespace begins with an underscore")
            super().__setitem__(name, value)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    made.filters["tojson"] = _tojson
    made.globals = {
        name: value for name, value in made.globals.items() if name in ("range", "cycler", "joiner")
    }
    made.globals.update(raise_exception=_raise, namespace=Names, dict=_dict)
    return made


def answer(task: dict[str, Any]) -> dict[str, str]:
    """Return what a template makes of its variables as `text`, or why it makes nothing as `error`."""
    try:
        return {"text": _rendered(task)}
    except RecursionError:
        return {"error": "it is nested too deep"}
    except MemoryError:
        return {"error": "it takes too much memory"}
    except Exception as error:  # a template raises anything
        return {"error": f"{type(error).__name__}: {error!s:.300}"}


def _rendered(task: dict[str, Any]) -> str:
    now = datetime.fromisoformat(task["now"])
    parts, length = [], 0
    for part in _compiled(task["template"]).generate(
        **task["variables"], strftime_now=lambda form: now.strftime(form)
    ):
        parts.append(part)
        length += len(part)
        if length > LARGEST_OUTPUT:
            raise ValueError("it makes more than 1 MiB of text")
    return "".join(parts)


@lru_cache(maxsize=8)
def _compiled(template: str) -> Any:  # noqa: ANN401
    return environment().from_string(template)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: Any = None,  # noqa: ANN401
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(message: object) -> None:
    raise ValueError(str(message))


def _dict(*pairs: Any, **named: object) -> dict[Any, Any]:  # noqa: ANN401
    return dict(*pairs, **named)
