"""A hub on the loopback address, as much of it as the clients ask for, with faults on demand."""

import hashlib
import json
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

import loopback

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "team/data"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")


@dataclass
class Hub:
    """What the hub holds and how it misbehaves.

    `faults` are used up one a request for a file's bytes: a status to answer with, `cut:N` to close
    the connection after N bytes, `whole` to ignore the range, `etag` to send another ETag, `size` to
    claim another size, `wrong` to send other bytes than asked for, `gzip` to claim that it is packed.
    `api_faults` are statuses for requests that list things.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    repo: str = REPO
    error: tuple[int, str] | None = None
    moved_from: str | None = None
    token: str | None = None
    faults: list[str] = field(default_factory=list)
    api_faults: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    bytes_sent: int = 0
    asked: list[str] = field(default_factory=list)
    address: str = ""
    die_after: int | None = None
    about: bytes | None = None

    @property
    def is_dead(self) -> bool:
        """Whether it answers no more."""
        return self.die_after is not None and self.bytes_sent >= self.die_after


def serving(hub: Hub) -> AbstractContextManager[Hub]:
    """Run the hub while a block runs; its address is in `hub.address`."""
    return loopback.serving(hub, _Handler)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = [entry for entry in self._tree("") if entry["path"] in asked.get("paths", ())]
        self._json(found)

    def _answer(self) -> None:
        hub = self.hub
        where = urlsplit(self.path)
        path = unquote(where.path)
        hub.asked.append(path)
        if hub.is_dead:
            self._hang_up()
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self._fail(401, "")
        elif hub.error:
            self._fail(*hub.error)
        elif hub.moved_from and hub.moved_from in path:
            self._redirect(path.replace(hub.moved_from, hub.repo))
        elif path.startswith("/api/"):
            self._list(path, parse_qs(where.query))
        else:
            self._file(path)

    def _list(self, path: str, query: dict[str, list[str]]) -> None:
        if self.hub.api_faults:
            self._fail(self.hub.api_faults.pop(0), "")
            return
        base = f"/api/datasets/{self.hub.repo}"
        if path == base or path.startswith(f"{base}/revision/"):
            wanted = path.removeprefix(f"{base}/revision/")
            if path != base and wanted not in ("main", "v1", "refs/pr/1", COMMIT):
                self._fail(404, "RevisionNotFound")
                return
            if self.hub.about is not None:
                self._send(200, {"Content-Type": "application/json"}, self.hub.about)
                return
            siblings = [{"rfilename": name} for name in self.hub.files]
            self._json({"id": self.hub.repo, "sha": COMMIT, "siblings": siblings, "private": False,
                        "tags": [], "downloads": 0, "likes": 0})  # fmt: skip
        elif path.startswith(f"{base}/tree/{COMMIT}"):
            below = path.removeprefix(f"{base}/tree/{COMMIT}").strip("/")
            entries = self._tree(below, deep=query.get("recursive", [""])[0].lower() == "true")
            if below and not entries:
                self._fail(404, "EntryNotFound")
            else:
                self._json(entries)
        else:
            self._fail(404, "RepoNotFound")

    def _tree(self, below: str, *, deep: bool = True) -> list[dict[str, object]]:
        entries: dict[str, dict[str, object]] = {}
        start = f"{below}/" if below else ""
        for name, data in self.hub.files.items():
            if not name.startswith(start):
                continue
            parts = name.removeprefix(start).split("/")
            for depth in range(1, len(parts)):
                folder = start + "/".join(parts[:depth])
                entries[folder] = {"type": "directory", "path": folder, "oid": _etag(b"")}
            entries[name] = {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
        return [
            entry for path, entry in entries.items() if deep or "/" not in path.removeprefix(start)
        ]

    def _file(self, path: str) -> None:
        found = re.match(rf"/datasets/{self.hub.repo}/resolve/[^/]+/(.*)\Z", path)
        data = self.hub.files.get(found[1]) if found else None
        if data is None:
            self._fail(404, "EntryNotFound")
            return
        headers = {"ETag": f'"{_etag(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        asked = _RANGE.match(self.headers.get("Range", ""))
        fault = self.hub.faults.pop(0) if self.hub.faults and asked else ""
        if fault.isdigit():
            self._fail(int(fault), "", self.hub.headers)
            return
        status, start, end = 200, 0, len(data)
        if asked and fault != "whole":
            start, end = int(asked[1]), min(len(data), int(asked[2] or len(data)) + 1)
            size = len(data) + (fault == "size")
            shift = 7 if fault == "wrong" else 0
            status = 206
            headers["Content-Range"] = f"bytes {start + shift}-{end - 1}/{size}"
        if fault == "etag":
            headers["ETag"] = '"another"'
        if fault == "gzip":
            headers["Content-Encoding"] = "gzip"
        self._send(status, headers, data[start:end], fault)

    def _send(self, status: int, headers: dict[str, str], body: bytes, fault: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        most = len(body)
        if fault.startswith("cut:"):
            most = int(fault[4:])
        if self.hub.die_after is not None:
            most = min(most, max(0, self.hub.die_after - self.hub.bytes_sent))
        self.wfile.write(body[:most])
        self.hub.bytes_sent += most
        if most < len(body):
            self._hang_up()

    def _json(self, value: object) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _fail(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._send(
            status, {"X-Error-Code": code, **(headers or {})} if code else headers or {}, b""
        )

    def _redirect(self, path: str) -> None:
        self._send(307, {"Location": path}, b"")

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()  # noqa: S324  # as Git does
