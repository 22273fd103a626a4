"""What JSON holds, by brackets and quotes alone: where elements begin and end, which lines are plain."""

import numba as nb
import numpy as np

NO_BORDER, BEFORE, AFTER, OPENED, CLOSED, ENDED = range(-1, 5)
"""An element ends before a byte (a comma, the array's own bracket) or with it. In an object that wraps
arrays of records: an array's first element begins here, the array ends here, the object ends here. An
object that holds records by key is here an array, whose elements begin with their keys."""

_DEPTH, _IN_STRING, _ESCAPED, _IN_ARRAY, _WRAPPED, _EXPECTING, _FIRST = range(7)


def new_state(wrapped: int = 0, first: int = 0x7B) -> np.ndarray:
    """Return the state of a stream's beginning.

    `wrapped` says how deep in an object the arrays of records lie, their own bracket counted; 0 that
    none wraps them. Of those arrays the ones are opened whose elements begin with the byte `first`; if
    it is a quote, objects are opened instead, and their keys go with the elements.
    """
    return np.array([0, 0, 0, 0, wrapped, 0, first], np.int64)


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
            state[_DEPTH] = max(0, state[_WRAPPED] - 1)
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
        if mark == state[_FIRST]:
            state[_IN_ARRAY] = 1
            state[_IN_STRING] = mark == 0x22
            state[_DEPTH] = mark != 0x22
            return OPENED
    if mark == 0x22:
        state[_IN_STRING] = 1
    elif mark in (0x5B, 0x7B):
        opens = mark == (0x7B if state[_FIRST] == 0x22 else 0x5B)
        state[_EXPECTING] = opens and state[_DEPTH] == state[_WRAPPED] - 1
        state[_DEPTH] += 1
    elif mark in (0x5D, 0x7D):
        state[_DEPTH] -= 1
        if state[_DEPTH] <= 0:
            state[_DEPTH] = 0
            state[_WRAPPED] = 0
            return ENDED
    return NO_BORDER


BLANK, PLAIN, ODD = range(3)
"""What a line holds: white space; one JSON object that repeats no key; or it takes a closer look."""

MOST_KEYS = 4096
"""A line with more keys takes a closer look."""

_MOST_PROBES = 64


def new_table() -> np.ndarray:
    """Return an empty table of the keys that were seen."""
    return np.zeros(4 * MOST_KEYS, np.uint64)


@nb.njit(cache=True, nogil=True)
def survey_lines(data, most_bytes, most_depth, most_keys, seen, stops, ends, kinds):  # type: ignore[no-untyped-def]  # numba infers
    r"""Tell the lines of `data` (n,) uint8 apart; return how many there are.

    Of each, `stops` says where the next one begins, `ends` where it ends without its line end (\r, \n),
    and `kinds` what it holds. A line is called PLAIN only if its brackets and quotes pair up to one
    object, no key in it is written with an escape, and no two keys of an object in it are alike: then a
    parser that accepts it has lost nothing. Keys are told apart by 64 bits of hash; alike hashes make a
    line ODD. `seen` is a table for them.
    """
    count, place, size, used, serial = 0, 0, len(data), 0, np.uint64(0)
    seen[:] = 0  # the numbers of objects start anew
    is_object = np.zeros(most_depth + 2, np.uint8)
    serials = np.zeros(most_depth + 2, np.uint64)
    while place < size:
        begin, stop = place, place
        while stop < size and data[stop] != 0x0A:
            stop += 1
        end = stop
        while end > begin and data[end - 1] == 0x0D:
            end -= 1
        if used > MOST_KEYS:
            seen[:] = 0
            used = 0
        kind, keys, serial = _kind_of_line(
            data, begin, end, most_depth, most_keys, seen, is_object, serials, serial
        )
        used += keys
        kinds[count] = ODD if stop - begin > most_bytes else kind
        place = stop + 1 if stop < size else stop
        stops[count], ends[count] = place, end
        count += 1
    return count


@nb.njit(cache=True, nogil=True)
def _kind_of_line(  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912  # one loop is fastest
    data, place, end, most_depth, most_keys, seen, is_object, serials, serial
):
    """Return the kind of a line, how many keys of it went into the table, and the last serial number."""
    first, depth, keys, expects_key = place, 0, 0, False
    while place < end:
        mark = data[place]
        if mark == 0x22:
            if expects_key:
                found, place = _key_hash(data, place + 1, end, serials[depth])
                if place < 0 or keys >= most_keys:
                    return ODD, keys, serial
                keys += 1
                if not _is_new(seen, found):
                    return ODD, keys, serial
                expects_key = False
            else:
                place = _string_end(data, place + 1, end)
                if place < 0 or depth == 0:
                    return ODD, keys, serial
        elif mark == 0x7B or mark == 0x5B:
            if depth >= most_depth or (depth == 0 and (mark == 0x5B or place > first)):
                return ODD, keys, serial
            depth += 1
            expects_key = mark == 0x7B
            is_object[depth] = expects_key
            serial += np.uint64(1)
            serials[depth] = serial
        elif mark == 0x7D or mark == 0x5D:
            depth -= 1
            expects_key = False
            if depth < 0 or (depth == 0 and place + 1 < end):
                return ODD, keys, serial
        elif mark == 0x2C:
            expects_key = depth > 0 and is_object[depth] == 1
        place += 1
    if depth == 0 and first < end and data[first] == 0x7B:
        return PLAIN, keys, serial
    for place in range(first, end):
        if not (data[place] == 0x20 or 0x09 <= data[place] <= 0x0D):
            return ODD, keys, serial
    return BLANK, keys, serial


@nb.njit(cache=True, nogil=True, inline="always")
def _string_end(data, place, end):  # type: ignore[no-untyped-def]  # numba infers
    """Return where the quote stands that ends a string, -1 if none does."""
    while place < end:
        if data[place] == 0x22:
            return place
        place += 2 if data[place] == 0x5C else 1
    return -1


@nb.njit(cache=True, nogil=True, inline="always")
def _key_hash(data, place, end, serial):  # type: ignore[no-untyped-def]  # numba infers
    """Return the hash of a key in an object, and where its last quote stands; -1 for an escape."""
    found = serial * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(0xCBF29CE484222325)
    while place < end:
        mark = data[place]
        if mark == 0x22:
            found ^= found >> np.uint64(32)
            return found | np.uint64(1), place
        if mark == 0x5C:
            break
        found = (found ^ np.uint64(mark)) * np.uint64(0x100000001B3)
        place += 1
    return np.uint64(0), -1


@nb.njit(cache=True, nogil=True, inline="always")
def _is_new(seen, found):  # type: ignore[no-untyped-def]  # numba infers
    """Put a hash into the table; say whether it is certain that it was not there."""
    mask = np.uint64(len(seen) - 1)
    at = (found * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    for _ in range(_MOST_PROBES):
        at &= mask
        if seen[at] == 0:
            seen[at] = found
            return True
        if seen[at] == found:
            return False
        at += np.uint64(1)
    return False
