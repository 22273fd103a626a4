from itertools import accumulate

import numpy as np
import pyarrow as pa
import references
from corpora import HARD, text_lists, texts
from hypothesis import given
from hypothesis import strategies as st

from corpus_guard.sketch.kernels.tokens import hash_token, tokenise
from corpus_guard.sketch.rows.batch import texts_of


def tokens_of(parts: list[bytes]) -> list[list[tuple[int, int, int]]]:
    """Return (first byte in its text, last, hash) of the tokens of each text."""
    data = np.frombuffer(b"".join(parts), np.uint8)
    offsets = np.array([0, *accumulate(map(len, parts))], np.int32)
    found = tokenise(data, offsets)
    return [
        [
            (int(found.starts[t]) - int(offsets[i]), int(found.ends[t]) - int(offsets[i]),
             int(found.hashes[t]))
            for t in range(found.bounds[i], found.bounds[i + 1])
        ]
        for i in range(len(parts))
    ]  # fmt: skip


def expected(part: bytes) -> list[tuple[int, int, int]]:
    return [(a, b, references.token_hash(points)) for a, b, points in references.tokens(part)]


@given(text_lists)
def test_tokens_equal_the_reference(parts: list[str]) -> None:
    encoded = [part.encode() for part in parts]
    assert tokens_of(encoded) == [expected(part) for part in encoded]


def test_tokens_of_hard_texts_equal_the_reference() -> None:
    encoded = [part.encode() for part in HARD]
    assert tokens_of(encoded) == [expected(part) for part in encoded]


@given(st.lists(st.binary(max_size=16), max_size=6))
def test_malformed_bytes_stay_inside_their_text(parts: list[bytes]) -> None:
    assert tokens_of(parts) == [expected(part) for part in parts]


@given(st.text(st.characters(categories=("Lu", "Ll"), max_codepoint=0x44F), min_size=1))
def test_a_word_hashes_to_its_token(word: str) -> None:
    tokens = texts_of(pa.array([word])).tokens
    assert len(tokens.hashes) != 1 or int(tokens.hashes[0]) == hash_token(word)


def test_case_does_not_tell_tokens_apart() -> None:
    tokens = texts_of(pa.array(["École ЁЖИК Ωμέγα", "éCOLE ёжик ωμέγα"])).tokens
    assert tokens.hashes[:3].tolist() == tokens.hashes[3:].tolist()


def test_every_invisible_character_is_a_token() -> None:
    assert len(texts_of(pa.array(["wo\u200brd"])).tokens.hashes) == 3


@given(text_lists, st.data())
def test_a_slice_equals_its_copy(parts: list[str], data: st.DataObject) -> None:
    column = pa.array(parts, pa.string())
    first = data.draw(st.integers(0, len(parts)))
    length = data.draw(st.integers(0, len(parts) - first))
    sliced, copied = (
        texts_of(column[first : first + length]),
        texts_of(pa.array(parts[first : first + length], pa.string())),
    )
    assert sliced.tokens.hashes.tolist() == copied.tokens.hashes.tolist()
    assert np.diff(sliced.tokens.bounds).tolist() == np.diff(copied.tokens.bounds).tolist()
    assert len(sliced) == len(copied) == length


@given(texts)
def test_null_is_the_empty_text(text: str) -> None:
    found = texts_of(pa.array([None, text, None], pa.string()))
    assert np.diff(found.tokens.bounds).tolist() == [0, len(references.hashes(text)), 0]
