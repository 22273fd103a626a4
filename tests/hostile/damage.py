"""Records and files that are damaged: what is good around the damage must still be scanned."""

import json
from collections.abc import Iterator

from .case import GOOD, Case
from .containers import CONTAINERS, cells_around, elements_around, lines_around, rows_around


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """Return a record that holds a value so deep."""
    return b'{"text": ' + opening * depth + b'"deep"' + closing * depth + b"}"


def keys(count: int) -> bytes:
    return json.dumps({f"key {number}": "v" for number in range(count)}).encode()


BROKEN: dict[str, bytes] = {
    "a cut string": b'{"text": "cut o',
    "a cut key": b'{"te',
    "a cut number": b'{"text": 1',
    "an empty object cut": b"{",
    "no colon": b'{"text" "x"}',
    "no comma": b'{"text": "x" "label": 1}',
    "single quotes": b"{'text': 'x'}",
    "no quotes": b"{text: x}",
    "a number of 5,000 digits": b'{"text": "a", "x": ' + b"9" * 5000 + b"}",
    "a bad escape": b'{"text": "\\q"}',
    "a bad code point": b'{"text": "\\u12"}',
    "a comment": b"// just a comment",
    "a word": b"nothing",
    "a closing brace too many": b'{"text": "x"}}',
    "a bracket of the wrong kind": b'{"text": ["x"}',
    "a literal in capitals": b'{"text": TRUE}',
    "a leading zero": b'{"text": 01}',
    "a plus sign": b'{"text": +1}',
    "hexadecimal": b'{"text": 0x1F}',
    "Python's None": b'{"text": None}',
    "a trailing comma": b'{"text": "x",}',
    "a NUL between": b'{"text": \x00"x"}',
    "an unescaped quote": b'{"text": "a " b"}',
}
"""Lines that are no JSON; each is one lost record."""

ODD: dict[str, bytes] = {
    "an invalid byte": b'{"text": "a \xff b"}',
    "an overlong sequence": b'{"text": "a \xc0\xaf b"}',
    "a cut sequence": b'{"text": "a \xe2\x82"}',
    "an encoded surrogate": b'{"text": "a \xed\xa0\x80 b"}',
    "raw control characters": b'{"text": "a \x01\x02\x1b b"}',
    "NaN": b'{"text": "a", "x": NaN}',
    "Infinity": b'{"text": "a", "x": -Infinity}',
    "an exponent without end": b'{"text": "a", "x": 1e99999999}',
    "a string instead of a record": b'"only text"',
    "a number instead of a record": b"17",
    "null instead of a record": b"null",
    "a list instead of a record": b'["a", "b"]',
    "an empty record": b"{}",
    "an empty list": b"[]",
    "an empty key": b'{"": "x", "text": "a"}',
    "null in every field": b'{"text": null, "label": null}',
    "a record where a text is due": b'{"text": {"text": {"text": "a"}}}',
    "a list where a text is due": b'{"text": ["a", 1, null, {"b": []}]}',
    "a number where a text is due": b'{"text": 3.25}',
    "a flag where a text is due": b'{"text": true}',
    "nesting of 200": nested(200),
    "9,000 keys": keys(9_000),
}
"""Lines that are read whole."""

PARTLY: dict[str, bytes] = {
    "nesting of 300": nested(300),
    "nesting of 30,000": nested(30_000),
    "nesting of 100,000": nested(100_000),
    "nested objects, 30,000": nested(30_000, b'{"a":', b"}"),
    "50,000 keys": keys(50_000),
}
"""Lines that are scanned up to a limit."""


