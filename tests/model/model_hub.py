"""A hub on the loopback address that holds one model and notes what it is asked for."""

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

import loopback

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
REPO = "team/tiny"


@dataclass
class ModelHub:
    """The model's files, and the paths that were asked for; `sha` is what it says its commit is."""

    files: dict[str, bytes]
    sha: str = COMMIT
    asked: list[str] = field(default_factory=list)
    address: str = ""


def serving(hub: ModelHub) -> AbstractContextManager[ModelHub]:
    """Run the hub while a block runs; its address is in `hub.address`."""
    return loopback.serving(hub, _Handler)


class _Handler(BaseHTTPRequestHandler):
    hub: ModelHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path)
        if path.startswith(f"/api/models/{REPO}/tree/"):
            self._send(json.dumps([self._entry(name) for name in self.hub.files]).encode())
        elif path.startswith(f"/api/models/{REPO}/revision/") and "nowhere" in path:
            self._fail("RevisionNotFound")
        elif path.startswith(f"/api/models/{REPO}"):
            told = {"id": REPO, "sha": self.hub.sha, "private": False, "tags": [], "downloads": 0,
                    "likes": 0, "siblings": [{"rfilename": one} for one in self.hub.files]}  # fmt: skip
            self._send(json.dumps(told).encode())
        elif path.startswith(f"/{REPO}/resolve/"):
            name = path.split("/", 5)[5]
            self._send(self.hub.files[name], ETag=f'"{_etag(self.hub.files[name])}"')
        else:
            self._fail("RepoNotFound")

    def _entry(self, name: str) -> dict[str, object]:
        data = self.hub.files[name]
        return {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}

    def _send(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in {**headers, "X-Repo-Commit": self.hub.sha}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _fail(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()  # noqa: S324  # as Git does
