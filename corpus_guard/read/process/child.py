"""The reading process: parses shards for its parent, with little memory and no way to hang.

Started by `isolated` only. It gets one frame a shard and answers with one frame an item, then an empty
one. Whatever it prints is lost; warnings go to its parent as frames.
"""

import logging
import math
import os
import resource
from dataclasses import asdict
from typing import BinaryIO

from corpus_guard.config import ReadOptions
from corpus_guard.read.process.frames import FrameError, receive, send, send_block
from corpus_guard.read.process.requests import understood
from corpus_guard.read.shards import read_here
from corpus_guard.types import RecordBlock, Shard, Unread

MOST_MEMORY = 1 << 30
MOST_CPU_SECONDS = 20
"""A reader that works so long without handing out anything is taken to hang."""


def main(requests: int, answers: int) -> None:
    """Serve the parent over two open pipes until it hangs up."""
    _limit(resource.RLIMIT_DATA, MOST_MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    with os.fdopen(requests, "rb") as incoming, os.fdopen(answers, "wb") as outgoing:
        logging.basicConfig(handlers=[_ToParent(outgoing)], level=logging.WARNING, force=True)
        while True:
            try:
                request = receive(incoming.read)
                shard, options, records = understood(request.head)
                _answer(shard, options, records, outgoing)
            except (FrameError, BrokenPipeError):  # the parent is gone
                return


def _answer(shard: Shard, options: ReadOptions, records: int | None, outgoing: BinaryIO) -> None:
    _extend_time()
    left = math.inf if records is None else records
    try:
        for item in read_here(shard, options):
            _tell(item, outgoing)
            _extend_time()
            left -= len(item.rows) if isinstance(item, RecordBlock) else 0
            if left <= 0:
                break
        send(outgoing, {"kind": "end"})
    except BrokenPipeError:
        raise
    except Exception as error:  # a value that cannot be handed over
        send(outgoing, {"kind": "failed", "why": type(error).__name__})


def _tell(item: RecordBlock | Unread, outgoing: BinaryIO) -> None:
    if isinstance(item, Unread):
        send(outgoing, {"kind": "unread", "unread": asdict(item)})
    else:
        send_block(outgoing, item)


def _extend_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + MOST_CPU_SECONDS)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    within = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (within, hard))


class _ToParent(logging.Handler):
    """Hands warnings to the parent, which alone talks to people."""

    def __init__(self, outgoing: BinaryIO) -> None:
        super().__init__()
        self._outgoing = outgoing

    def emit(self, record: logging.LogRecord) -> None:
        head = {"kind": "warning", "name": record.name, "message": record.getMessage()}
        send(self._outgoing, head)
