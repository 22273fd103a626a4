"""Memory that a model's answers took and that is free again."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any


def give_back() -> None:
    """Give freed memory back to the system, where its C library can.

    Batches of many sizes leave holes that glibc keeps: hundreds of MiB in the course of a search.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], Any] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no glibc
        return None
