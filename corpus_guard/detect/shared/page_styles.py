"""How declarations of a style sheet make an element look: whether its text can be seen."""

import re
from collections.abc import Iterator
from typing import NamedTuple

Colour = tuple[int, int, int]

_ZERO = r"(?:0|0?\.0\d*|1px)(?:px|pt|r?em|%)?\s*(?:[;!]|$)"
_WAYS = (
    ("display", r"(?<![\w-])display\s*:\s*none"),
    ("visibility", r"visibility\s*:\s*(?:hidden|collapse)"),
    ("opacity", rf"(?<![\w-])(?:opacity\s*:\s*{_ZERO}|filter\s*:\s*opacity\(\s*0)"),
    (
        "font size",
        rf"(?<![\w-])(?:font-size|line-height)\s*:\s*{_ZERO}|(?<![\w-])font\s*:\s*[01]px",
    ),
    ("no size", rf"(?<![\w-])(?:max-)?(?:width|height)\s*:\s*{_ZERO}|scale\(\s*0\s*[,)]"),
    (
        "off the screen",
        r"(?:text-indent|left|top|right|bottom|margin-left|margin-top)\s*:\s*-\d{3,}"
        r"|translate[xy]?\(\s*-\d{3,}",
    ),
    (
        "clipped",
        r"clip\s*:\s*rect\(\s*[01](?:px)?[\s,]|clip-path\s*:\s*(?:inset\(\s*(?:50|100)|circle\(\s*0)",
    ),
    (
        "transparent",
        r"(?<![\w-])color\s*:\s*(?:transparent|(?:rgba|hsla)\([^()]*,\s*(?:0|0?\.0\d*)\s*\)|#\w{6}00\b)",
    ),
)
_HIDING = re.compile("|".join(f"({pattern})" for _, pattern in _WAYS))
_COLOUR = re.compile(
    r"(?<![\w-])(color|background(?:-color)?)\s*:\s*(#[0-9a-f]{3,8}|rgba?\([^()]{5,40}\)|[a-z]+)"
)
_NUMBERS = re.compile(r"\d+")
_NAMED = {
    "white": (255, 255, 255),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "whitesmoke": (245, 245, 245),
    "gray": (128, 128, 128),
    "red": (255, 0, 0),
    "black": (0, 0, 0),
}
_WHITE: Colour = (255, 255, 255)
NEAR = 30
"""Two colours that differ by no more in all are one to the eye."""

_REMARK = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SHEET_PIECE = re.compile(r"[^{}]+|[{}]")
_SELECTOR = re.compile(r"([.#][\w-]+|\[[\w-]+)\]?\s*$|^\s*([a-z][\w-]*)\s*$", re.IGNORECASE)


class Looks(NamedTuple):
    """How text is hidden ("" where it is not), and the colours of letters and ground where told."""

    hides: str = ""
    letters: Colour | None = None
    ground: Colour | None = None

    def inside(self, around: "Looks") -> "Looks":
        """Return the looks of an element inside another, whose ground shows through."""
        if self.letters is None and self.ground is None:
            return Looks(self.hides, around.letters, around.ground)
        ground = self.ground or around.ground
        how = self.hides
        if not how and self.letters and _is_near(self.letters, ground or _WHITE):
            how = "colour of the background"
        return Looks(how, self.letters or around.letters, ground)


def looks_of(style: str) -> Looks:
    """Return how declarations make text look, by itself."""
    style = _REMARK.sub("", style.lower()) if "/*" in style else style.lower()
    found = _HIDING.search(style)
    hides = _WAYS[(found.lastindex or 1) - 1][0] if found else ""
    if "color" not in style and "background" not in style:
        return Looks(hides)
    told = {name[:5]: _colour(value) for name, value in _COLOUR.findall(style)}
    letters, ground = told.get("color"), told.get("backg")
    if not hides and letters and ground and _is_near(letters, ground):
        hides = "colour of the background"
    return Looks(hides, letters, ground)


def rules_of(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield (.class, #id, [attribute] or element, declarations) of each rule in no other rule."""
    depth, names, last = 0, "", ""
    for piece in _SHEET_PIECE.findall(_REMARK.sub(" ", sheet)):
        if piece == "{":
            depth += 1
            names, last = last.rpartition(";")[2] if depth == 1 else "", ""
        elif piece == "}":
            if depth == 1 and names and "@" not in names:
                for selector in names.split(","):
                    if found := _SELECTOR.search(selector):
                        name = found[1] or found[2].lower()
                        yield f"{name}]" if name[0] == "[" else name, last
            depth, names, last = max(depth - 1, 0), "", ""
        else:
            last = piece


def _colour(value: str) -> Colour | None:
    if value[0] == "#":
        digits = value[1:]
        if len(digits) in (3, 4):
            digits = "".join(2 * digit for digit in digits)
        return (
            (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))
            if len(digits) >= 6
            else None
        )
    if value.startswith("rgb"):
        numbers = [min(int(one[:4]), 255) for one in _NUMBERS.findall(value)[:3]]
        return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None
    return _NAMED.get(value)


def _is_near(one: Colour, two: Colour) -> bool:
    return sum(abs(a - b) for a, b in zip(one, two, strict=True)) <= NEAR
