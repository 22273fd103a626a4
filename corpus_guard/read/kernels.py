"""Where the elements of a JSON stream begin and end, by brackets and quotes alone."""

import numba as nb
import numpy as np

NO_BORDER, BEFORE, AFTER = -1, 0, 1
"""Whether an element ends before a byte (a comma, the array's own bracket) or with it."""

_DEPTH, _IN_STRING, _ESCAPED, _IN_ARRAY = range(4)


def new_state(*, inside: bool) -> np.ndarray:
    """Return the state of a stream's beginning; `inside` says that the array has been opened."""
    return np.array([0, 0, 0, int(inside)], np.int64)


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
            kind = _outside_strings(mark, state)
            if kind != NO_BORDER:
                places[found], kinds[found] = place, kind
                found += 1
    return found


@nb.njit(cache=True, nogil=True, inline="always")
def _outside_strings(mark, state):  # type: ignore[no-untyped-def]  # numba infers
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
            return BEFORE
        state[_DEPTH] -= 1
        return AFTER if state[_DEPTH] == 0 else NO_BORDER
    elif mark == 0x2C and state[_DEPTH] == 0:
        return BEFORE
    return NO_BORDER
