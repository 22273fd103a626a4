"""Where the elements of a JSON stream begin and end, by brackets and quotes alone."""

import numba as nb
import numpy as np

NO_BORDER, BEFORE, AFTER, OPENED, CLOSED, ENDED = range(-1, 5)
"""An element ends before a byte (a comma, the array's own bracket) or with it. In an object that wraps
arrays of records: an array's first element begins here, the array ends here, the object ends here."""

_DEPTH, _IN_STRING, _ESCAPED, _IN_ARRAY, _WRAPPED, _EXPECTING = range(6)


def new_state(*, wrapped: bool) -> np.ndarray:
    """Return the state of a stream's beginning; `wrapped` says that an object wraps the records."""
    return np.array([0, 0, 0, 0, int(wrapped), 0], np.int64)


def restart(state: np.ndarray) -> None:
    """Set the state to the beginning of an element of an array."""
    state[:4] = 0, 0, 0, 1
    state[_EXPECTING] = 0


@nb.njit(cache=True, nogil=True)
def find_borders(chunk, state, places, kinds):  # type: ignore[no-untyped-def]  # numba infers
    """Write the borders in `chunk` (n,) uint8 to `places` and `kinds` (n,); return their number.

    `state` is brought forward, so that a stream may be cut into chunks anywhere.
    """
    found = 0
    for place in range(len(chunk)):
        mark = chunk[place]
        if state[_IN_STRING]:
            if state[_ESCAPED]:
                state[_ESCAPED] = 0
            elif mark == 0x5C:  # backslash
                state[_ESCAPED] = 1
            elif mark == 0x22:  # quote
                state[_IN_STRING] = 0
        else:
            if state[_WRAPPED] and not state[_IN_ARRAY]:
                kind = _around_arrays(mark, state)
            else:
                kind = _in_records(mark, state)
            if kind != NO_BORDER:
                places[found], kinds[found] = place, kind
                found += 1
    return found


@nb.njit(cache=True, nogil=True, inline="always")
def _in_records(mark, state):  # type: ignore[no-untyped-def]  # numba infers
    if mark == 0x22:
        state[_IN_STRING] = 1
    elif mark == 0x5B and state[_DEPTH] == 0 and not state[_IN_ARRAY]:
        state[_IN_ARRAY] = 1
        return BEFORE
    elif mark in (0x5B, 0x7B):
        state[_DEPTH] += 1
    elif mark in (0x5D, 0x7D):
        if state[_DEPTH] == 0:
            state[_IN_ARRAY] = 0
            state[_DEPTH] = state[_WRAPPED]
            return CLOSED if state[_WRAPPED] else BEFORE
        state[_DEPTH] -= 1
        return AFTER if state[_DEPTH] == 0 else NO_BORDER
    elif mark == 0x2C and state[_DEPTH] == 0:
        return BEFORE
    return NO_BORDER


@nb.njit(cache=True, nogil=True, inline="always")
def _around_arrays(mark, state):  # type: ignore[no-untyped-def]  # numba infers
    if state[_EXPECTING] and mark not in (0x20, 0x09, 0x0A, 0x0D):
        state[_EXPECTING] = 0
        if mark == 0x7B:
            state[_IN_ARRAY] = 1
            state[_DEPTH] = 1
            return OPENED
    if mark == 0x22:
        state[_IN_STRING] = 1
    elif mark in (0x5B, 0x7B):
        state[_EXPECTING] = mark == 0x5B and state[_DEPTH] == 1
        state[_DEPTH] += 1
    elif mark in (0x5D, 0x7D):
        state[_DEPTH] -= 1
        if state[_DEPTH] <= 0:
            state[_DEPTH] = 0
            state[_WRAPPED] = 0
            return ENDED
    return NO_BORDER
