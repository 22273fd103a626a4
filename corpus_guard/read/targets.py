"""From what the user names to a list of files, with everything that was left out and why."""

import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from corpus_guard import plugins
from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.plugins import Reader
from corpus_guard.read import local
from corpus_guard.read.opening import SUFFIXES
from corpus_guard.read.recognise import Candidate, is_companion, is_described, source_file
from corpus_guard.read.remote import hub
from corpus_guard.types import HubPath, SourceFile, Unread

LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The files of a target and what was left out; `name` is what the target is called.

    `passed_over` are folders and files that lie beside the data but are none, such as `.git` and a
    README. `revision` is the commit at which data sets on a hub are read, None for local targets.
    """

    name: str
    files: tuple[SourceFile, ...]
    unread: tuple[Unread, ...]
    passed_over: tuple[str, ...] = ()
    revision: str | None = None


@dataclass(slots=True)
class _Found:
    """What the targets stand for, as it comes to light."""

    candidates: list[Candidate] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def add(self, item: local.Item) -> None:
        if isinstance(item, Candidate):
            self.candidates.append(item)
        elif isinstance(item, Unread):
            self.unread.append(item)
        else:
            self.passed_over.append(item.name)

    def set_companions_aside(self, known: Mapping[str, Reader]) -> None:
        """Pass over what only goes with data, unless there is nothing else."""
        data = [item for item in self.candidates if item.named or not _goes_with_data(item, known)]
        if data:
            self.passed_over += [item.name for item in self.candidates if item not in data]
            self.candidates = data


def resolve_targets(targets: Sequence[str], options: ReadOptions, scratch: Path) -> Resolved:
    """Return the files that the targets stand for: paths, globs, data sets on a hub, `-` for stdin.

    Raises UsageError for a target that does not exist and UnreadableTarget when nothing can be read.
    """
    if targets.count("-") > 1:
        raise UsageError("- stands for the standard input, which can be read only once")
    known = _readers(options)
    found = _Found()
    for target in targets:
        for item in _items(target, options, scratch, several=len(targets) > 1):
            found.add(item)
    found.set_companions_aside(known)
    files = list(_files(found, options, known))
    name = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
    if not any(file.size_bytes for file in files):
        raise UnreadableTarget(_nothing(name, files, found, known))
    return Resolved(
        name="<stdin>" if name == "-" else local.storable(name),
        files=tuple(files),
        unread=tuple(found.unread),
        passed_over=tuple(found.passed_over),
        revision=_revision(files),
    )


def is_there(target: str) -> bool:
    """Say whether a text names what can be scanned: a path, a pattern with a match, a hub's address."""
    if "\n" in target or len(target) > LONGEST_PATH:
        return False
    if target == "-" or target.startswith(hub.PREFIX) or local.mode_of(target):
        return True
    is_pattern = local.PATTERN.search(target) is not None and not any(map(str.isspace, target))
    return is_pattern and bool(local.matches(target))


def endings() -> set[str]:
    """Return the endings of the names of files that are read."""
    readers = [known.spec for known in plugins.load_all("read").values()]
    return {
        *SUFFIXES,
        *(end for spec in readers if isinstance(spec, Reader) for end in spec.extensions),
    }


def _readers(options: ReadOptions) -> dict[str, Reader]:
    known = {
        name: p.spec for name, p in plugins.load_all("read").items() if isinstance(p.spec, Reader)
    }
    if options.format != "auto" and options.format not in known:
        wanted, listed = safe_text(options.format, 40), ", ".join(known)
        raise UsageError(f'format "{wanted}" is not known; give auto or one of {listed}')
    return known


def _goes_with_data(item: Candidate, known: Mapping[str, Reader]) -> bool:
    return is_described(item.path, known) or is_companion(item.name)


def _hint(known: Iterable[str]) -> str:
    return f"give a file of one of the formats {', '.join(known)}, or name its --format"


