"""Find out which field of a record plays which role."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from corpus_guard.config import FieldOverrides
from corpus_guard.normalise.known import KNOWN, PROMPTS_ALONE, UNLABELLED
from corpus_guard.normalise.matching import Fields, Records, Roles, candidates, fitted
from corpus_guard.normalise.names import HEADING, ID, LABEL, NO_LABEL, SOURCE, TEXT, TIME, URL
from corpus_guard.normalise.shapes import COMMON_SHARE, is_label_like, is_short
from corpus_guard.types import Layout

MOST_LABEL_VALUES = 64
NO_OVERRIDES = FieldOverrides()
_TURNS = ("prompt", "response", "rejected")


def detect_layout(records: Records, overrides: FieldOverrides) -> Layout:
    """Return the layout of some records; what the user names beats what is found.

    Fields in no role go to `other`, so a wrong guess hides nothing from the record checks.
    """
    fields = Fields.of(records, set(asdict(overrides).values()))
    found = _named_chat(fields, overrides) or _known(fields, overrides)
    if found and found.name == PROMPTS_ALONE:
        found = _with_response(fields, found)
    roles: Roles = dict(found.roles) if found else {}
    roles |= _side_roles(fields.without(roles), overrides)
    if found is None:
        roles |= _text_roles(fields.without(roles), overrides)
    kind, name = (found.kind, found.name) if found else ("plain", "text")
    label = overrides.label
    if label is None and kind == "plain" and name not in UNLABELLED:
        label = _label(fields.without(roles))
    if label is not None:
        roles["label"] = (label,)
        if kind == "plain":
            kind, name = "labelled", "labelled text" if name == "text" else f"{name} with labels"
            roles |= _heading(fields.without(roles), roles) if overrides.text is None else {}
    if kind != "chat" and any(fields.fits(f, "chat") for r in _TURNS for f in roles.get(r, ())):
        name += " (conversational)"
    winner, second = (found.winner, found.second) if found else ("", ())
    return Layout(kind=kind, roles=roles, name=name, winner=winner, second=second)


def known_layout(record: Mapping[str, object]) -> Layout | None:
    """Return the layout of one record that has nothing of its file's; None if it is no known one."""
    present = sorted(str(name) for name, value in record.items() if value is not None)
    fields = Fields(records=[record], folded={name.lower(): name for name in present})
    found = _known(fields, NO_OVERRIDES)
    if found is not None:
        return found
    text = next(iter(fields.matching(TEXT)), None)
    return Layout(kind="plain", roles={"text": (text,)}, name="text") if text else None


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
    pairs = Counter(
        tuple(str(key) for key in value)
        for value in fields.values(name)
        if isinstance(value, Mapping)
    )
    first, second = max(
        (pair for pair in pairs if len(pair) == 2), key=lambda pair: (pairs[pair], pair)
    )
    roles = {"prompt": (f"{name}.{first}",), "response": (f"{name}.{second}",)}
    return Layout(kind="instruction", roles=roles, name="translation")


def _two_languages(fields: Fields) -> Layout | None:
    """Return the layout of records with one field a language, by its two letters."""
    names = sorted(name for low, name in fields.folded.items() if len(low) == 2 and low.isalpha())
    if len(names) != 2 or not all(fields.fits(name, "prose") for name in names):
        return None
    roles = {"prompt": (names[0],), "response": (names[1],)}
    return Layout(kind="instruction", roles=roles, name="translation")


def _any_chat(fields: Fields) -> Layout | None:
    """Return the layout of records with a chat in a field of any name."""
    for name in fields.folded.values():
        if isinstance(next(iter(fields.values(name)), None), list) and fields.fits(name, "chat"):
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
    sources = (name for name in fields.matching(SOURCE) if is_label_like(fields.values(name)))
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
    lengths = {
        name: sum(len(value) for value in fields.values(name) if isinstance(value, str))
        for name in sorted(fields.folded.values())
    }
    best = max(lengths, key=lambda name: lengths[name], default=None)
    return best if best is not None and lengths[best] else None


def _heading(fields: Fields, roles: Roles) -> Roles:
    """Return the text with its heading before it, since a label is given to both."""
    heading = next(iter(fields.matching(HEADING)), None)
    text = roles.get("text", ())
    return {"text": (heading, *text)} if heading and text and fields.fits(heading, "prose") else {}


def _label(fields: Fields) -> str | None:
    """Return the field that holds labels, by its name or else by its values."""
    named = (name for name in fields.matching(LABEL) if is_label_like(fields.values(name)))
    return next(named, None) or _label_by_values(fields)


def _label_by_values(fields: Fields) -> str | None:
    """Return a field whose few short values recur, beside the text; the one with fewest values."""
    found: list[tuple[int, str]] = []
    for low, name in fields.folded.items():
        values = fields.values(name)
        short = [str(value) for value in values if is_short(value, 40)]
        if low in NO_LABEL or len(values) - len(short) > len(values) // COMMON_SHARE:
            continue
        if 2 <= len(set(short)) <= min(MOST_LABEL_VALUES, len(values) // 8):
            found.append((len(set(short)), name))
    return min(found)[1] if found else None
