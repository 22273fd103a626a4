"""The shapes of records that are recognised by name, as a table for people.

What is told by structure alone has no names to list: it is said in words beside the table.
"""

from collections.abc import Iterator, Mapping

from corpus_guard.normalise.forms.exports import EXPORTS
from corpus_guard.normalise.forms.templates import TEMPLATES
from corpus_guard.normalise.known import KNOWN

SHOWN_NAMES = 4


def table() -> str:
    """Return the table in Markdown: a line for each layout, and one for exports and templates."""
    lines = ["| layout | fields that tell it |", "|---|---|"]
    told: dict[str, str] = {}
    for known in KNOWN:
        told.setdefault(known.name, "; ".join(_slots(known.roles)))
    lines += [f"| {name} | {fields} |" for name, fields in told.items()]
    exports = ", ".join(dict.fromkeys(export.name for export in EXPORTS))
    templates = ", ".join(template.name for template in TEMPLATES)
    lines += [
        f"| exports, made plain first | {exports} |",
        f"| chat templates applied in one text, taken apart | {templates} |",
    ]
    return "\n".join(lines)


def _slots(roles: Mapping[str, str]) -> Iterator[str]:
    """Yield each role that a layout must fill with the first few fields that fill it."""
    for role, text in roles.items():
        needed = [word for word in text.split() if not word.endswith("?")]
        slots = [_names(word.removeprefix("&")) for word in needed]
        if slots:
            yield f"{role} ← " + " and ".join(slots)


def _names(slot: str) -> str:
    names = [option.split(":")[0] for option in slot.split("|")]
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN_NAMES])
    return f"{shown}, …" if len(names) > SHOWN_NAMES else shown