def _files(found: _Found, options: ReadOptions, known: dict[str, Reader]) -> Iterator[SourceFile]:
    """Yield the files that can be read; note the others."""
    index = 0
    for item in found.candidates:
        file = source_file(item, index, options, known)
        if isinstance(file, SourceFile):
            index += 1
            yield file
        elif item.named:
            shown = safe_text(item.name, 200)
            hint = f"; {_hint(known)}" if file.reason == "no known format" else ""
            raise UnreadableTarget(f"{shown} cannot be scanned: {file.reason}{hint}")
        else:
            found.unread.append(file)


def _revision(files: Sequence[SourceFile]) -> str | None:
    """Return the commit of the data sets that files come from; several are told apart by name."""
    commits = {f.path.repo: f.path.revision for f in files if isinstance(f.path, HubPath)}
    if len(set(commits.values())) == 1:
        return next(iter(commits.values()))
    return ", ".join(f"{repo}@{commit}" for repo, commit in commits.items()) or None


def _nothing(name: str, files: Sequence[SourceFile], found: _Found, known: Iterable[str]) -> str:
    shown = safe_text(name, 200)
    if files and not found.unread:
        return f"{shown} is empty; there is nothing to scan"
    if found.unread:
        first = f"{safe_text(found.unread[0].file, 200)}: {found.unread[0].reason}"
        return f"{shown} holds nothing that can be scanned ({first}); {_hint(known)}"
    return f"{shown} holds no files; {_hint(known)}"


def _items(
    target: str, options: ReadOptions, scratch: Path, *, several: bool
) -> Iterator[local.Item]:
    mode = local.mode_of(target)
    if not mode and (wanted := _on_hub(target, options)):
        yield from _hub_items(target, wanted, options, several=several)
        return
    for option in ("config", "split", "revision"):
        if getattr(options, option) is not None:
            raise UsageError(
                f"--{option} is for data sets on a hub, and {safe_text(target, 200)} is none; "
                "leave it out, or name the data set hf://datasets/ORG/NAME"
            )
    if target == "-":
        yield _stdin(scratch)
        return
    path, shown = Path(target), safe_text(target, 200)
    if stat.S_ISDIR(mode):
        yield from local.folder(path, None if several else path)
    elif stat.S_ISREG(mode):
        name = local.storable(target if several else path.name)
        yield Candidate(path=path, name=name, named=True)
    elif mode:
        raise UnreadableTarget(f"{shown} is neither a file nor a folder; give one of these")
    elif local.PATTERN.search(target) and (matches := local.matches(target)):
        yield from matches
    else:
        raise UnreadableTarget(_missing(target))


def _stdin(scratch: Path) -> Candidate:
    path = scratch / "stdin"
    with path.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return Candidate(path=path, name="<stdin>", named=True)


def _on_hub(target: str, options: ReadOptions) -> hub.HubTarget | None:
    """Return the data set that a target names; a mistyped path of a file here is none."""
    found = hub.parse(target, options)
    if found is None or target.startswith(hub.PREFIX):
        return found
    folder, name = target.split("/")
    is_here = local.is_folder(Path(folder)) or Path(name.lower()).suffix in endings()
    return None if is_here else found


def _hub_items(
    target: str, wanted: hub.HubTarget, options: ReadOptions, *, several: bool
) -> Iterator[local.Item]:
    """Yield the files of a data set on a hub, in the path that was named if there is one."""
    listing = hub.list_files(wanted, options)
    inside = PurePosixPath(wanted.inside).parts
    shown_from = f"{listing.repo}/" if several else ""
    found = False
    for unread in listing.unread:
        yield replace(unread, file=shown_from + unread.file)
    for file in listing.files:
        is_exact = file.path == wanted.inside
        if is_exact or not inside or local.is_meant(PurePosixPath(file.path).parts, inside):
            found = True
            yield Candidate(path=file, name=shown_from + file.path, named=is_exact)
    if inside and not found:
        raise UnreadableTarget(
            f"{listing.repo} has nothing called {safe_text(wanted.inside, 200)} at "
            f"{listing.revision[:12]}; check the path in {safe_text(target, 200)}"
        )


def _missing(target: str) -> str:
    shown = safe_text(target, 200)
    if not target:
        return "a target is an empty text; give a file or a folder (. is the current one)"
    if local.PATTERN.search(target):
        return f"no file matches {shown}; check the pattern and quote it for the shell"
    return f"{shown} does not exist; check the path"
