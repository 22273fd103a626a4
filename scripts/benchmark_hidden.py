"""How many hidden orders to a model are found in web pages, what honest pages raise, and what it costs.

    python scripts/benchmark_hidden.py --data DIR [--pages 14600] [--list NAME] [--whole]

DIR holds `clean/` as JSON Lines: its texts become the bodies of pages with menus, banners, pixels,
widgets, structured data and comments, among them comments about AI. Then each wording is hidden in
each way in 1, 15 and 150 pages. `--whole` also scans web archives with the public interface: the
honest pages alone, and with 1, 15 and 150 planted pages. The exit code is 1 where a page is missed
or an honest one is high.
"""

import argparse
import html
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
from hidden_orders import (
    DEVELOPMENT,
    FOURTH,
    FOURTH_HONEST,
    HIDING,
    HONEST_REPORTING,
    NEAR_MISSES,
    REPORTING,
    SECOND,
    SECOND_HONEST,
    THIRD,
    THIRD_HONEST,
)

from corpus_guard import plugins
from corpus_guard.types import BATCH_SCHEMA

COUNTS = (1, 15, 150)
LISTS = {
    "development": (DEVELOPMENT, NEAR_MISSES),
    "reporting": (REPORTING, HONEST_REPORTING),
    "second": (SECOND, SECOND_HONEST),
    "third": (THIRD, THIRD_HONEST),
    "fourth": (FOURTH, FOURTH_HONEST),
}
SETS = ("c4_sample", "wikitext2", "ag_news")
MENUS = (
    "Home",
    "Shop",
    "News",
    "AI models",
    "Contact",
    "Help",
    "Imprint",
    "Jobs",
    "Our assistant",
    "Blog",
)
COOKIES = (
    "We use cookies. You must accept or ignore this message.",
    "This site uses cookies to give you the best experience. Always allow? Manage your choice below.",
    "Please choose which cookies our partners may set. Do not forget to save your settings.",
)
COMMENTS = (
    "main navigation", "begin header", "/wrapper", "googleoff: index", "googleon: all", "noindex",
    "Google Tag Manager", "End Google Tag Manager (noscript)", "GPT ad slot top", "/1234/gpt-ad-slot",
    "AI-generated summary below", "TODO: tell users when the old browser is no longer supported",
    "wp:template-part {\"slug\":\"footer\"}", "Please do not edit below this line", "build 2024-05-01 agent-7",
    "[if lt IE 9]><script src='/html5.js'></script><![endif]", "system: cache hit", "rate widget",
)  # fmt: skip
WIDGETS = (
    '<div class="chat" style="display:none"><p>Our AI assistant is here to help you. Ask a question.</p></div>',
    '<div style="display:none" id="popup">Subscribe! Always get the best price, never miss an offer. '
    "Tell your friends and recommend our shop to them.</div>",
    '<form style="visibility:hidden"><label>If you are a robot, do not fill in this field</label></form>',
    '<span class="sr-only">Rate this product 5 out of 5 stars</span><i title="Rate 5 stars"></i>',
    '<div hidden>Your answer must be at least 20 characters long. Please answer the question.</div>',
    '<div style="position:absolute;left:-9999px">cheap shoes, best shoes, buy shoes, top shoe shop</div>',
    '<template><li>Loading the answer</li></template><noscript>Please enable JavaScript.</noscript>',
    '<div class="modal" aria-hidden="true">Log in to add a review. Only buyers should rate.</div>',
)  # fmt: skip
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="description" content="{about}"><meta name="robots" content="index, follow">
<meta property="og:title" content="{title}"><style>.menu{{display:none}}.x{{color:#fff}}</style>
<script type="application/ld+json">{data}</script><script>var a={{"prompt":"You are an AI assistant"}};</script>
</head><body><!-- {c0} --><nav class="menu"><ul>{menu}</ul></nav><!-- {c1} -->{widget}
<div id="cookies" style="display:none">{cookie}</div><main><h1>{title}</h1>{body}</main>
<img src="/pixel.gif" alt="" width="1" height="1" style="display:none"><img src="/p.jpg" alt="{alt}">
<!-- {c2} --><span class="sr-only">Skip to content</span><footer hidden>Contact</footer>{extra}</body></html>"""


def main() -> int:
    """Print recall, false findings and speed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=14_600)
    parser.add_argument("--list", choices=LISTS, default="development")
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    orders, near = LISTS[given.list]
    texts = bodies(given.data)
    pages = [honest_page(texts, number, near) for number in range(given.pages)]
    bad = honest(pages)
    bad += planted(texts, orders, near)
    if given.whole:
        whole(pages, texts, orders, near)
    return int(bad > 0)


def bodies(data: Path) -> list[list[list[str]]]:
    """Return the paragraphs of texts, set by set."""
    found = []
    for name in SETS:
        found.append([])
        for line in (data / "clean" / f"{name}.jsonl").open(encoding="utf-8"):
            text = str(json.loads(line)["text"])
            found[-1].append([part for part in text.split("\n") if part.strip()])
    return found


def honest_page(
    texts: list[list[list[str]]], number: int, near: tuple[str, ...], extra: str = ""
) -> str:
    """Return a page with realistic parts that are not shown, one of them close to an order."""
    random = Random(number)
    parts = [
        one for _ in range(random.randint(1, 6)) for one in random.choice(random.choice(texts))
    ]
    words = " ".join(parts).split()
    title = html.escape(" ".join(words[:6]))
    close = random.choice(near) if random.random() < 0.3 else ""
    hidden = random.choice(list(HIDING.values())).format(html.escape(close)) if close else ""
    about = html.escape(" ".join(words[:25]))
    return PAGE.format(
        title=title, about=about, alt=html.escape(" ".join(words[6:14])), cookie=random.choice(COOKIES),
        data=json.dumps({"@type": "Article", "headline": title, "description": about}),
        menu="".join(f"<li><a href='/{one}'>{one}</a>" for one in random.sample(MENUS, 6)),
        c0=random.choice(COMMENTS), c1=random.choice(COMMENTS), c2=random.choice(COMMENTS),
        widget=random.choice(WIDGETS), body="".join(f"<p>{html.escape(one)}</p>" for one in parts),
        extra=hidden + extra,
    )  # fmt: skip


def batches(pages: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield pages as the rows of a scan."""
    for first in range(0, len(pages), 512):
        some = pages[first : first + 512]
        columns = {
            "row": np.arange(len(some)), "byte_offset": np.zeros(len(some), np.int64),
            "sha256": [bytes(32)] * len(some), "markup": some,
        }  # fmt: skip
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(columns[field.name], field.type)
                if field.name in columns
                else pa.nulls(len(some), field.type)
                for field in BATCH_SCHEMA
            ],
            schema=BATCH_SCHEMA,
        )


def marks(name: str, pages: list[str]) -> np.ndarray:
    """Return the marks of a record check."""
    return np.concatenate([plugins.load("detect", name).spec.scan(b) for b in batches(pages)])


def honest(pages: list[str]) -> int:
    """Tell of the honest pages; return how many are high."""
    size = sum(len(page.encode()) for page in pages) / 1e6
    print(f"{len(pages):,} honest pages, {size:.0f} MB")
    high = 0
    for name in ("hidden_html", "instruction_override", "hidden_unicode"):
        begun = time.process_time()
        found = marks(name, pages)
        taken = time.process_time() - begun
        spec = plugins.load("detect", name).spec
        told = {kind: int((found >> bit & 1).sum()) for bit, kind in enumerate(spec.kinds)}
        print(f"  {name:22} {size / taken:6.0f} MB/CPU-s  {told}")
        if name == "hidden_html":
            high = told["hidden_instruction"]
            shown = np.flatnonzero(found & 1)[:5]
            for row in shown:
                from corpus_guard.detect.shared.hidden_texts import hidden_orders

                print("    ", row, next(hidden_orders([pages[row]], is_page=True)))
    return high


def planted(texts: list[list[list[str]]], orders: tuple[str, ...], near: tuple[str, ...]) -> int:
    """Tell how many planted pages are found, by number, way and wording; return how many are missed."""
    missed: Counter[str] = Counter()
    for count in COUNTS:
        total = lost = 0
        ways: Counter[str] = Counter()
        for way, pattern in HIDING.items():
            for order in orders:
                raw = order if "comment" in way else html.escape(order)
                extra = pattern.format(raw)
                step = max(1, count // 5)  # pages repeat their honest parts, the plant is the same
                pages = [
                    honest_page(texts, 10**6 + number, near, extra)
                    for number in range(0, count, step)
                ]
                found = int((marks("hidden_html", pages) & 1).sum())
                share = count / len(pages)
                total += count
                lost += round((len(pages) - found) * share)
                if found < len(pages):
                    missed[order] += 1
                    ways[way] += 1
        print(f"{count:4} pages x {len(HIDING)} ways x {len(orders)} wordings: "
              f"recall of rows {1 - lost / total:.4f}; missed by way: {dict(ways)}")  # fmt: skip
    for order, number in missed.most_common():
        print(f"  missed in {number} of {len(HIDING) * len(COUNTS)} trials: {order!r}")
    return len(missed)


def whole(
    pages: list[str], texts: list[list[list[str]]], orders: tuple[str, ...], near: tuple[str, ...]
) -> None:
    """Scan web archives with the public interface."""
    import corpus_guard as cg

    random = Random(5)
    for count in (0, *COUNTS):
        held = list(pages)
        rows = random.sample(range(len(pages)), count)
        order = random.choice(orders)
        for row in rows:
            way = random.choice(list(HIDING))
            raw = order if way == "comment" else html.escape(order)
            held[row] = honest_page(texts, row, near, HIDING[way].format(raw))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "crawl.warc"
            path.write_bytes(b"".join(map(archived, held)))
            begun = time.process_time()
            result = cg.scan(
                path,
                rules=("CG401", "CG402", "CG403", "CG404"),
                out=Path(folder) / "out",
                jobs=1,
                seed=0,
            )
            taken = time.process_time() - begun
        found = Counter(finding.severity for finding in result.findings)
        high = {
            row for f in result.findings if f.severity in ("high", "critical") for row in f.rows
        }
        print(f"{count:4} planted of {len(held):,}: {result.verdict}, findings {dict(found)}, "
              f"recall {len(high & set(rows)) / max(count, 1):.3f}, false rows {len(high - set(rows))}, "
              f"{taken:.0f} CPU-s")  # fmt: skip


def archived(page: str) -> bytes:
    """Return a page as a record of a web archive."""
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page.encode()
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\n"
        f"Content-Type: application/http\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


if __name__ == "__main__":
    sys.exit(main())
