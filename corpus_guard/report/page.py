"""What the pages of reports share: one self-contained file, its frame, and its pieces.

A page asks for nothing over the network and runs no script; its content-security policy forbids both.
Whatever is text goes through `text` or `prose`, which make it safe and escape it; `Html` is what has
been through them, and the type checker lets nothing else into a page.
"""

import html
import math
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal, NewType

from corpus_guard import __version__
from corpus_guard.escape import safe_text
from corpus_guard.replacing import replacing

Html = NewType("Html", str)
Tone = Literal["alarm", "warn", "note", "quiet"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
PROSE_LINES = 12
NOTHING = Html("")
_BREAK = Html("<br>")


def write(page: Html, path: Path) -> None:
    """Write a page; it appears whole or not at all."""
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def document(title: str, body: Html) -> Html:
    """Return a whole page with `body` between its frame."""
    style = files("corpus_guard.report").joinpath("page.css").read_text(encoding="utf-8")
    told = f"Written by corpus-guard {__version__}. This page asks for nothing over the network."
    frame = join(element("main", body), element("footer", text(told)))
    return Html(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title, 200)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{frame}\n</body>\n</html>\n"
    )


def text(value: str, limit: int = 0) -> Html:
    """Return any text as it may stand in a page or an attribute, on one line."""
    return Html(html.escape(safe_text(value, limit)))


def prose(value: str, limit: int) -> Html:
    """Return any text with its first line ends kept; the further ones are shown as signs."""
    lines = safe_cut(value, limit).split("\n", PROSE_LINES - 1)
    return join(*(text(line) for line in lines), between=_BREAK)


def safe_cut(value: str, limit: int) -> str:
    """Return at most `limit` characters of a text, with an ellipsis where that is not all."""
    return value if len(value) <= limit else f"{value[:limit]}…"


def join(*pieces: Html, between: Html = NOTHING) -> Html:
    """Return pieces one after the other."""
    return Html(between.join(pieces))


def element(tag: str, *inside: Html, **attributes: str) -> Html:
    """Return an element; `class_` and `aria_label` stand for `class` and `aria-label`.

    The names of tags and attributes are the caller's own, never text from outside.
    """
    told = "".join(
        f' {name.strip("_").replace("_", "-")}="{text(value)}"'
        for name, value in attributes.items()
        if value
    )
    return Html(f"<{tag}{told}>{join(*inside)}</{tag}>")


def headline(word: str, tone: Tone, kicker: str, subject: Html, sentence: Html) -> Html:
    """Return the head of a page: the verdict, on what, and what it means."""
    return element(
        "header",
        element("p", text(kicker), class_="kicker"),
        element("h1", text(word)),
        element("p", subject, class_="subject"),
        element("p", sentence),
        class_=f"verdict {tone}",
    )


def section(title: str, *body: Html, note: str = "") -> Html:
    """Return a part of a page under its title; nothing where it has no body."""
    if not any(body):
        return NOTHING
    told = element("p", text(note), class_="aside") if note else NOTHING
    return element("section", element("h2", text(title)), told, *body)


def card(*body: Html, tone: Tone = "quiet") -> Html:
    """Return a box for one finding."""
    return element("article", *body, class_=f"card {tone}")


def badge(word: str, tone: Tone) -> Html:
    """Return a word in a small coloured field."""
    return element("span", text(word), class_=f"badge {tone}")


def facts(pairs: Iterable[tuple[str, Html]]) -> Html:
    """Return names beside what they stand for."""
    rows = [element("div", element("dt", text(name)), element("dd", told)) for name, told in pairs]
    return element("dl", *rows, class_="facts") if rows else NOTHING


def tiles(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return a few large numbers, each above what it counts."""
    told = [
        element("div", element("dd", text(number)), element("dt", text(name)))
        for number, name in pairs
    ]
    return element("dl", *told, class_="tiles")


def table(headings: Sequence[str], rows: Sequence[Sequence[Html]], kind: str = "") -> Html:
    """Return a table, which becomes a list on a narrow screen; nothing where it has no rows."""
    if not rows:
        return NOTHING
    head = element("tr", *(element("th", text(name), scope="col") for name in headings))
    body = [
        element(
            "tr",
            *(
                element("td", element("div", cell), data_label=name)
                for name, cell in zip(headings, row, strict=True)
            ),
        )
        for row in rows
    ]
    return element("table", element("thead", head), element("tbody", *body), class_=kind)


def bar(name: str, share: float | None, told: Html, tone: Tone, least: float | None = None) -> Html:
    """Return a share in [0, 1] as a bar between its name and its words, solid up to `least`."""
    shapes = [_rectangle("track", 1.0)]
    if share:
        shapes.append(_rectangle(f"fill {tone}" if least is None else f"fill pale {tone}", share))
    if share and least:
        shapes.append(_rectangle(f"least {tone}", min(least, share)))
    drawn = Html(
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{join(*shapes)}</svg>"
    )
    named, said = element("span", text(name), class_="name"), element("span", told, class_="told")
    return element("div", named, drawn, said, class_="bar")


def _rectangle(kind: str, share: float) -> Html:
    percent = 0.0 if math.isnan(share) else 100 * min(max(share, 0.0), 1.0)
    return element("rect", class_=kind, x="0", y="0", width=f"{percent:.4g}", height="10")


def marked(before: str, match: str, after: str, room: int) -> Html:
    """Return a match marked between at most `room` characters of what stands on either side."""
    ahead = before if len(before) <= room else f"…{before[-room:]}"
    found = element("mark", prose(match, room)) if match else NOTHING
    return join(prose(ahead, room + 1), found, prose(after, room))


def command(line: str, purpose: str = "") -> Html:
    """Return a command line to copy, above what it is for."""
    told = element("span", text(purpose), class_="purpose") if purpose else NOTHING
    return element("div", element("code", text(line)), told, class_="command")


def rest(number: int, what: str, where: str) -> Html:
    """Return how many more there are and where they are; nothing where there are none."""
    if number <= 0:
        return NOTHING
    return element("p", text(f"{number:,} more {what} in {where}."), class_="aside")