def _json_cases() -> Iterator[Case]:
    for name, line in BROKEN.items():
        yield Case(
            name=f"{name} in JSON lines", file="data.jsonl", whole=False,
            make=lambda line=line: lines_around(line), reason="malformed",
        )  # fmt: skip
    for name, line in {**ODD, **PARTLY}.items():
        whole = name in ODD
        yield Case(
            name=f"{name} in JSON lines", file="data.jsonl", whole=whole,
            make=lambda line=line: lines_around(line),
        )  # fmt: skip
        yield Case(
            name=f"{name} in a JSON array", file="data.json", whole=whole,
            make=lambda line=line: elements_around(line),
        )  # fmt: skip
    for name in ("no colon", "single quotes", "a word", "a bad escape", "a literal in capitals",
                 "a trailing comma", "Python's None", "a NUL between", "no quotes",
                 "a number of 5,000 digits"):  # fmt: skip
        yield Case(
            name=f"{name} in a JSON array", file="data.json", whole=False,
            make=lambda line=BROKEN[name]: elements_around(line),
        )  # fmt: skip
    for name in ("a cut string", "a cut key", "an unescaped quote", "a bracket of the wrong kind",
                 "an empty object cut"):  # fmt: skip
        yield Case(  # what follows may be lost with it, but not unsaid
            name=f"{name} in a JSON array", file="data.json", whole=False, kept=GOOD[:2],
            make=lambda line=BROKEN[name]: elements_around(line),
        )  # fmt: skip
    for name, line in {
        "a repeated key": b'{"text": "benign", "text": "EVIL"}',
        "a key repeated in another spelling": b'{"text": "benign", "\\u0074ext": "EVIL"}',
        "a repeated key deep inside": b'{"text": "a", "x": {"y": 1, "y": 2}}',
    }.items():
        yield Case(
            name=f"{name} in JSON lines", file="data.jsonl", rules=("CG405",),
            make=lambda line=line: lines_around(line),
        )  # fmt: skip
        yield Case(
            name=f"{name} in a JSON array", file="data.json", rules=("CG405",),
            make=lambda line=line: elements_around(line),
        )  # fmt: skip


