"""Tell what a file is: its format, its compression, or why it is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader, missing_extra
from corpus_guard.read.encodings import (
    AUTO,
    FEW,
    HEAD_BYTES,
    UTF8,
    Encoded,
    encoded,
    is_binary,
    is_broken,
    is_controlled,
    is_garbled,
    is_no_text,
)
from corpus_guard.read.opening import SUFFIXES, OpenFile, size_of
from corpus_guard.types import HubPath, SourceFile, Unread

COMPANIONS = ("readme", "license", "licence", "notice", "citation", "changelog", "contributing")
COMPANION_ENDINGS = ("", ".md", ".markdown", ".txt", ".rst", ".cff", ".bib")
OF_TOOLS = (".gitattributes", ".gitignore", ".gitkeep", ".ds_store", "thumbs.db", "desktop.ini",
            ".huggingface.yaml", "dataset_infos.json")  # fmt: skip
SCRIPTS = (".py", ".sh", ".ipynb", ".pkl", ".pickle", ".pt", ".bin", ".joblib")
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of UTF-16."""

BINARY = "a binary file of no known format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be read; `named` by the user, or found in a folder."""

    path: Path | HubPath
    name: str
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A file or folder that lies beside data but is none."""

    name: str


def is_companion(name: str) -> bool:
    """Say whether a file goes with data and is none: a licence, a README, a tool's own file."""
    plain = Path(name.lower())
    return plain.name in OF_TOOLS or (
        plain.stem in COMPANIONS and plain.suffix in COMPANION_ENDINGS
    )


def source_file(
    item: Candidate, index: int, options: ReadOptions, known: Mapping[str, Reader]
) -> SourceFile | Unread:
    """Return the file with its format and compression, or why it is left out."""
    size = 0
    try:
        size = size_of(item.path)
        with OpenFile(item.path) as opened:
            compression, head = opened.compression, opened.stream.read(HEAD_BYTES)
            if isinstance(item.path, HubPath) and not head and opened.failure:
                return left_out(item.name, size, opened.failure)
    except OSError as error:
        return left_out(item.name, size, why_closed(error))
    if not item.named and is_repeated(item.path, known):
        return left_out(item.name, size, "a cache of the data set beside it; name it to scan it")
    told = encoded(head, options.encoding)
    name = _format_of(item.name, head, told, known)
    if options.format != "auto" and (item.named or name or not _is_code(item.name)):
        name = options.format
    if name is None:
        return left_out(item.name, size, _why_no_format(item.name, head, told, options, known))
    is_text = known[name].is_text
    if why := _why_not(known[name], name, item.path, compression):
        return left_out(item.name, size, why)
    if is_text and (why := _why_no_text(name, head, told, options, known)):
        return left_out(item.name, size, why)
    if item.named and options.encoding != AUTO and not (is_text or known[name].archive):
        why = f"it is {name}, which has no encoding to be told; leave --encoding out"
        return left_out(item.name, size, why)
    return SourceFile(
        index=index,
        path=item.path,
        name=item.name,
        format=name,
        compression=compression,
        size_bytes=size,
        encoding=told.encoding if is_text else UTF8,
    )


def is_described(path: Path | HubPath, known: Mapping[str, Reader]) -> bool:
    """Say whether a file only describes the data beside it, as some format knows."""
    hooks = (reader.describes for reader in known.values())
    return isinstance(path, Path) and any(hook(path) for hook in hooks if hook)


def is_repeated(path: Path | HubPath, known: Mapping[str, Reader]) -> bool:
    """Say whether a file repeats the data beside it, as some format knows."""
    hooks = (reader.repeats for reader in known.values())
    return isinstance(path, Path) and any(hook(path) for hook in hooks if hook)


def _format_of(name: str, head: bytes, told: Encoded, known: Mapping[str, Reader]) -> str | None:
    """Return the format by magic bytes, by extension, or by the first bytes; None if none fits."""
    suffix = plain_name(name).suffix
    shown = [found for found, reader in known.items() if reader.shows(head)]
    if shown:
        return next((found for found in shown if suffix in known[found].extensions), shown[0])
    if _is_code(name):
        return None
    is_text = not is_no_text(told)
    begun = told.text.removeprefix(b"\xef\xbb\xbf").lstrip()
    for found, reader in known.items():
        if begun and is_text and reader.overrules is not None and reader.overrules(begun):
            return found
    for found, reader in known.items():
        if suffix in reader.extensions and not reader.always_shown:
            is_wide = reader.wide and head.startswith(WIDE_MARKS)
            is_plain = is_text if reader.is_text else not is_binary(head)
            return found if reader.binary or is_wide or is_plain else None
    if not is_text:
        return None
    for found, reader in known.items():
        is_left = reader.fallback and (not begun or is_companion(name))
        if is_left or (begun and reader.resembles is not None and reader.resembles(begun)):
            return found
    return None


def _why_not(reader: Reader, name: str, path: Path | HubPath, compression: str) -> str | None:
    """Return why a file cannot be read here although its format is known, or None."""
    if missing := missing_extra(reader):
        return f"{name} needs pip install '{missing}'"
    if reader.takes == "path" and isinstance(path, HubPath):
        return f"{name} is read from disk only; download the file and scan the copy"
    if reader.takes == "path" and compression != "none":
        return f"{name} is not read packed; unpack it first"
    return None


def _is_code(name: str) -> bool:
    return plain_name(name).suffix in SCRIPTS


def plain_name(name: str) -> Path:
    """Return a file's name in lower case, without the suffix of its compression."""
    plain = Path(name.lower())
    return plain.with_suffix("") if plain.suffix in SUFFIXES else plain


def _why_no_text(
    name: str, head: bytes, told: Encoded, options: ReadOptions, known: Mapping[str, Reader]
) -> str | None:
    """Return why a file cannot be read as text although it was asked for, or None."""
    if options.encoding == UTF8:  # whoever names both the format and UTF-8 has any bytes read
        return None
    for other, reader in known.items():
        if not reader.is_text and reader.shows(head):
            return f"it is {other}, and {name} is text; leave --format out"
    zeros = told.text.count(0)
    if zeros > max(FEW, len(head) // 50) or is_broken(told.text) or is_garbled(told):
        return _why_binary(told, options)
    return None


def _why_binary(told: Encoded, options: ReadOptions) -> str:
    if options.encoding != AUTO:
        return f"much of it is no text in {told.encoding}; leave --encoding out, or name another"
    if is_controlled(told.text):
        return BINARY
    return f"{BINARY}; if it is text, name its --encoding"


def _why_no_format(
    name: str, head: bytes, told: Encoded, options: ReadOptions, known: Mapping[str, Reader]
) -> str:
    if _is_code(name):
        return "code or a pickled object; never run or loaded, and no data format"
    for reader in known.values():
        for magic, why in reader.refused:
            if head.startswith(magic):
                return why
    if is_no_text(told):
        return _why_binary(told, options)
    return "no known format"


def why_closed(error: OSError) -> str:
    """Return why a file cannot be opened, in a few words."""
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be opened ({safe_text(error.strerror or str(error), 100)})"


def left_out(name: str, size: int, reason: str) -> Unread:
    """Return a whole file as one that was not read."""
    return Unread(file=name, kind="file", row=-1, byte_offset=0, size_bytes=size, reason=reason)
