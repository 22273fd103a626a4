"""From what the user names to a list of files, with everything that was left out and why."""

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader
from corpus_guard.read.arrow_messages import FEATHER_V1, FEATHER_V1_REASON, is_arrow
from corpus_guard.read.opening import SUFFIXES, OpenFile, sniff_compression
from corpus_guard.read.saved_datasets import is_cache, is_description
from corpus_guard.types import SourceFile, Unread

_PATTERN = re.compile(r"[*?\[]")
HEAD_BYTES = 65_536
BY_CONTENT = ("parquet", "arrow")
"""Formats whose files show what they are, whatever they are called."""

COMPANIONS = ("readme", "license", "licence", "notice", "citation", ".gitattributes", ".gitignore")
SCRIPTS = (".py", ".sh", ".ipynb", ".pkl", ".pickle", ".pt", ".bin", ".joblib")
FEW_BYTES = 4
"""So many odd bytes alone make no file binary, however short it is."""

PASSED_OVER = (".git", ".corpus_guard", "__pycache__")
FORMATS_HINT = "give a jsonl, json, csv, tsv, parquet, arrow or text file, or name its --format"


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
    if targets.count("-") > 1:
        raise UsageError("- stands for the standard input, which can be read only once")
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
            if not item.named and is_description(item.path):
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
    name = "<stdin>" if name == "-" else _storable(name)
    return Resolved(name=name, files=tuple(files), unread=tuple(unread))


def _nothing(name: str, files: Sequence[SourceFile], unread: Sequence[Unread]) -> str:
    shown = safe_text(name, 200)
    if files and not unread:
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
    path, shown = Path(target), safe_text(target, 200)
    shown_from = None if several else path
    try:
        mode = path.stat().st_mode if target else 0
    except PermissionError:
        raise UnreadableTarget(f"there is no permission to look at {shown}; change it") from None
    except (OSError, ValueError):  # it does not exist, or no file can be called that
        mode = 0
    if stat.S_ISDIR(mode):
        yield from _sorted_out(_walk(path, shown_from), path, shown_from)
    elif stat.S_ISREG(mode):
        yield _Candidate(path=path, name=_storable(target if several else path.name), named=True)
    elif mode:
        raise UnreadableTarget(f"{shown} is neither a file nor a folder; give one of these")
    elif _PATTERN.search(target) and (matches := _matches(target)):
        yield from matches
    else:
        raise UnreadableTarget(_missing(target))


def _missing(target: str) -> str:
    shown = safe_text(target, 200)
    if not target:
        return "a target is an empty text; give a file or a folder (. is the current one)"
    if target.startswith("hf://") or (
        target.count("/") == 1 and "." not in target and "*" not in target
    ):
        return (
            f"{shown} is no file here, and data sets on a hub are not supported yet; "
            "download its files and give their folder"
        )
    if _PATTERN.search(target):
        return f"no file matches {shown}; check the pattern and quote it for the shell"
    return f"{shown} does not exist; check the path"


def _matches(pattern: str) -> list[_Candidate | Unread]:
    """Return what a pattern stands for: files, and the files of folders, as a shell would give them.

    Unlike in the `glob` module, `**` follows no symbolic links: two that lead up would have no end.
    """
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in Path(pattern).parts]
    fixed = next(place for place, part in enumerate(parts) if _PATTERN.search(part))
    deep = parts.index("**") if "**" in parts else len(parts)
    base, head, rest = Path(*parts[:fixed]), tuple(parts[fixed:deep]), tuple(parts[deep:])
    found: list[Path | Unread] = []
    for start in base.glob("/".join(head)) if head else [base]:
        if not _is_meant(start.relative_to(base).parts, head):
            continue
        if _is_folder(start) and (start == base or not start.is_symlink()):
            found += [
                item
                for item in _walk(start, None)
                if isinstance(item, Unread) or _is_meant(item.relative_to(start).parts, rest)
            ]
        elif not rest or _is_folder(start):
            found.append(start)
    return _sorted_out(found, base, None)


