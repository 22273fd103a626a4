"""From the name of a data set on a hub to its files at one commit, all of them or those of a split.

Everything that a hub says is checked before it is used: names, sizes and the commit. Nothing of a data
set is run, and its files are only read as a stream.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.escape import safe_text
from corpus_guard.read.remote.file import (
    Broken,
    RemoteError,
    Retries,
    endpoint,
    http_error,
    refusal,
    why,
)
from corpus_guard.types import HubPath, Unread

PREFIX = "hf://"
MOST_FILES = 100_000
LARGEST_CARD = 4 << 20
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_REPO = re.compile(rf"{_PART}/{_PART}\Z")
_URL = re.compile(
    rf"hf://datasets/({_PART}/[A-Za-z0-9._-]+)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?(?:/(.*))?\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_INSTALL = "pip install 'corpus-guard[hub]'"
_LOG = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubTarget:
    """What a user named: a data set, perhaps a revision, perhaps a path in it (or an empty text)."""

    repo: str
    revision: str | None
    inside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a data set at the commit `revision`, and what cannot be opened at all."""

    repo: str
    revision: str
    files: tuple[HubPath, ...]
    unread: tuple[Unread, ...]


def parse(target: str, options: ReadOptions) -> HubTarget | None:
    """Return the data set that `hf://datasets/ORG/NAME[@REV][/PATH]` or `ORG/NAME` stands for.

    None means that it is no such name. Raises UsageError for another address that begins with hf://.
    """
    found = _URL.match(target)
    if found is None and target.startswith(PREFIX):
        shown = safe_text(target, 200)
        raise UsageError(f"{shown} is no data set; write hf://datasets/ORG/NAME[@REV][/PATH]")
    if found is None:
        whole = _REPO.match(target)
        return HubTarget(repo=target, revision=options.revision, inside="") if whole else None
    repo, revision, inside = found[1], found[2] and unquote(found[2]), found[3] or ""
    if revision and options.revision not in (None, revision):
        raise UsageError(
            f"{safe_text(target, 200)} names one revision and --revision another; give only one"
        )
    return HubTarget(repo=repo, revision=revision or options.revision, inside=inside.strip("/"))


def list_files(target: HubTarget, options: ReadOptions) -> Listing:
    """Return the files of a data set, those of --config and --split if these are given.

    Raises UnreadableTarget, or UsageError, when that cannot be had; the message says what to do.
    """
    _need("huggingface_hub")
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint())
    with _told(target):
        about = _retried(target, lambda: api.dataset_info(target.repo, revision=target.revision))
        repo, commit = _checked(target, about)
        tree = _retried(
            target,
            lambda: list(
                _first(
                    api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset")
                )
            ),
        )
    files, unread = _sorted_out(repo, commit, tree)
    if not files and not unread:
        raise UnreadableTarget(f"{repo} is empty at {commit[:12]}; there is nothing to scan")
    listing = Listing(repo=repo, revision=commit, files=files, unread=unread)
    if options.config is None and options.split is None:
        return listing
    return _chosen(target, listing, options)


