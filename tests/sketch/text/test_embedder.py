import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from corpora import HARD, text_lists, texts
from hypothesis import given

from corpus_guard.errors import UsageError
from corpus_guard.sketch.rows.batch import texts_of
from corpus_guard.sketch.text.embedder import StaticEmbedder, open_embedder


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    source = pa.BufferReader((files("corpus_guard.data") / "static_minilm.arrow").read_bytes())
    rows = pa.ipc.open_file(source).read_all()
    wanted = ("lantern", "the", "##ing", "##s", "run", "日", "!")
    pieces = rows["piece"].to_pylist()
    places = [pieces.index(piece) for piece in wanted]
    return {
        piece: np.array(rows["vector"][place].as_py(), np.float64) * rows["scale"][place].as_py()
        for piece, place in zip(wanted, places, strict=True)
    }


def embed(parts: list[str]) -> np.ndarray:
    return StaticEmbedder().embed(texts_of(pa.array(parts, pa.string())))


@given(texts, text_lists)
def test_a_vector_does_not_depend_on_its_neighbours(text: str, others: list[str]) -> None:
    assert embed([*others, text, *others])[len(others)].tolist() == embed([text])[0].tolist()


@given(text_lists)
def test_vectors_have_length_one_or_are_zero(parts: list[str]) -> None:
    lengths = np.linalg.norm(embed(parts), axis=1)
    assert all(length == 0 or abs(length - 1) < 1e-5 for length in lengths)


@pytest.mark.parametrize("text", ["", "  \n", "\x00"])
def test_a_text_without_words_has_the_zero_vector(text: str) -> None:
    assert not embed([text]).any()


@pytest.mark.parametrize("piece", ["lantern", "the", "日", "!"])
def test_a_known_word_points_where_its_row_points(piece: str, table: dict[str, np.ndarray]) -> None:
    expected = table[piece] / np.linalg.norm(table[piece])
    assert embed([piece])[0] == pytest.approx(expected, abs=1e-5)


def test_a_text_is_the_sum_of_its_pieces(table: dict[str, np.ndarray]) -> None:
    total = table["the"] + table["lantern"] + table["!"]
    assert embed(["THE lantern!"])[0] == pytest.approx(total / np.linalg.norm(total), abs=1e-5)


def test_accents_do_not_change_a_vector() -> None:
    plain, accented = embed(["cafe naive", "Café NAÏVE"])
    assert plain.tolist() == accented.tolist()


def test_a_slice_equals_its_copy() -> None:
    column = pa.array(HARD)
    sliced = StaticEmbedder().embed(texts_of(column[3:9]))
    assert sliced.tolist() == embed(list(HARD[3:9])).tolist()


def test_like_meanings_lie_closer_than_unlike_ones() -> None:
    one, two, three = embed(["a small dog", "a little puppy", "quarterly tax revenue"])
    assert one @ two > one @ three + 0.2


def test_none_is_no_embedder() -> None:
    assert open_embedder("none") is None


@pytest.fixture
def static_model(tmp_path: Path) -> Path:
    """A model2vec folder: two words with vectors of their own."""
    model2vec = pytest.importorskip("model2vec", reason="needs the extra [models]")
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra [models]")
    words = {"[UNK]": 0, "good": 1, "bad": 2}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0, 0], [0, 2, 0], [0, 0, 3]], np.float32)
    model2vec.StaticModel(vectors, tokenizer, config={}).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_model2vec_folder_is_used(static_model: Path) -> None:
    embedder = open_embedder(str(static_model))
    assert embedder is not None
    vectors = embedder.embed(texts_of(pa.array(["good", "bad bad", ""])))
    assert vectors.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("name", ["some/model", "no-such-folder"])
def test_a_library_that_is_not_installed_is_told_with_the_mend(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'corpus-guard\[models\]'"):
        open_embedder(name)


def test_a_folder_that_is_no_model_is_told_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a sentence-transformers or model2vec folder"):
        open_embedder(str(tmp_path))
