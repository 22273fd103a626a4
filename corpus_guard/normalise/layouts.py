"""Find out which field of a record plays which role."""

from collections.abc import Mapping
from dataclasses import replace

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise.fields import leaf
from corpus_guard.normalise.known import KNOWN, PROMPTS_ALONE, UNLABELLED
from corpus_guard.normalise.languages import LANGUAGES
from corpus_guard.normalise.matching import Fields, Roles, candidates, fitted
from corpus_guard.normalise.names import (
    HEADING,
    ID,
    LABEL,
    NO_LABEL,
    REASONS,
    SOURCE,
    TEXT,
    TIME,
    URL,
)
from corpus_guard.normalise.pairs import (
    free_texts,
    likeliest_answers,
    pair_layout,
    turned_beside,
)
from corpus_guard.types import Layout

MOST_LABELS = 4
"""Of more fields that may be the label, these are tested."""

_TURNS = ("prompt", "response", "rejected")


def layout_of(fields: Fields, overrides: FieldOverrides, *, is_all: bool = True) -> Layout | None:
    """Return the layout of a record; what the user names beats what is found.

    Fields in no role go to `other`, so a wrong guess hides nothing from the record checks. Where the
    record holds more than these fields (not `is_all`), None means that the others may matter.
    """
    found = _named_chat(fields, overrides) or _known(fields, overrides)
    if found is None and not is_all and not fields.matching(TEXT):
        return None
    if found and found.name == PROMPTS_ALONE:
        if not is_all:
            return None
        found = _with_response(fields, found)
    is_open = overrides.text is overrides.prompt is overrides.response is None
    if found is None and is_open:
        found = _pairs(fields, overrides)
    if found is None:
        found = Layout(kind="plain", roles={}, name="text")
        roles = _side_roles(fields, overrides)
        roles |= _text_roles(fields.without(roles), overrides)
    else:
        roles = dict(found.roles) | _side_roles(fields.without(dict(found.roles)), overrides)
    if found.kind == "preference" and "prompt" not in roles and is_open:
        asked = free_texts(fields.without(roles))
        roles |= {"prompt": tuple(asked)} if asked else {}
    found = _with_labels(fields, replace(found, roles=roles), overrides, is_open=is_open)
    if found.kind != "chat" and _is_conversational(fields, found.roles):
        return replace(found, name=f"{found.name} (conversational)")
    return found


def _is_conversational(fields: Fields, roles: Mapping[str, tuple[str, ...]]) -> bool:
    return any(fields.fits(name, "chat") for role in _TURNS for name in roles.get(role, ()))


def _with_labels(
    fields: Fields, found: Layout, overrides: FieldOverrides, *, is_open: bool
) -> Layout:
    """Return a layout with its label, and with the other readings of texts that have no sure role."""
    roles: Roles = dict(found.roles)
    may_be_told = found.kind == "plain" and found.name not in UNLABELLED
    labels = [overrides.label] if overrides.label is not None else []
    if not labels and may_be_told:
        labels = _labels(fields.without(roles))
    if labels and labels[0]:
        roles["label"] = (labels[0],)
    turned = list(found.turned)
    if may_be_told and is_open and found.name != PROMPTS_ALONE:
        turned += turned_beside(roles, fields.without(_less(roles, "text")))
    if found.kind != "plain" or not labels or not labels[0]:
        return replace(found, roles=roles, turned=tuple(turned))
    if overrides.text is None:
        roles |= _all_text(fields.without(roles), roles)
    turned += [{"text": roles.get("text", ()), "label": (name,)} for name in labels[1:MOST_LABELS]]
    name = "labelled text" if found.name == "text" else f"{found.name} with labels"
    return replace(found, kind="labelled", name=name, roles=roles, turned=tuple(turned))


def _pairs(fields: Fields, overrides: FieldOverrides) -> Layout | None:
    """Return the layout of free texts of unknown roles, of records that hold no label."""
    rest = fields.without(_side_roles(fields, overrides))
    if overrides.label is not None or any(
        not rest.facts[name].is_constant for name in _labels(rest)
    ):
        return None
    return pair_layout(rest)


def _less(roles: Roles, role: str) -> Roles:
    return {name: fields for name, fields in roles.items() if name != role}


def _known(fields: Fields, overrides: FieldOverrides) -> Layout | None:
    """Return the first known layout that the fields fit, or None."""
    if overrides.text is not None:
        return None
    named = {role: name for role in ("prompt", "response") if (name := getattr(overrides, role))}
    for known in KNOWN if named else candidates(fields):
        found = fitted(known, fields, named)
        if found is not None:
            return found
    return None if named else _translation(fields) or _any_chat(fields)


