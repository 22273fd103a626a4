"""The text of a web page in two parts: what its reader sees, and what it holds besides.

One pass over the tags with a stack of open elements, in time linear in the page. The page's own style
sheet is looked at, those from elsewhere and scripts are not.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

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

_ZERO = r"(?:0|0?\.0\d*|1px)(?:px|pt|r?em|%)?\s*(?:[;!]|$)"
_HIDING = re.compile(
    rf"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?<![\w-])color\s*:\s*transparent"
    rf"|(?<![\w-])(?:font-size|opacity|(?:max-)?(?:width|height)|line-height)\s*:\s*{_ZERO}"
    rf"|(?:text-indent|left|top|right|margin-left|margin-top)\s*:\s*-\d{{3,}}"
    rf"|clip(?:-path)?\s*:\s*(?:rect\(\s*[01](?:px)?[\s,]|inset\(\s*(?:50|100))|scale\(\s*0\s*\)"
)
_COLOUR = re.compile(r"(?<![\w-])(color|background(?:-color)?)\s*:\s*(#\w{3,8}|[a-z]+)")
_WHITE, _BLACK = ("white", "#fff", "#ffffff"), ("black", "#000", "#000000")
_REMARK = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SHEET_PIECE = re.compile(r"[^{}]+|[{}]")
_SELECTOR = re.compile(r"[.#]([\w-]+)\s*(?:,|$)")

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INLINE = frozenset("a b big code em font i mark s small span strong sub sup u wbr".split())
_UNSEEN = frozenset(("template", "noscript", "datalist"))
_BY_CUSTOM = frozenset(("sr-only", "visually-hidden", "screen-reader-text", "visuallyhidden"))
_CLOSED_BY_NEXT = frozenset(("p", "li", "dt", "dd", "td", "th", "tr", "option"))
_SPOKEN = frozenset(
    ("alt", "title", "aria-label", "aria-description", "placeholder", "summary", "value", "content")
)


class PageParts(NamedTuple):
    """What is seen, and what is not: hidden elements, comments, and attributes that hold text."""

    visible: str
    hidden: str


class _Element(NamedTuple):
    name: str
    is_hidden: bool


def page_parts(markup: str) -> PageParts:
    """Return the two parts of a page, character references resolved; scripts and styles in neither."""
    walk = _Walk()
    at = 0
    while at < len(markup) and (piece := _PIECE.match(markup, at)):
        at = piece.end()
        if piece["text"]:
            walk.add(piece["text"])
        elif piece["comment"] is not None:
            walk.hidden.append(f" {piece['comment']} ")
        elif piece["name"]:
            name = piece["name"].lower()
            walk.tag(name, piece["attributes"], is_end=bool(piece["end"]))
            if name in _CODE_END and not piece["end"]:
                code_end = _CODE_END[name].search(markup, at)
                first, at = at, code_end.start() if code_end else len(markup)
                if name == "style":
                    walk.learn(markup[first:at])
    return PageParts(html.unescape("".join(walk.visible)), html.unescape("".join(walk.hidden)))


class _Walk:
    """The open elements at a place in a page, and the text so far."""

    def __init__(self) -> None:
        self.visible: list[str] = []
        self.hidden: list[str] = []
        self._open: list[_Element] = []
        self._count = Counter[str]()
        self._hiding = set(_BY_CUSTOM)  # names of classes and elements

    @property
    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1].is_hidden

    def add(self, text: str) -> None:
        (self.hidden if self._is_hidden else self.visible).append(text)

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
        hides = bool(attributes) and self._take(attributes)
        if name not in _VOID and name not in _CODE_END and len(self._open) < MOST_DEPTH:
            self._open.append(_Element(name, hides or name in _UNSEEN or self._is_hidden))
            self._count[name] += 1

    def _take(self, attributes: str) -> bool:
        """Add what attributes say; return whether they hide their element."""
        held = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(attributes)}
        self.hidden += [f" {held[key]} " for key in sorted(_SPOKEN.intersection(held))]
        return self._hides(held)

    def learn(self, sheet: str) -> None:
        """Note which names a style sheet hides; rules for certain media do not count."""
        for names, style in _rules(sheet):
            if _hides(style):
                self._hiding.update(_SELECTOR.findall(names))

    def _hides(self, held: dict[str, str]) -> bool:
        if "hidden" in held or held.get("aria-hidden", "").lower() == "true":
            return True
        names = {*held.get("class", "").split(), held.get("id", "")}
        return not self._hiding.isdisjoint(names) or _hides(html.unescape(held.get("style", "")))

    def _close(self, name: str) -> None:
        while self._count[name] and self._open:
            closed = self._open.pop()
            self._count[closed.name] -= 1
            if closed.name == name:
                return


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the selectors and the declarations of each rule that stands in no other."""
    depth, names, last = 0, "", ""
    for piece in _SHEET_PIECE.findall(_REMARK.sub(" ", sheet)):
        if piece == "{":
            depth += 1
            names, last = last.rpartition(";")[2] if depth == 1 else "", ""
        elif piece == "}":
            if depth == 1 and names and "@" not in names:
                yield names, last
            depth, names, last = max(depth - 1, 0), "", ""
        else:
            last = piece


def _hides(style: str) -> bool:
    """Say whether declarations make text invisible."""
    style = _REMARK.sub("", style.lower())
    if _HIDING.search(style):
        return True
    colours = {name[:5]: _plain(value) for name, value in _COLOUR.findall(style)}
    return "color" in colours and colours["color"] == colours.get("backg")


def _plain(colour: str) -> str:
    return "white" if colour in _WHITE else "black" if colour in _BLACK else colour
