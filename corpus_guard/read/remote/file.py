"""A file on a hub as a stream: ranged requests that go on at the byte where a connection broke.

Bytes come in windows that grow while a file is read in order and start small again after a jump, so
that neither the head of a large file nor the footer of a Parquet file costs more than it must. What
a server says of a file has to agree with the listing and with what it said before.
"""

import io
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from corpus_guard.errors import UnreadableTarget
from corpus_guard.escape import safe_text
from corpus_guard.types import HubPath

if TYPE_CHECKING:
    from typing_extensions import Buffer

FIRST_WINDOW = 64 << 10
LARGEST_WINDOW = 32 << 20
CHUNK = 64 << 10
TIMEOUT_S = 30.0
MOST_RETRIES = 5
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 120.0
"""Waits double from the first on; a server may ask for another one, up to the longest."""

PROGRESS = 64 << 10
"""So many bytes must come before retries are counted anew: a server cannot drip for ever."""

CHANGED = "changed on the hub while it was read"
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)\Z")
_LOG = logging.getLogger(__name__)
pause = time.sleep


class RemoteError(OSError):
    """A file on a hub cannot be read further; the message says why."""


class Broken(Exception):  # noqa: N818
    """A request failed in a way that may pass; `wait_s` is what the server asked to wait."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        """Keep the reason and the wait."""
        super().__init__(why)
        self.wait_s = wait_s


class Retries:
    """Counts failures and waits after each, longer every time."""

    def __init__(self, what: str, most: int = MOST_RETRIES) -> None:
        """Allow `most` failures in a row of what is called `what`."""
        self._what, self._most, self._failed = what, most, 0

    def start_anew(self) -> None:
        """Forget the failures so far."""
        self._failed = 0

    def wait(self, failure: Broken) -> None:
        """Say what failed and wait; raise RemoteError when it has failed too often."""
        self._failed += 1
        if self._failed > self._most:
            raise RemoteError(f"{failure}; given up after {self._most} retries") from failure
        seconds = (
            FIRST_WAIT_S * 2 ** (self._failed - 1) if failure.wait_s is None else failure.wait_s
        )
        seconds = min(seconds, LONGEST_WAIT_S)
        _LOG.warning(
            "%s: %s; trying again in %g s (%d of %d)",
            self._what, failure, seconds, self._failed, self._most,
        )  # fmt: skip
        pause(seconds)


class RemoteFile(io.RawIOBase):
    """The bytes of a file on a hub; seekable. `failure` says why it ended early, or is None.

    A read gives fewer bytes than it was asked for only where the file ends or fails; the next one
    then raises RemoteError. Raises UnreadableTarget where the hub grants no access.
    """

    def __init__(self, path: HubPath) -> None:
        """Prepare to read; nothing is sent yet."""
        self.failure: str | None = None
        self._path = path
        self._retries = Retries(safe_text(f"{path.repo}/{path.path}", 200))
        self._position = self._counted_from = 0
        self._chunk, self._chunk_at = b"", 0
        self._response: Any = None
        self._chunks: Iterator[bytes] = iter(())
        self._next = self._until = 0
        self._window = 0
        self._etag: str | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, without sending anything yet."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._path.size_bytes}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, target: "Buffer") -> int:
        """Fill `target`, across as many requests as that takes."""
        view, filled = memoryview(target).cast("B"), 0
        while filled < len(view) and self._position < self._path.size_bytes:
            part = self._at_position(len(view) - filled)
            if not part:
                break
            view[filled : filled + len(part)] = part
            filled += len(part)
            self._position += len(part)
        if self.failure is not None and not filled and len(view):
            raise RemoteError(self.failure)
        return filled

    def close(self) -> None:
        """Close the connection."""
        self._hang_up()
        super().close()

    def _at_position(self, most: int) -> bytes:
        """Return up to `most` bytes from the position on; none when the file has failed."""
        while self.failure is None:
            start = self._position - self._chunk_at
            if 0 <= start < len(self._chunk):
                return self._chunk[start : start + most]
            try:
                self._fetch()
            except Broken as broken:
                self._hang_up()
                self._note(broken)
            except RemoteError as error:
                self._hang_up()
                self.failure = str(error)
        return b""

    def _note(self, broken: Broken) -> None:
        if self._position - self._counted_from >= PROGRESS:
            self._retries.start_anew()
        self._counted_from = self._position
        try:
            self._retries.wait(broken)
        except RemoteError as error:
            self.failure = str(error)

    def _fetch(self) -> None:
        """Get the chunk that begins at the position."""
        if self._response is None or self._position != self._next:
            self._request()
        chunk = next(self._chunks, b"")[: self._until - self._next]
        if not chunk:
            raise Broken(f"the connection was closed at byte {self._next}")
        self._chunk, self._chunk_at = chunk, self._next
        self._next += len(chunk)
        if self._next >= self._until:
            with suppress(Broken):
                next(self._chunks, None)  # the end of the answer, so that the connection is kept
            self._hang_up()

    def _request(self) -> None:
        in_order = self._position == self._next
        self._hang_up()
        self._window = min(self._window * 4 if in_order else 0, LARGEST_WINDOW) or FIRST_WINDOW
        self._next = self._position
        self._until = min(self._path.size_bytes, self._position + self._window)
        self._response = send_range(self._path, self._position, self._until)
        self._chunks = _chunks(self._response)
        self._check(self._response.headers)
        if self._response.status_code == 200:  # the whole file, as the server knows no ranges
            self._until = self._path.size_bytes
            self._skip(self._position)

    def _check(self, headers: Any) -> None:  # noqa: ANN401  # of huggingface_hub's HTTP library
        """Raise RemoteError unless an answer fits the file and the answers before."""
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RemoteError("the hub packed it in a way that was not asked for")
        size, start = str(self._path.size_bytes), str(self._position)
        if self._response.status_code == 206:
            told = _RANGE.match(headers.get("Content-Range", ""))
            if told is None or told[1] != start:
                raise RemoteError(f"the hub sent other bytes than those from {start} on")
            total = told[2]
        else:
            total = headers.get("Content-Length", size)
        etag = headers.get("ETag", "").removeprefix("W/") or self._etag
        if total != size or (self._etag and etag != self._etag):
            raise RemoteError(CHANGED)
        self._etag = etag

    def _skip(self, position: int) -> None:
        self._next = 0
        while self._next < position:
            chunk = next(self._chunks, b"")
            if not chunk:
                raise Broken(f"the connection was closed at byte {self._next}")
            self._next += len(chunk)
            if self._next > position:
                self._chunks = chain([chunk[position - self._next :]], self._chunks)
                self._next = position

    def _hang_up(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None


def endpoint() -> str | None:
    """Return the address of the hub if the user chose one, as it stands now."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def send_range(path: HubPath, start: int, end: int) -> Any:  # noqa: ANN401
    """Return the open response (200 or 206) to a request for bytes [start, end) of a file.

    Raises Broken for what may pass, UnreadableTarget for refused access, else RemoteError.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import build_hf_headers, get_session

    url = hf_hub_url(
        path.repo, path.path, repo_type="dataset", revision=path.revision, endpoint=path.endpoint
    )
    wanted = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    session = get_session()
    request = session.build_request(
        "GET", url, headers=build_hf_headers() | wanted, timeout=TIMEOUT_S
    )
    try:
        response = session.send(request, stream=True, follow_redirects=True)
    except OfflineModeIsEnabled as error:
        raise RemoteError("HF_HUB_OFFLINE is set") from error
    except http_error() as error:
        raise Broken(f"the hub cannot be reached ({why(error)})") from error
    if response.status_code in (200, 206):
        return response
    response.close()
    raise refusal(path.repo, response)


def refusal(repo: str, response: Any) -> Exception:  # noqa: ANN401
    """Return the error that an answer other than success stands for."""
    status, headers = response.status_code, response.headers
    if status in (408, 429) or status >= 500:
        asked = headers.get("Retry-After", "").strip()
        wait_s = float(asked) if re.fullmatch(r"\d{1,9}", asked) else None
        return Broken(f"the hub answered {status}", wait_s)
    if headers.get("X-Error-Code") == "GatedRepo":
        return UnreadableTarget(
            f"{repo} is gated; ask for access on its page on the hub, then log in with "
            "`hf auth login` or set HF_TOKEN"
        )
    if status in (401, 403):
        return UnreadableTarget(
            f"the hub refused access to {repo} ({status}); log in with `hf auth login` or set "
            "HF_TOKEN to a token that may read it"
        )
    return RemoteError(f"the hub answered {status}")


def http_error() -> type[Exception]:
    """Return the root of the errors of the HTTP library that huggingface_hub is built on."""
    from huggingface_hub import errors

    root: type[Exception] = errors.HTTPError
    return root


def why(error: Exception) -> str:
    """Return an error's kind and words, fit to be shown."""
    return f"{type(error).__name__}: {safe_text(str(error), 120)}".removesuffix(": ")


def _chunks(response: Any) -> Iterator[bytes]:  # noqa: ANN401
    try:
        yield from response.iter_raw(CHUNK)
    except http_error() as error:
        raise Broken(f"the connection broke ({why(error)})") from error
