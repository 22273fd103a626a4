"""From what the user names to a list of files, with everything that was left out and why."""

import glob
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader
from corpus_guard.read.opening import SUFFIXES, OpenFile, sniff_compression
from corpus_guard.types import SourceFile, Unread

HEAD_BYTES = 65_536
COMPANIONS = ("readme", "license", "licence", "notice", "citation", ".gitattributes", ".gitignore")
SCRIPTS = (".py", ".sh", ".ipynb", ".pkl", ".pickle", ".pt", ".bin", ".joblib")
FORMATS_HINT = "give a jsonl, json, csv, tsv, parquet or text file, or name its --format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The files of a target and what was left out; `name` is what the target is called."""

    name: str
    files: tuple[SourceFile, ...]
    unread: tuple[Unread, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    path: Path
    name: str
    named: bool  # by the user, not found in a folder


def resolve_targets(targets: Sequence[str], options: ReadOptions, scratch: Path) -> Resolved:
    """Return the files that the targets stand for: files, folders, globs, `-` for stdin.

    Raises UsageError for a target that does not exist and UnreadableTarget when nothing can be read.
    """
    known = {
        name: p.spec for name, p in plugins.load_all("read").items() if isinstance(p.spec, Reader)
    }
    if options.format != "auto" and options.format not in known:
        wanted, listed = safe_text(options.format, 40), ", ".join(known)
        raise UsageError(f'format "{wanted}" is not known; give auto or one of {listed}')
    files: list[SourceFile] = []
    unread: list[Unread] = []
    for target in targets:
        for item in _candidates(target, scratch, several=len(targets) > 1):
            if isinstance(item, Unread):
                unread.append(item)
                continue
            found = _source_file(item, len(files), options, known)
            if isinstance(found, Unread):
                if item.named:
                    shown = safe_text(item.name, 200)
                    raise UnreadableTarget(
                        f"{shown} cannot be scanned: {found.reason}; {FORMATS_HINT}"
                    )
                unread.append(found)
            else:
                files.append(found)
    name = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
    if not any(file.size_bytes for file in files):
        raise UnreadableTarget(_nothing(name, files, unread))
    return Resolved(
        name="<stdin>" if name == "-" else name, files=tuple(files), unread=tuple(unread)
    )


def _nothing(name: str, files: Sequence[SourceFile], unread: Sequence[Unread]) -> str:
    shown = safe_text(name, 200)
    if files:
        return f"{shown} is empty; there is nothing to scan"
    if unread:
        first = f"{safe_text(unread[0].file, 200)}: {unread[0].reason}"
        return f"{shown} holds nothing that can be scanned ({first}); {FORMATS_HINT}"
    return f"{shown} holds no files; {FORMATS_HINT}"


def _candidates(target: str, scratch: Path, *, several: bool) -> Iterator[_Candidate | Unread]:
    if target == "-":
        path = scratch / "stdin"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield _Candidate(path=path, name="<stdin>", named=True)
        return
    path = Path(target)
    if path.is_dir():
        yield from _in_folder(path)
    elif path.is_file():
        yield _Candidate(path=path, name=target if several else path.name, named=True)
    elif path.exists():
        raise UnreadableTarget(
            f"{safe_text(target, 200)} is neither a file nor a folder; give one of these"
        )
    elif matches := sorted(glob.glob(target, recursive=True)):  # noqa: PTH207  # the pattern may be absolute
        for match in matches:
            if Path(match).is_file():
                yield _Candidate(path=Path(match), name=match, named=False)
    else:
        raise UnreadableTarget(_missing(target))


def _missing(target: str) -> str:
    shown = safe_text(target, 200)
    if target.startswith("hf://") or (
        target.count("/") == 1 and "." not in target and "*" not in target
    ):
        return (
            f"{shown} is no file here, and data sets on a hub are not supported yet; "
            "download its files and give their folder"
        )
    if any(mark in target for mark in "*?["):
        return f"no file matches {shown}; check the pattern and quote it for the shell"
    return f"{shown} does not exist; check the path"


def _in_folder(folder: Path) -> Iterator[_Candidate | Unread]:
    root = folder.resolve()
    for path in sorted(folder.rglob("*"), key=lambda item: item.relative_to(folder).as_posix()):
        relative = path.relative_to(folder)
        if any(part in (".git", ".corpus_guard", "__pycache__") for part in relative.parts):
            continue
        name = relative.as_posix()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            yield _left_out(name, 0, "a symbolic link out of the target; not followed")
        elif path.is_file():
            yield _Candidate(path=path, name=name, named=False)
        elif not path.is_dir():
            yield _left_out(name, 0, "not a regular file")


def _source_file(
    item: _Candidate, index: int, options: ReadOptions, known: dict[str, Reader]
) -> SourceFile | Unread:
    """Return the file with its format and compression, or why it is left out."""
    try:
        size = item.path.stat().st_size
        with item.path.open("rb") as raw:
            compression = sniff_compression(raw.read(16))
        with OpenFile(item.path, compression) as opened:
            head = opened.stream.read(HEAD_BYTES)
    except PermissionError:
        return _left_out(item.name, 0, "no permission to read it")
    except OSError as error:
        return _left_out(
            item.name, item.path.stat().st_size, f"cannot be opened ({safe_text(str(error), 100)})"
        )
    name = options.format if options.format != "auto" else _format_of(item.name, head, known)
    if name is None:
        return _left_out(item.name, size, _why_no_format(item.name, head))
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
    plain = Path(name.lower())
    if plain.suffix in SUFFIXES:
        plain = plain.with_suffix("")
    if plain.suffix in SCRIPTS:
        return None
    if head and _is_binary(head):
        return None
    for format_name, reader in known.items():
        if plain.suffix in reader.extensions and format_name != "parquet":
            return format_name
    if plain.name.startswith(COMPANIONS):
        return "text"
    return _by_content(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def _by_content(head: bytes) -> str | None:
    if not head:
        return "text"
    if head[:1] == b"[":
        return "json"
    if head[:1] == b"{":
        return "jsonl" if head.split(b"\n", 1)[0].rstrip().endswith(b"}") else "json"
    return None


def _is_binary(head: bytes) -> bool:
    """Say whether bytes are no text: many control characters, or invalid UTF-8 throughout."""
    control = sum(head.count(bytes([code])) for code in range(9)) + sum(
        head.count(bytes([code])) for code in range(14, 32) if code != 27
    )
    broken = head.decode("utf-8", "replace").count("�")
    return control > len(head) // 50 or broken > len(head) // 5


def _why_no_format(name: str, head: bytes) -> str:
    if Path(name.lower()).suffix in SCRIPTS:
        return "code or a pickled object; never run or loaded, and no data format"
    return "a binary file of no known format" if _is_binary(head) else "no known format"


def _left_out(name: str, size: int, reason: str) -> Unread:
    return Unread(file=name, kind="file", row=-1, byte_offset=0, size_bytes=size, reason=reason)
