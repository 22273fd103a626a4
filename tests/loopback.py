"""Servers on the loopback address that run while a test does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, TypeVar


class Served(Protocol):
    """What is served; its `address` is known once it is."""

    address: str


Hub = TypeVar("Hub", bound=Served)


@contextmanager
def serving(hub: Hub, handler: type[BaseHTTPRequestHandler]) -> Iterator[Hub]:
    """Serve while the block runs; handlers find what is served as `hub`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