def _file_cases() -> Iterator[Case]:
    good = lines_around()
    array = elements_around(b'{"text": "x"}')
    files: dict[str, tuple[str, bytes, bool, tuple[str, ...]]] = {
        "two records on a line": (
            "data.jsonl", lines_around(b'{"text": "a"} {"text": "b"}'), True, (*GOOD, "a", "b")),
        "records without line ends": ("data.jsonl", good.replace(b"\n", b""), True, GOOD),
        "a byte order mark": ("data.jsonl", b"\xef\xbb\xbf" + good, True, GOOD),
        "blank lines": ("data.jsonl", good.replace(b"\n", b"\n\r\n \n\t\n"), True, GOOD),
        "carriage returns": ("data.jsonl", good.replace(b"\n", b"\r\n"), True, GOOD),
        "200,000 line ends": ("data.jsonl", good + b"\n" * 200_000, True, GOOD),
        "NULs behind the end": ("data.jsonl", good + b"\x00" * 5000, None, GOOD),
        "a page of NULs inside": (
            "data.jsonl", lines_around(b"\x00" * 4096), None, GOOD),
        "no last line end": ("data.jsonl", good.rstrip(b"\n"), True, GOOD),
        "cut in the last record": ("data.jsonl", good[:-10], False, GOOD[:3]),
        "an array never closed": ("data.json", array.rstrip(b"]\n"), True, GOOD),
        "an array closed twice": ("data.json", array + b"]", True, GOOD),
        "two arrays": ("data.json", array + array, True, GOOD),
        "an array of arrays": ("data.json", b"[" + array + b"]", True, ()),
        "an array without commas": (
            "data.json", array.replace(b",\n", b"\n"), True, GOOD),
        "an array with trailing commas": ("data.json", array.replace(b"\n]", b",\n]"), True, GOOD),
        "an array behind a mark": ("data.json", b"\xef\xbb\xbf" + array, True, GOOD),
        "a wrapped array": ("data.json", b'{"data": ' + array + b"}", True, GOOD),
        "JSON lines called JSON": ("data.json", good, True, GOOD),
        "an array called JSON lines": ("data.jsonl", array, True, GOOD),
        "100,000 opening brackets": ("data.json", b"[" * 100_000, False, ()),
        "UTF-16 lines": ("data.jsonl", good.decode().encode("utf-16"), True, GOOD),
        "UTF-32 array": ("data.json", array.decode().encode("utf-32"), True, GOOD),
        "UTF-16 lines with half a character at the end": (
            "data.jsonl", good.decode().encode("utf-16-le") + b"\0", False, GOOD),
        "UTF-16 lines with half a surrogate": (
            "data.jsonl", good.decode().encode("utf-16") + "\n".join(
                ['{"text": "\ud800"}', ""]).encode("utf-16-le", "surrogatepass"), True, GOOD),
        "UTF-16 lines before many NULs": (
            "data.jsonl", good.decode().encode("utf-16") + bytes(400_000), None, ()),
        "only blanks": ("data.jsonl", b" \n\t\n", None, ()),
        "only a mark": ("data.jsonl", b"\xef\xbb\xbf", None, ()),
        "nothing": ("data.jsonl", b"", None, ()),
        "random bytes called JSON lines": (
            "data.jsonl", bytes((i * 7919 + i // 13) % 256 for i in range(9000)), None, ()),
    }  # fmt: skip
    for name, (file, data, whole, kept) in files.items():
        yield Case(name=name, file=file, make=lambda data=data: data, whole=whole, kept=kept)
    long = b'{"text": "' + b"word " * 60_000 + b'"}'
    yield Case(
        name="a record over the limit in JSON lines", file="data.jsonl", whole=False,
        make=lambda: lines_around(long), max_record="100KiB", reason="larger than --max-record",
    )  # fmt: skip
    yield Case(
        name="a record over the limit in a JSON array", file="data.json", whole=False,
        make=lambda: elements_around(long), max_record="100KiB", reason="larger than --max-record",
    )  # fmt: skip


def _table_cases() -> Iterator[Case]:
    rows: dict[str, tuple[bytes, bool]] = {
        "a quote never closed": (b'"never closed,x', True),
        "a quote inside a cell": (b'a "quoted" word,x', True),
        "a quote behind a quoted cell": (b'"a" b,x', True),
        "too many cells": (b"a,b,c,d,e", True),
        "too few cells": (b"a", True),
        "an empty row": (b",", True),
        "a NUL": (b"a \x00 b,x", True),
        "an invalid byte": (b"a \xff b,x", True),
        "a line break in a cell": (b'"a\nb\r\nc",x', True),
        "a cell of 300 KB": (b"w " * 150_000 + b",x", True),
        "a million quotes": (b'"' * 1_000_000 + b",x", True),
        "10,000 cells": (b"," * 10_000, True),
        "a carriage return alone": (b"a\rb,x", True),
        "a sub-delimiter": (b"a;b|c,x", True),
    }
    for name, (row, whole) in rows.items():
        for ending, delimiter in (("csv", b","), ("tsv", b"\t")):
            changed = row.replace(b",", delimiter)
            yield Case(
                name=f"{name} in a table, {ending}", file=f"data.{ending}", whole=whole,
                make=lambda row=changed, by=delimiter: cells_around(row, delimiter=by),
                kept=GOOD if name not in ("a quote never closed",) else GOOD[:2],
            )  # fmt: skip
    for name, header in {
        "a name twice": b"text,text",
        "names without text": b",",
        "a mark before the names": b"\xef\xbb\xbftext,label",
        "an escape sequence as a name": b"text,\x1b[2J",
        "quoted names": b'"text","label"',
    }.items():
        yield Case(
            name=f"{name} in a table's head", file="data.csv",
            make=lambda header=header: cells_around(b"a,b", header=header),
            kept=() if name in ("a name twice", "names without text") else GOOD,
        )  # fmt: skip
    yield Case(name="only a head", file="data.csv", make=lambda: b"text,label\n", whole=None)
    yield Case(
        name="2,000 columns", file="data.csv", kept=(),
        make=lambda: b",".join(b"c%d" % n for n in range(2000)) + b"\n" + b"," * 1999 + b"\n",
    )  # fmt: skip


def _text_cases() -> Iterator[Case]:
    lines = [text.encode() for text in GOOD]
    for name, middle in {
        "a NUL": b"a \x00 b",
        "invalid bytes": b"a \xff\xfe b",
        "a line of 300 KB": b"w " * 150_000,
        "only control characters": b"\x01\x02\x03",
        "a form feed": b"a\x0cb",
    }.items():
        yield Case(
            name=f"{name} in plain text", file="data.txt",
            make=lambda middle=middle: b"\n".join([*lines[:2], middle, *lines[2:], b""]),
        )  # fmt: skip
    yield Case(
        name="a line over the limit in plain text", file="data.txt", whole=False,
        make=lambda: b"\n".join([*lines[:2], b"word " * 60_000, *lines[2:], b""]),
        max_record="100KiB", reason="larger than --max-record",
    )  # fmt: skip
    yield Case(name="binary called text", file="data.txt", whole=None,
               make=lambda: bytes(range(256)) * 50)  # fmt: skip


def _other_names() -> Iterator[Case]:
    good = CONTAINERS["jsonl"](rows_around())
    for file in ("data", "data.unknown", "DATA.JSONL", "data.json", "ünï çødé.jsonl",
                 "=cmd.jsonl", "-rf.jsonl", "a b\tc.jsonl", "[bold].jsonl", "$(x).jsonl",
                 "new\nline.jsonl", "esc\x1b[2J.jsonl", "rtl\u202e.jsonl",
                 "x" * 200 + ".jsonl"):  # fmt: skip
        yield Case(name=f"a file called {file!r}", file=file, make=lambda: good)


def cases() -> Iterator[Case]:
    """Yield all damaged inputs."""
    yield from _json_cases()
    yield from _file_cases()
    yield from _table_cases()
    yield from _text_cases()
    yield from _other_names()