def _is_meant(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Say whether a path or a folder above it fits a pattern; `*` stands for no hidden name."""
    if not parts or not names:
        return not parts
    if parts[0] == "**":
        hidden = (place for place, name in enumerate(names) if name.startswith("."))
        last = next(hidden, len(names) - 1)
        return any(_is_meant(names[place:], parts[1:] or ("*",)) for place in range(last + 1))
    if names[0].startswith(".") and not parts[0].startswith("."):
        return False
    return fnmatchcase(names[0], parts[0]) and _is_meant(names[1:], parts[1:])


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):  # it is not there, or must not be looked at
        return False


def _walk(folder: Path, shown_from: Path | None) -> Iterator[Path | Unread]:
    """Yield everything below a folder that is no folder itself, and what of it is closed."""
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            for path in here.iterdir():
                if path.name in PASSED_OVER:
                    continue
                if stat.S_ISDIR(path.lstat().st_mode):
                    pending.append(path)
                else:
                    yield path
        except OSError as error:
            yield _left_out(_shown(here, shown_from), 0, _why_closed(error))


def _sorted_out(
    found: Iterable[Path | Unread], base: Path, shown_from: Path | None
) -> list[_Candidate | Unread]:
    """Return the files among some paths once each, and what is left out, by name.

    A link to what is read anyway is passed over; one that leads out of `base` is never followed.
    """
    found = list(found)
    items: list[_Candidate | Unread] = [item for item in found if isinstance(item, Unread)]
    ends = _ends(item for item in found if isinstance(item, Path))
    root, read_folders = Path(os.path.realpath(base)), _with_parents(ends)
    seen: set[tuple[Path, str]] = set()
    for path, end in sorted(ends.items(), key=lambda item: (item[0].is_symlink(), item[0])):
        name, same = _shown(path, shown_from), (end, _plain(path.name).suffix)
        if not end.is_relative_to(root):
            items.append(_left_out(name, 0, "a symbolic link out of the target; not followed"))
        elif same not in seen and end not in read_folders:
            items.append(_file_at(path, name))
        seen.add(same)
    return sorted(items, key=_name_of)


def _ends(paths: Iterable[Path]) -> dict[Path, Path]:
    """Return where the paths lead when every link is followed."""
    found = list(paths)
    folders = {folder: Path(os.path.realpath(folder)) for folder in {path.parent for path in found}}
    return {
        path: Path(os.path.realpath(path))
        if path.is_symlink()
        else folders[path.parent] / path.name
        for path in found
    }


def _with_parents(ends: dict[Path, Path]) -> set[Path]:
    """Return the folders in which the paths themselves lie, and all above these."""
    folders: set[Path] = set()
    for path, end in ends.items():
        above = end.parent
        while not path.is_symlink() and above not in folders:
            folders.add(above)
            above = above.parent
    return folders


def _file_at(path: Path, name: str) -> _Candidate | Unread:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return _left_out(name, 0, _why_closed(error))
    if stat.S_ISREG(mode):
        return _Candidate(path=path, name=name, named=False)
    is_folder = stat.S_ISDIR(mode)  # which is reached by a link, and nothing in it is read
    return _left_out(name, 0, "a link to a folder" if is_folder else "not a regular file")


def _why_closed(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be opened ({safe_text(error.strerror or str(error), 100)})"


def _shown(path: Path, shown_from: Path | None) -> str:
    return _storable((path.relative_to(shown_from) if shown_from else path).as_posix())


def _storable(name: str) -> str:
    r"""Return a file's name as UTF-8 can hold it: bytes that are no text become `\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _name_of(item: _Candidate | Unread) -> str:
    return item.name if isinstance(item, _Candidate) else item.file


def _source_file(
    item: _Candidate, index: int, options: ReadOptions, known: dict[str, Reader]
) -> SourceFile | Unread:
    """Return the file with its format and compression, or why it is left out."""
    size = 0
    try:
        size = item.path.stat().st_size
        with item.path.open("rb") as raw:
            compression = sniff_compression(raw.read(16))
        with OpenFile(item.path, compression) as opened:
            head = opened.stream.read(HEAD_BYTES)
    except OSError as error:
        return _left_out(item.name, size, _why_closed(error))
    if not item.named and is_cache(item.path):
        return _left_out(item.name, size, "a cache of the data set beside it; name it to scan it")
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
    if is_arrow(head):
        return "arrow"
    plain = _plain(name)
    if plain.suffix in SCRIPTS:
        return None
    if head and _is_binary(head):
        return None
    for format_name, reader in known.items():
        if plain.suffix in reader.extensions and format_name not in BY_CONTENT:
            return format_name
    if plain.name.startswith(COMPANIONS):
        return "text"
    return _by_content(head.removeprefix(b"\xef\xbb\xbf").lstrip())


def _plain(name: str) -> Path:
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
    return None


def _is_binary(head: bytes) -> bool:
    """Say whether bytes are no text: many control characters, or invalid UTF-8 throughout."""
    control = sum(head.count(bytes([code])) for code in range(9)) + sum(
        head.count(bytes([code])) for code in range(14, 32) if code != 27
    )
    broken = head.decode("utf-8", "replace").count("�")
    return control > max(FEW_BYTES, len(head) // 50) or broken > max(FEW_BYTES, len(head) // 5)


def _why_no_format(name: str, head: bytes) -> str:
    if _plain(name).suffix in SCRIPTS:
        return "code or a pickled object; never run or loaded, and no data format"
    if head.startswith(FEATHER_V1):
        return FEATHER_V1_REASON
    if head.startswith(b"PARE"):
        return "an encrypted Parquet file; decrypt it first"
    return "a binary file of no known format" if _is_binary(head) else "no known format"


def _left_out(name: str, size: int, reason: str) -> Unread:
    return Unread(file=name, kind="file", row=-1, byte_offset=0, size_bytes=size, reason=reason)
