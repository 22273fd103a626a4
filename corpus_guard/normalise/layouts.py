"""Find out which field of a record plays which role."""

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise.facts import FEWEST_KNOWN
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
from corpus_guard.normalise.pairs import free_texts, pair_layout, turned_beside
from corpus_guard.types import Layout

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
    roles: Roles = dict(found.roles) if found else {}
    roles |= _side_roles(fields.without(roles), overrides)
    if found is None:
        roles |= _text_roles(fields.without(roles), overrides)
    kind, name = (found.kind, found.name) if found else ("plain", "text")
    label = overrides.label
    if label is None and kind == "plain" and name not in UNLABELLED:
        label = _label(fields.without(roles))
    if label:
        roles["label"] = (label,)
    turned = found.turned if found else ()
    if kind == "plain" and is_open and name not in (*UNLABELLED, PROMPTS_ALONE):
        turned = turned_beside(roles, fields.without(_less(roles, "text")))
    if label and kind == "plain":
        kind, name = "labelled", "labelled text" if name == "text" else f"{name} with labels"
        roles |= _all_text(fields.without(roles), roles) if overrides.text is None else {}
    if kind != "chat" and any(fields.fits(f, "chat") for r in _TURNS for f in roles.get(r, ())):
        name += " (conversational)"
    winner, second = (found.winner, found.second) if found else ("", ())
    return Layout(kind=kind, roles=roles, name=name, winner=winner, second=second, turned=turned)


def _pairs(fields: Fields, overrides: FieldOverrides) -> Layout | None:
    """Return the layout of free texts of unknown roles, of records that hold no label."""
    rest = fields.without(_side_roles(fields, overrides))
    label = overrides.label or _label(rest)
    is_told = label is not None and (label == overrides.label or not _is_constant(rest, label))
    return None if is_told else pair_layout(rest)


def _is_constant(fields: Fields, name: str) -> bool:
    """Say whether all of many records have the same value in a field."""
    return 0 < fields.facts[name].varied * FEWEST_KNOWN < 1


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
    """Return prompts with the prose in a field of unknown name as their responses, if there is any."""
    rest = fields.without(dict(prompts.roles))
    name = _longest_string(rest)
    if name is None or not rest.fits(name, "prose"):
        return prompts
    return Layout(
        kind="instruction", roles={**prompts.roles, "response": (name,)}, name="instructions"
    )


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


def _label(fields: Fields) -> str | None:
    """Return the field that holds the record's label, by its name or else by its few values.

    A known name counts wherever its value could be a label; first one whose values nearly all could.
    """
    known = fields.matching(LABEL)
    for shape in ("label", "some_labels"):
        for name in known:
            if fields.fits(name, shape) and not fields.facts[name].is_text:
                return name
    by_values = [
        (fields.facts[name].few, name)
        for low, name in fields.folded.items()
        if fields.facts[name].few and low not in NO_LABEL
    ]
    return min(by_values)[1] if by_values else None
