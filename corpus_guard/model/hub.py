"""A model on a hub: its files in safe formats, fetched at one commit, and the names of the others."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.read.remote.file import endpoint, why

MOST_FILES = 10_000
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(rf"({_PART}/{_PART})(?:/([A-Za-z0-9._-]+\.gguf))?\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_SAFE = (".json", ".safetensors", ".jinja", ".txt", ".model")
_INSTALL = "pip install 'corpus-guard[hub]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A model's files on disk at the commit `commit`; `file` is the one that was asked for, or ""."""

    folder: Path
    commit: str
    absent: tuple[str, ...]
    file: str


def fetch(target: str, *, revision: str | None, cache: Path | None) -> Fetched:
    """Return the files of ORG/NAME that are in safe formats, and the names of those that are not.

    Raises UsageError where the name makes no sense or the model cannot be had; it says what to do.
    """
    shown = safe_text(target, 200)
    named = _NAME.match(target)
    if named is None:
        raise UsageError(
            f"{shown} is neither on disk nor a name on a hub; give a folder, a .gguf file or ORG/NAME"
        )
    if find_spec("huggingface_hub") is None:
        raise UsageError(
            f"{shown} is not on disk, and a hub needs huggingface_hub; install it: {_INSTALL}"
        )
    with _told(named[1], revision), _quiet():
        return _fetched(named[1], named[2] or "", revision, cache)


def _fetched(repo: str, file: str, revision: str | None, cache: Path | None) -> Fetched:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.constants import HF_HUB_OFFLINE

    where = {"repo_id": repo, "cache_dir": cache, "endpoint": endpoint()}
    if HF_HUB_OFFLINE:
        found = Path(snapshot_download(**where, revision=revision, local_files_only=True))
        return Fetched(folder=found, commit=found.name, absent=(), file=file)
    about = HfApi(endpoint=endpoint()).model_info(repo, revision=revision)
    commit, names = str(about.sha), [str(one.rfilename) for one in about.siblings or ()]
    if not _COMMIT.match(commit) or len(names) > MOST_FILES:
        raise ValueError("the commit or the list of files is odd")
    wanted = _wanted(repo, names, file)
    found = Path(snapshot_download(**where, revision=commit, allow_patterns=_exactly(wanted)))
    absent = () if file else tuple(sorted(set(names) - set(wanted)))
    return Fetched(folder=found, commit=commit, absent=absent, file=file)


def _wanted(repo: str, names: list[str], file: str) -> list[str]:
    """Return the files to fetch: one that was asked for, or all in safe formats, GGUF only alone."""
    if file:
        if file not in names:
            raise UsageError(f"{repo} has no file {safe_text(file, 200)}; give one that it has")
        return [file]
    here = [name for name in names if "/" not in name and name.isprintable()]
    safe = [name for name in here if name.lower().endswith(_SAFE)]
    packed = [name for name in here if name.lower().endswith(".gguf")]
    if any(name.endswith(".safetensors") for name in safe):
        return safe
    if len(packed) > 1:
        some = ", ".join(f"{repo}/{safe_text(name, 80)}" for name in sorted(packed)[:4])
        raise UsageError(f"{repo} holds {len(packed)} GGUF files; name one of them: {some}")
    return [*safe, *packed]


def _exactly(names: list[str]) -> list[str]:
    """Return patterns that match these names only, whatever marks they hold."""
    return [re.sub(r"[*?\[]", lambda mark: f"[{mark[0]}]", name) for name in names]


@contextmanager
def _told(repo: str, revision: str | None) -> Iterator[None]:
    """Turn what huggingface_hub raises into one sentence with the mend."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError as error:
        named = safe_text(revision or "main", 100)
        raise UsageError(f"{repo} has no revision {named}; give a branch, tag or commit") from error
    except errors.GatedRepoError as error:
        raise UsageError(
            f"{repo} is gated; ask for access on its page on the hub, then log in with "
            "`hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UsageError(
            f"{repo} is neither on disk nor a model on the hub that you may see; check the name, or "
            "log in with `hf auth login` or set HF_TOKEN"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise UsageError(
            f"{repo} is not on disk, and the hub cannot be reached or HF_HUB_OFFLINE is set; give a "
            "local path, or check the network and HF_ENDPOINT"
        ) from error
    except (errors.HTTPError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{repo} cannot be fetched ({why(error)}); check the network and HF_ENDPOINT"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Show no progress bars of huggingface_hub."""
    from huggingface_hub import utils

    were_off = utils.are_progress_bars_disabled()
    before = os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS")
    if before is None:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if before is None and not were_off:
            utils.enable_progress_bars()
