"""The orders to a model that a page, or a text with markup in it, hides from its reader."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from corpus_guard.detect.shared.encoded import ENCODED, decoded_texts
from corpus_guard.detect.shared.marks import for_python
from corpus_guard.detect.shared.model_orders import Order, order_in
from corpus_guard.detect.shared.page_parts import HiddenText, page_parts
from corpus_guard.detect.shared.plain_words import plain

_FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|``.{1,2000}?``|`[^`\n]{1,2000}`", re.DOTALL | re.MULTILINE)
_MARKDOWN = (
    ("image text", re.compile(r"!\[([^\]\[]{12,2000})\]\s?[(\[]")),
    ("title of a link", re.compile(r"\]\([^()\s]{0,500}\s+[\"']([^\"'\n]{12,2000})[\"']\)")),
    ("comment", re.compile(r"^ {0,3}\[(?://|comment|_)\]:\s*(?:#|<>)\s*[(\"'](.{12,2000}?)[)\"']\s*$", re.M)),
)
_ENCODED = re.compile(for_python(ENCODED))


class HiddenOrder(NamedTuple):
    """An order to a model and how it is hidden."""

    how: str
    order: Order


def hidden_orders(text: str, *, is_page: bool) -> Iterator[HiddenOrder]:
    """Yield the orders in what a text hides, but for those that its reader sees as well.

    In texts that are no pages, code is shown, and Markdown hides too.
    """
    markup = text if is_page else _FENCE.sub(" ", text) if "`" in text or "~~~" in text else text
    parts = page_parts(markup)
    pieces = [*parts.pieces, *(() if is_page else _in_markdown(markup))]
    found = [HiddenOrder(piece.how, order) for piece in pieces for order in _orders(piece)]
    if not found and len(pieces) > 1:
        whole = order_in(" ".join(piece.text for piece in pieces))
        if whole and whole.cues == "override":
            found = [HiddenOrder("several hidden places", whole)]
    if found:
        seen = plain(parts.visible)
        yield from (one for one in found if one.order.core not in seen)


def _in_markdown(text: str) -> Iterator[HiddenText]:
    for how, pattern in _MARKDOWN:
        for match in pattern.finditer(text):
            yield HiddenText(how, match[1])


def _orders(piece: HiddenText) -> Iterator[Order]:
    if len(piece.text) < 12:
        return
    if order := order_in(piece.text, piece.how):
        yield order
    if _ENCODED.search(piece.text):
        for _, _, how, inner in decoded_texts(piece.text):
            if order := order_in(inner):
                yield order._replace(cues=f"{order.cues}, in {how}")
