"""CG605: chat templates and tokenizers that change what is asked.

A chat template is a program that every prompt goes through, so it can carry a backdoor that no weight
shows: where a message holds a word, it adds an order. Told from the syntax tree, nothing is rendered.
High: such a condition on words, names that lead out of the sandbox, bombs, hidden directions of writing,
a tokenizer that rewrites words. Medium: a condition on a tag or a switch (`/think`), which some honest
models have; low: a condition with only a word or two behind it. Of 71 templates of well-known models, as
llama.cpp ships them, none is high and one is medium. Misses: conditions on lengths and positions.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from corpus_guard.escape import is_invisible, safe_text
from corpus_guard.model import template_dangers as dangers
from corpus_guard.model import template_signs as signs
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.files import Folder
from corpus_guard.model.headers import HeaderError, read_gguf
from corpus_guard.model.jsons import members, value_in
from corpus_guard.model.rendering import environment
from corpus_guard.model.templates import LARGEST_TEMPLATE
from corpus_guard.probe_types import FileFinding
from corpus_guard.types import Severity

IN_SETTINGS = ("tokenizer_config.json", "chat_template.json", "processor_config.json")
MOST_IN_ALL = 2 * LARGEST_TEMPLATE
"""Characters; the largest take some five seconds."""

_IN_GGUF = "tokenizer.chat_template"
_RULE = Rule("CG605", "Read the template; use the one of the base model's author instead.")


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield what is odd in the chat templates and in the tokenizer's rules."""
    left = MOST_IN_ALL
    for file, template in templates(folder):
        left -= len(template)
        if left < 0:
            yield _finding("high", file, "The chat templates are too many or large to be read.")
            break
        yield from _judged(file, template)
    for file in folder.ending("tokenizer.json"):
        yield from _rewriting(folder, file)


def templates(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield the file and the text of every chat template."""
    for file in folder.ending(".jinja"):
        with folder.path(file).open(encoding="utf-8", errors="replace") as stream:
            yield file, stream.read(LARGEST_TEMPLATE + 1)
    for file in folder.names:
        if file.rsplit("/", 1)[-1] in IN_SETTINGS:
            yield from ((file, text) for text in _in_settings(folder, file))
    for file in folder.ending(".gguf"):
        try:
            told = read_gguf(folder.path(file)).metadata
        except (HeaderError, OSError):
            continue  # told by CG604
        yield from ((file, str(text)) for key, text in told.items() if key.startswith(_IN_GGUF))


def _in_settings(folder: Folder, file: str) -> Iterator[str]:
    settings = value_in(folder.path(file))
    for key, value in members(settings):
        if key == "chat_template":
            yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    """Yield the templates of a setting: one, or several by their names in a list or an object."""
    if isinstance(value, str):
        yield value
    for one in value if isinstance(value, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("template"), str):
            yield str(one["template"])
    if isinstance(value, Mapping):
        yield from (one for one in value.values() if isinstance(one, str))


def _judged(file: str, template: str) -> Iterator[FileFinding]:
    if len(template) > LARGEST_TEMPLATE:
        kib = LARGEST_TEMPLATE >> 10
        yield _finding("high", file, f"A chat template is larger than {kib} KiB; it was not read.")
        return
    yield from _hidden(file, template)
    if find_spec("jinja2") is None:
        yield _finding("medium", file, "jinja2 is not installed; the chat template was not judged.")
        return
    try:
        tree = environment().parse(template)
        yield from _of_tree(file, tree)
    except RecursionError:
        yield _finding("high", file, "The chat template is nested too deep to be read.")
    except Exception as error:  # the parser raises more than its own errors
        why = safe_text(str(error), 200)
        yield _finding("medium", file, f"The chat template is no template: {why}.")


def _of_tree(file: str, tree: Any) -> Iterator[FileFinding]:  # noqa: ANN401
    reached, bombs = sorted(dangers.reached(tree)), sorted(dangers.bombs(tree))
    if reached:
        named = safe_text(", ".join(reached[:5]), 200)
        yield _finding(
            "high",
            file,
            f"The chat template reaches for {named}, which leads to code.",
            names=named,
        )
    if bombs:
        yield _finding("high", file, f"The chat template {bombs[0]}; it may never end.")
    found = signs.conditions(tree)
    worst = max(found, key=lambda one: (one.is_language, one.is_on_words), default=None)
    if worst is not None and (worst.is_language or worst.is_on_words):
        yield _condition(file, _severity(worst), worst)


def _severity(found: signs.Condition) -> Severity:
    """Return how odd a condition is; tags and short texts are what honest templates have."""
    if found.is_language:
        return "high" if found.is_on_words else "medium"
    return "low"


def _condition(file: str, severity: Severity, found: signs.Condition) -> FileFinding:
    marker = safe_text(" | ".join(found.markers), 200)
    text = safe_text(" ".join(found.text.split()), 200)
    return _finding(
        severity, file, f'Where a message holds "{marker}", the chat template adds "{text}".',
        marker=marker, text=text,
    )  # fmt: skip


def _hidden(file: str, template: str) -> Iterator[FileFinding]:
    """Yield the characters that nobody sees, and graver the ones that carry or turn text."""
    seen = {char for char in template if unicodedata.category(char) == "Cf" or is_invisible(char)}
    if not seen:
        return
    is_grave = any(_carries(char) for char in seen)
    shown = safe_text("".join(sorted(seen)[:5]))
    yield _finding(
        "high" if is_grave else "medium", file,
        f"The chat template holds characters that nobody sees: {shown}.", characters=shown,
    )  # fmt: skip


def _carries(char: str) -> bool:
    """Say whether a character turns the direction of writing or can spell hidden text."""
    point = ord(char)
    return 0x202A <= point <= 0x202E or 0x2066 <= point <= 0x2069 or 0xE0000 <= point <= 0xE01EF


def _rewriting(folder: Folder, file: str) -> Iterator[FileFinding]:
    """Yield the rules of a tokenizer that put one word in the place of another."""
    settings = value_in(folder.path(file))
    rules = settings if isinstance(settings, dict) else {}
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        for rule in _rules(rules.get(part)):
            pattern = rule.get("pattern")
            texts = [
                *(pattern.values() if isinstance(pattern, Mapping) else ()),
                rule.get("content"),
            ]
            words = [one for one in texts if isinstance(one, str) and _has_word(one)]
            if rule.get("type") == "Replace" and words:
                shown = safe_text(words[0], 100)
                yield _finding(
                    "high", file, f'The tokenizer rewrites text ("{shown}").', text=shown
                )


def _rules(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    for _, inner in members(value):
        for one in inner if isinstance(inner, list) else (inner,):
            if isinstance(one, dict):
                yield one


def _has_word(text: str) -> bool:
    return sum(char.isalpha() for char in text) >= 3 and "\\p" not in text


def _finding(severity: Severity, file: str, message: str, **evidence: str) -> FileFinding:
    title = "The chat template or the tokenizer changes what is asked"
    return _RULE.finding(severity, file, title, message, **evidence)
