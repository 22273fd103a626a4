"""The text of a web page in two parts: what its reader sees, and what it holds besides, and how.

One pass over the tags with a stack of open elements, in time linear in the page. The page's own style
sheets are looked at, those from elsewhere and scripts are not.
"""

import html
import re
from collections import Counter
from typing import NamedTuple

from corpus_guard.detect.shared.page_styles import Looks, looks_of, rules_of

MOST_DEPTH = 10_000

_PIECE = re.compile(
    r"<!--(?P<comment>.*?)(?:-->|\Z)"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][^\s/<>]*)"
    r"(?P<attributes>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)>?"
    r"|<[!?][^<>]*>?|(?P<text>[^<]+)|<",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_CODE_END = {name: re.compile(rf"(?i)</{name}\b") for name in ("script", "style")}
_SHEET = re.compile(r"<style\b[^<>]*>(.*?)(?:</style\b|\Z)", re.IGNORECASE | re.DOTALL)
_DATA = re.compile(r"type\s*=\s*[\"']?(?:application/(?:ld\+)?json|text/(?:plain|markdown))", re.I)

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INLINE = frozenset("a b big code em font i mark s small span strong sub sup u wbr".split())
_UNSEEN = frozenset(("template", "noscript", "datalist"))
_BY_CUSTOM = frozenset(
    (".sr-only", ".visually-hidden", ".screen-reader-text", ".visuallyhidden", ".d-none")
)
_WHOLE = frozenset(("html", "body"))
"""A page that hides all of itself has a script that shows it."""

_CLOSED_BY_NEXT = frozenset(("p", "li", "dt", "dd", "td", "th", "tr", "option"))
_CODE_ATTRIBUTES = frozenset(
    "class style href src srcset sizes action d points viewbox rel id name type media target".split()
)
_SHORTEST = 12
"""No order is told in fewer characters of an attribute."""


class HiddenText(NamedTuple):
    """A text that a reader does not see, and how it is hidden, in a word or two."""

    how: str
    text: str


class PageParts(NamedTuple):
    """What is seen, and what is not: hidden elements, comments, and attributes that hold text."""

    visible: str
    pieces: tuple[HiddenText, ...]

    @property
    def hidden(self) -> str:
        """All that is not seen, as one text."""
        return "".join(piece.text for piece in self.pieces)


class _Element(NamedTuple):
    name: str
    region: int  # which hidden text it adds to; -1: it is seen
    background: Looks


def page_parts(markup: str) -> PageParts:
    """Return the two parts of a page, character references resolved; scripts and styles in neither.

    Scripts that hold data are hidden text.
    """
    walk = _Walk()
    for sheet in _SHEET.findall(markup) if "<style" in markup or "<STYLE" in markup else ():
        walk.learn(sheet)
    at = 0
    while at < len(markup) and (piece := _PIECE.match(markup, at)):
        at = piece.end()
        if piece["text"]:
            walk.add(piece["text"])
        elif piece["comment"] is not None:
            walk.hide("comment", piece["comment"])
        elif piece["name"]:
            name = piece["name"].lower()
            walk.tag(name, piece["attributes"], is_end=bool(piece["end"]))
            if name in _CODE_END and not piece["end"]:
                code_end = _CODE_END[name].search(markup, at)
                first, at = at, code_end.start() if code_end else len(markup)
                if _DATA.search(piece["attributes"]):
                    walk.hide("data in a script", markup[first:at])
    pieces = [HiddenText(how, html.unescape("".join(parts))) for how, parts in walk.hidden]
    return PageParts(html.unescape("".join(walk.visible)), tuple(pieces))


class _Walk:
    """The open elements at a place in a page, and the text so far."""

    def __init__(self) -> None:
        self.visible: list[str] = []
        self.hidden: list[tuple[str, list[str]]] = []
        self._open: list[_Element] = []
        self._count = Counter[str]()
        self._hiding = dict.fromkeys(_BY_CUSTOM, "class")  # .class, #id, [attribute], element

    def add(self, text: str) -> None:
        region = self._open[-1].region if self._open else -1
        (self.visible if region < 0 else self.hidden[region][1]).append(text)

    def hide(self, how: str, text: str) -> None:
        self.hidden.append((how, [f" {text} "]))

    def learn(self, sheet: str) -> None:
        """Note which names a style sheet hides; rules for certain media do not count."""
        for name, style in rules_of(sheet):
            if how := looks_of(style).hides:
                self._hiding[name] = f"{how}, by a style sheet"

    def tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        if name not in _INLINE:
            self.add(" ")
        if is_end:
            self._close(name)
            return
        if self._open and self._open[-1].name in _CLOSED_BY_NEXT:
            last = self._open[-1].name
            if last == name or (last == "p" and name not in _INLINE):
                self._close(last)
        around = self._open[-1] if self._open else _Element("", -1, Looks("", None, None))
        looks = self._take(name, attributes) if attributes or name in self._hiding else Looks()
        if name in _VOID or name in _CODE_END or len(self._open) >= MOST_DEPTH:
            return
        looks = looks.inside(around.background)
        region, how = around.region, looks.hides or (name if name in _UNSEEN else "")
        if name in _WHOLE:
            how = ""
        if how and region < 0:
            region = len(self.hidden)
            self.hidden.append((how, []))
        self._open.append(_Element(name, region, looks))
        self._count[name] += 1

    def _take(self, name: str, attributes: str) -> Looks:
        """Add what attributes say; return how they make their element look."""
        held = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(attributes)}
        for key in sorted(held):
            if len(held[key]) >= _SHORTEST and key not in _CODE_ATTRIBUTES and key[:2] != "on":
                self.hide(f"attribute {key}", held[key])
        if "hidden" in held:
            return Looks("attribute hidden")
        names = [f".{one}" for one in held.get("class", "").split()]
        names += [f"[{key}]" for key in held] + [f"#{held.get('id', '')}", name]
        for one in names:
            if one in self._hiding:
                return Looks(self._hiding[one])
        style = html.unescape(held.get("style", ""))
        if "color" in held or "bgcolor" in held:
            style += f";color:{held.get('color', '')};background:{held.get('bgcolor', '')}"
        return looks_of(style) if style else Looks()

    def _close(self, name: str) -> None:
        while self._count[name] and self._open:
            closed = self._open.pop()
            self._count[closed.name] -= 1
            if closed.name == name:
                return
