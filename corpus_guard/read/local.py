"""Find the files of a folder or a pattern, each once, and what of it cannot or must not be read."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from corpus_guard.errors import UnreadableTarget
from corpus_guard.escape import safe_text
from corpus_guard.read.recognise import Candidate, PassedOver, left_out, plain_name, why_closed
from corpus_guard.types import Unread

Item = Candidate | Unread | PassedOver
_Path = Path | Unread | PassedOver
PATTERN = re.compile(r"[*?\[]")
PASSED_OVER = (".git", ".corpus_guard", "__pycache__")
"""Folders of tools: no part of the data in which they lie."""


def mode_of(target: str) -> int:
    """Return the mode of a file or folder, 0 for what is not on disk.

    Raises UnreadableTarget where it must not be looked at.
    """
    try:
        return Path(target).stat().st_mode if target not in ("", "-") else 0
    except PermissionError:
        shown = safe_text(target, 200)
        raise UnreadableTarget(f"there is no permission to look at {shown}; change it") from None
    except (OSError, ValueError):  # it does not exist, or no file can be called that
        return 0


def folder(path: Path, shown_from: Path | None) -> list[Item]:
    """Return everything in a folder and below, named from `shown_from` on."""
    return _sorted_out(_walk(path, shown_from), path, shown_from)


def matches(pattern: str) -> list[Item]:
    """Return what a pattern stands for: files, and the files of folders, as a shell would give them.

    Unlike in the `glob` module, `**` follows no symbolic links: two that lead up would have no end.
    """
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in Path(pattern).parts]
    fixed = next(place for place, part in enumerate(parts) if PATTERN.search(part))
    deep = parts.index("**") if "**" in parts else len(parts)
    base, head, rest = Path(*parts[:fixed]), tuple(parts[fixed:deep]), tuple(parts[deep:])
    found: list[_Path] = []
    for start in base.glob("/".join(head)) if head else [base]:
        if not is_meant(start.relative_to(base).parts, head):
            continue
        if is_folder(start) and (start == base or not start.is_symlink()):
            found += [
                item
                for item in _walk(start, None)
                if not isinstance(item, Path) or is_meant(item.relative_to(start).parts, rest)
            ]
        elif not rest or is_folder(start):
            found.append(start)
    return _sorted_out(found, base, None)


def is_meant(names: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Say whether a path or a folder above it fits a pattern; `*` stands for no hidden name."""
    if not parts or not names:
        return not parts
    if parts[0] == "**":
        hidden = (place for place, name in enumerate(names) if name.startswith("."))
        last = next(hidden, len(names) - 1)
        return any(is_meant(names[place:], parts[1:] or ("*",)) for place in range(last + 1))
    if names[0].startswith(".") and not parts[0].startswith("."):
        return False
    return fnmatchcase(names[0], parts[0]) and is_meant(names[1:], parts[1:])


def is_folder(path: Path) -> bool:
    """Say whether a path leads to a folder."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):  # it is not there, or must not be looked at
        return False


def _walk(folder: Path, shown_from: Path | None) -> Iterator[_Path]:
    """Yield everything below a folder that is no folder itself, and what of it is closed."""
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            for path in here.iterdir():
                is_folder_here = stat.S_ISDIR(path.lstat().st_mode)
                if is_folder_here and path.name in PASSED_OVER:
                    yield PassedOver(name=f"{_shown(path, shown_from)}/")
                elif is_folder_here:
                    pending.append(path)
                else:
                    yield path
        except OSError as error:
            yield left_out(_shown(here, shown_from), 0, why_closed(error))


def _sorted_out(found: Iterable[_Path], base: Path, shown_from: Path | None) -> list[Item]:
    """Return the files among some paths once each, and what is left out, by name.

    A link to what is read anyway is passed over; one that leads out of `base` is never followed.
    """
    found = list(found)
    items: list[Item] = [item for item in found if not isinstance(item, Path)]
    ends = _ends(item for item in found if isinstance(item, Path))
    root, read_folders = Path(os.path.realpath(base)), _with_parents(ends)
    seen: set[tuple[Path, str]] = set()
    for path, end in sorted(ends.items(), key=lambda item: (item[0].is_symlink(), item[0])):
        name, same = _shown(path, shown_from), (end, plain_name(path.name).suffix)
        if not end.is_relative_to(root):
            items.append(left_out(name, 0, "a symbolic link out of the target; not followed"))
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


def _file_at(path: Path, name: str) -> Candidate | Unread:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return left_out(name, 0, why_closed(error))
    if stat.S_ISREG(mode):
        return Candidate(path=path, name=name, named=False)
    is_folder = stat.S_ISDIR(mode)  # which is reached by a link, and nothing in it is read
    return left_out(name, 0, "a link to a folder" if is_folder else "not a regular file")


def _shown(path: Path, shown_from: Path | None) -> str:
    return storable((path.relative_to(shown_from) if shown_from else path).as_posix())


def storable(name: str) -> str:
    r"""Return a file's name as UTF-8 can hold it: bytes that are no text become `\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _name_of(item: Item) -> str:
    return item.file if isinstance(item, Unread) else item.name
