"""Tell what a file is: its format, its compression, or why it is left out."""

from dataclasses import dataclass
from pathlib import Path

from corpus_guard.config import ReadOptions
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader, missing_extra
from corpus_guard.read.arrow_messages import FEATHER_V1, FEATHER_V1_REASON, is_arrow
from corpus_guard.read.opening import SUFFIXES, OpenFile, size_of
from corpus_guard.read.saved_datasets import is_cache
from corpus_guard.types import HubPath, SourceFile, Unread

HEAD_BYTES = 65_536
COMPANIONS = ("readme", "license", "licence", "notice", "citation", "changelog", "contributing")
COMPANION_ENDINGS = ("", ".md", ".markdown", ".txt", ".rst", ".cff", ".bib")
OF_TOOLS = (".gitattributes", ".gitignore", ".gitkeep", ".ds_store", "thumbs.db", "desktop.ini",
            ".huggingface.yaml", "dataset_infos.json")  # fmt: skip
SCRIPTS = (".py", ".sh", ".ipynb", ".pkl", ".pickle", ".pt", ".bin", ".joblib")
BY_CONTENT = ("parquet", "arrow")
"""Formats whose files show what they are, whatever they are called."""

FEW_BYTES = 4
"""So many odd bytes alone make no file binary, however short it is."""


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
    item: Candidate, index: int, options: ReadOptions, known: dict[str, Reader]
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
    if not item.named and isinstance(item.path, Path) and is_cache(item.path):
        return left_out(item.name, size, "a cache of the data set beside it; name it to scan it")
    name = _format_of(item.name, head, known)
    if options.format != "auto" and (item.named or name or not _is_code(item.name)):
        name = options.format
    if name is None:
        return left_out(item.name, size, _why_no_format(item.name, head))
    if missing := missing_extra(known[name]):
        return left_out(item.name, size, f"{name} needs pip install '{missing}'")
    return SourceFile(
        index=index,
        path=item.path,
        name=item.name,
        format=name,
        compression=compression,
        size_bytes=size,
    )


def _format_of(name: str, head: bytes, known: dict[str, Reader]) -> str | None:
    """Return the format by magic bytes, by extension, or by the first bytes; None if none fits."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if is_arrow(head):
        return "arrow"
    plain = plain_name(name)
    if head.startswith(b"WARC/"):
        return "wet" if plain.suffix == ".wet" else "warc"
    if _is_code(name):
        return None
    if head and _is_binary(head) and not _is_wide_page(plain, head):
        return None
    for format_name, reader in known.items():
        if plain.suffix in reader.extensions and format_name not in BY_CONTENT:
            return format_name
    if is_companion(name):
        return "text"
    return _by_content(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def _is_wide_page(plain: Path, head: bytes) -> bool:
    """Say whether a file is a web page in UTF-16, which looks binary."""
    return plain.suffix in (".html", ".htm", ".xhtml") and head[:2] in (b"\xff\xfe", b"\xfe\xff")


def _is_code(name: str) -> bool:
    return plain_name(name).suffix in SCRIPTS


def plain_name(name: str) -> Path:
    """Return a file's name in lower case, without the suffix of its compression."""
    plain = Path(name.lower())
    return plain.with_suffix("") if plain.suffix in SUFFIXES else plain


def _by_content(head: bytes) -> str | None:
    if not head:
        return "text"
    if head[:1] == b"[":
        return "json"
    if head[:1] == b"{":
        return "jsonl" if head.split(b"\n", 1)[0].rstrip().endswith(b"}") else "json"
    if head[:14].lower() == b"<!doctype html" or head[:5].lower() == b"<html":
        return "html"
    return None


def _is_binary(head: bytes) -> bool:
    """Say whether bytes are no text: many control characters, or invalid UTF-8 throughout."""
    control = sum(head.count(bytes([code])) for code in range(9)) + sum(
        head.count(bytes([code])) for code in range(14, 32) if code != 27
    )
    broken = head.decode("utf-8", "replace").count("�")
    return control > max(FEW_BYTES, len(head) // 50) or broken > max(FEW_BYTES, len(head) // 5)


def _why_no_format(name: str, head: bytes) -> str:
    if _is_code(name):
        return "code or a pickled object; never run or loaded, and no data format"
    if head.startswith(FEATHER_V1):
        return FEATHER_V1_REASON
    if head.startswith(b"PARE"):
        return "an encrypted Parquet file; decrypt it first"
    return "a binary file of no known format" if _is_binary(head) else "no known format"


def why_closed(error: OSError) -> str:
    """Return why a file cannot be opened, in a few words."""
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be opened ({safe_text(error.strerror or str(error), 100)})"


def left_out(name: str, size: int, reason: str) -> Unread:
    """Return a whole file as one that was not read."""
    return Unread(file=name, kind="file", row=-1, byte_offset=0, size_bytes=size, reason=reason)