def _with_response(fields: Fields, prompts: Layout) -> Layout:
    """Return prompts with the prose in fields of unknown names as their responses, if there is any."""
    rest = fields.without(dict(prompts.roles))
    texts = free_texts(rest)
    if not texts:
        name = _longest_string(rest)
        texts = [name] if name is not None and rest.fits(name, "prose") else []
    if not texts:
        return prompts
    ways = [{**prompts.roles, "response": (name,)} for name in likeliest_answers(texts, rest)]
    return Layout(kind="instruction", roles=ways[0], name="instructions", turned=tuple(ways[1:]))


def _translation(fields: Fields) -> Layout | None:
    """Return the layout of records that hold a text in two languages, by language."""
    name = next(iter(fields.matching(("translation", "translations"))), None)
    if name is None or not fields.fits(name, "languages"):
        return _two_languages(fields)
    first, second = fields.facts[name].languages
    roles = {"prompt": (f"{name}.{first}",), "response": (f"{name}.{second}",)}
    return Layout(kind="instruction", roles=roles, name="translation")


def _two_languages(fields: Fields) -> Layout | None:
    """Return the layout of records with one field a language, by its two letters."""
    names = sorted(name for low, name in fields.folded.items() if low in LANGUAGES)
    if len(names) != 2 or not all(fields.fits(name, "prose") for name in names):
        return None
    roles = {"prompt": (names[0],), "response": (names[1],)}
    return Layout(kind="instruction", roles=roles, name="translation")


def _any_chat(fields: Fields) -> Layout | None:
    """Return the layout of records with a chat in a field of any name."""
    for name in fields.folded.values():
        if fields.fits(name, "list") and fields.fits(name, "chat"):
            return _chat_in(name)
    return None


def _chat_in(name: str) -> Layout:
    return Layout(kind="chat", roles={"prompt": (name,), "response": (name,)}, name="chat")


def _named_chat(fields: Fields, overrides: FieldOverrides) -> Layout | None:
    """Return the chat layout when the one field that the user names for the text holds chats."""
    only = {overrides.text, overrides.prompt, overrides.response} - {None}
    name = next(iter(only), None)
    if name is None or len(only) > 1 or not fields.fits(name, "chat"):
        return None
    known = _known(fields, overrides) if overrides.prompt is not None else None
    return None if known is not None and "response" in known.roles else _chat_in(name)


def _side_roles(fields: Fields, overrides: FieldOverrides) -> Roles:
    sources = (name for name in fields.matching(SOURCE) if fields.fits(name, "label"))
    wanted = {
        "source": overrides.source or next(sources, None),
        "time": overrides.time or next(iter(fields.matching(TIME)), None),
        "url": next(iter(fields.matching(URL)), None),
        "record_id": overrides.id or next(iter(fields.matching(ID)), None),
    }
    # Without a source of its own a record comes from the host of its address.
    wanted["source"] = wanted["source"] or wanted["url"]
    return {role: (name,) for role, name in wanted.items() if name is not None}


def _text_roles(fields: Fields, overrides: FieldOverrides) -> Roles:
    """Return the roles of texts that are in no known layout."""
    named = {role: getattr(overrides, role) for role in ("text", "prompt", "response")}
    roles: Roles = {role: (name,) for role, name in named.items() if name is not None}
    if overrides.text is None and overrides.prompt is None:
        text = next(iter(fields.matching(TEXT)), None) or _longest_string(fields)
        roles |= {"text": (text,)} if text is not None else {}
    return roles


def _longest_string(fields: Fields) -> str | None:
    lengths = {name: fields.facts[name].length for name in sorted(fields.folded.values())}
    best = max(lengths, key=lambda name: lengths[name], default=None)
    return best if best is not None and lengths[best] else None


def _all_text(fields: Fields, roles: Roles) -> Roles:
    """Return the text with its heading before it and other texts behind: a label is given to all."""
    text = roles.get("text", ())
    if not text:
        return {}
    heading = next(iter(fields.matching(HEADING)), None)
    before = (heading,) if heading and fields.fits(heading, "prose") else ()
    after = [n for n in free_texts(fields) if n not in before and leaf(n.lower()) not in REASONS]
    return {"text": (*before, *text, *after)}


def _labels(fields: Fields) -> list[str]:
    """Return the fields that may hold the record's label: one by its name, or else all of few values.

    A known name counts wherever its value could be a label; first one whose values nearly all could.
    """
    known = fields.matching(LABEL)
    for shape in ("label", "some_labels"):
        for name in known:
            if fields.fits(name, shape) and not fields.facts[name].is_text:
                return [name]
    by_values = {
        name: fields.facts[name].few
        for low, name in fields.folded.items()
        if fields.facts[name].few and not {low, leaf(low)} & NO_LABEL
    }
    return sorted(by_values, key=lambda name: (by_values[name], name))