def _need(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UsageError(f"reading from a hub needs {module}; install it: {_INSTALL}")


def _retried(target: HubTarget, ask: Callable[[], T]) -> T:
    """Return what `ask` gets from the hub, after some retries of what may pass."""
    retries = Retries(target.repo, most=2)
    while True:
        try:
            return ask()
        except http_error() as error:
            response = getattr(error, "response", None)
            failure = (
                Broken(f"the hub cannot be reached ({why(error)})")
                if response is None
                else refusal(target.repo, response)
            )
            if not isinstance(failure, Broken):
                raise
            retries.wait(failure)


@contextmanager
def _told(target: HubTarget) -> Iterator[None]:
    """Turn what huggingface_hub raises into one sentence with the mend."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo = target.repo
    try:
        yield
    except RevisionNotFoundError as error:
        revision = safe_text(target.revision or "main", 100)
        raise UnreadableTarget(
            f"{repo} has no revision {revision}; give a branch, a tag or a commit of it"
        ) from error
    except OfflineModeIsEnabled as error:
        raise UnreadableTarget(
            f"{repo} is not on disk, and HF_HUB_OFFLINE is set; unset it or give a local path"
        ) from error
    except HfHubHTTPError as error:
        if isinstance(error, RepositoryNotFoundError) and not isinstance(error, GatedRepoError):
            raise UnreadableTarget(
                f"{repo} is neither on disk nor a data set on the hub that you may see; check the "
                "name, or if it is private log in with `hf auth login` or set HF_TOKEN"
            ) from error
        told = refusal(repo, error.response)
        if isinstance(told, UnreadableTarget):
            raise told from error
        raise UnreadableTarget(f"{repo} cannot be listed: {told}; try again later") from error
    except RemoteError as error:
        raise UnreadableTarget(
            f"{repo} is not on disk and cannot be listed: {error}; check the network and HF_ENDPOINT"
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, OSError, http_error()) as error:
        raise UnreadableTarget(
            f"{repo} cannot be listed: the hub's answer makes no sense ({why(error)}); "
            "check HF_ENDPOINT"
        ) from error


def _checked(target: HubTarget, about: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the data set's present name and commit; say so where it has been renamed."""
    repo, commit = str(about.id), str(about.sha)
    if not _REPO.match(repo) or not _COMMIT.match(commit):
        raise ValueError(f"{repo} at {commit}")
    if repo != target.repo:
        _LOG.warning("%s is called %s on the hub now; reading that", target.repo, repo)
    return repo, commit


def _first(tree: Iterable[T]) -> Iterator[T]:
    for place, entry in enumerate(tree):
        if place == MOST_FILES:
            raise ValueError(f"it lists more than {MOST_FILES} files")
        yield entry


def _sorted_out(
    repo: str, commit: str, tree: Iterable[Any]
) -> tuple[tuple[HubPath, ...], tuple[Unread, ...]]:
    """Return the files of a tree, once each and by name, and those with an impossible name or size."""
    files: dict[str, HubPath] = {}
    unread: list[Unread] = []
    for entry in tree:
        if not hasattr(entry, "blob_id"):  # a folder, whose files are listed by themselves
            continue
        path, size = entry.path, entry.size
        parts = path.split("/") if isinstance(path, str) else [""]
        odd = not path or any(part in ("", ".", "..") for part in parts) or not path.isprintable()
        if odd or type(size) is not int or not 0 <= size < 2**53:
            unread.append(left_out(safe_text(str(path), 200), 0, "an odd name or size; not opened"))
        else:
            files[path] = HubPath(
                endpoint=endpoint(), repo=repo, revision=commit, path=path, size_bytes=size
            )
    return tuple(files[name] for name in sorted(files)), tuple(unread)


def left_out(name: str, size: int, reason: str) -> Unread:
    """Return a whole file as one that was not read."""
    return Unread(file=name, kind="file", row=-1, byte_offset=0, size_bytes=size, reason=reason)


def _chosen(target: HubTarget, listing: Listing, options: ReadOptions) -> Listing:
    """Return the files of one configuration and split, as the data set's own card assigns them."""
    if target.inside:
        raise UsageError(
            f"{target.repo} is given with a path in it and with --config or --split; give only one"
        )
    if any(f.path == "README.md" and f.size_bytes > LARGEST_CARD for f in listing.files):
        raise UnreadableTarget(
            f"the card of {target.repo} is too large; leave out --config and --split"
        )
    configs = _configs(listing)
    if options.config is not None and options.config not in configs:
        raise UsageError(_unknown("configuration", options.config, configs, listing.repo))
    wanted = [configs[options.config]] if options.config is not None else list(configs.values())
    splits = list(dict.fromkeys(split for files in wanted for split in files))
    if options.split is not None and options.split not in splits:
        raise UsageError(_unknown("split", options.split, splits, listing.repo))
    names = [
        name
        for files in wanted
        for split in splits
        if options.split in (None, split)
        for name in files.get(split, ())
    ]
    return _kept(listing, dict.fromkeys(names))


def _configs(listing: Listing) -> dict[str, dict[str, list[str]]]:
    """Return the addresses of the files of every split of every configuration.

    The card and the names of the files are all that is read; a loading script is not even looked at.
    """
    _need("datasets")
    from datasets import DownloadConfig
    from datasets.load import HubDatasetModuleFactory

    base = f"{PREFIX}datasets/{listing.repo}@{listing.revision}"
    try:
        module = HubDatasetModuleFactory(listing.repo, commit_hash=listing.revision).get_module()
        found = {}
        for config in module.builder_configs_parameters.builder_configs or ():
            config._resolve_data_files(base_path=base, download_config=DownloadConfig())
            found[config.name] = {str(k): list(map(str, v)) for k, v in config.data_files.items()}
    except Exception as error:  # it raises anything for an odd card
        raise UnreadableTarget(
            f"the configurations and splits of {listing.repo} cannot be told ({why(error)}); "
            "leave out --config and --split to scan all its files"
        ) from error
    return found


def _unknown(kind: str, given: str, known: Iterable[str], repo: str) -> str:
    listed = ", ".join(safe_text(name, 60) for name in list(known)[:50])
    return f'{repo} has no {kind} "{safe_text(given, 60)}"; give one of {listed}'


def _kept(listing: Listing, addresses: Iterable[str]) -> Listing:
    base = f"{PREFIX}datasets/{listing.repo}@{listing.revision}/"
    by_name = {file.path: file for file in listing.files}
    files, unread = [], []
    for address in addresses:
        file = by_name.get(address.removeprefix(base)) if address.startswith(base) else None
        if file is None:
            unread.append(left_out(safe_text(address, 200), 0, "not in the data set; not followed"))
        else:
            files.append(file)
    return Listing(
        repo=listing.repo, revision=listing.revision, files=tuple(files), unread=tuple(unread)
    )
