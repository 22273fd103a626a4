"""Turn texts into vectors: the built-in static model, or one that the user names.

Built in is a table of 29,523 WordPieces distilled from all-MiniLM-L6-v2 (Apache-2.0) by
`scripts/distill_embedder.py`: a text is the sum of its pieces' vectors. It needs no network and no
torch, and reads the token stream that the other sketches use.
"""

import json
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.errors import UsageError
from corpus_guard.escape import safe_text
from corpus_guard.sketch.rows.batch import Texts

CODE_SCALE = 254.0
"""Vectors are kept as int8: component x as round(x * CODE_SCALE), clipped at about ±0.5."""


class Embedder(Protocol):
    """What gives each text a vector."""

    dimensions: int

    def embed(self, texts: Texts) -> npt.NDArray[np.float32]:
        """Return one L2-normalised vector per text, (n, dimensions) float32; zero if unknown."""
        ...


def vector_codes(texts: Texts, embedder: Embedder | None) -> npt.NDArray[np.int8]:
    """Return the texts' vectors as int8, (n, d); without an embedder, (n, 0)."""
    if embedder is None:
        return np.zeros((len(texts), 0), np.int8)
    scaled = np.rint(embedder.embed(texts) * CODE_SCALE)
    codes: npt.NDArray[np.int8] = np.clip(scaled, -127, 127).astype(np.int8)
    return codes


def open_embedder(name: str) -> Embedder | None:
    """Return the embedder called `builtin`, none for `none`, else a model by its folder or hub name."""
    if name == "none":
        return None
    return StaticEmbedder() if name == "builtin" else _named_model(name)


@cache
def _named_model(name: str) -> "ModelEmbedder":
    return ModelEmbedder(name)


class ModelEmbedder:
    """A model2vec or sentence-transformers model; nothing that it brings along is executed."""

    def __init__(self, name: str) -> None:
        """Load the model; raises UsageError when it or its library is missing."""
        self._encode = _load(name)
        self.dimensions = int(self._encode(["a"]).shape[1])

    def embed(self, texts: Texts) -> npt.NDArray[np.float32]:
        """Return one vector per text, see `Embedder.embed`."""
        ends = texts.offsets.tolist()
        words = [
            texts.data[first:last].tobytes().decode("utf-8", "replace")
            for first, last in pairwise(ends)
        ]
        if not words:
            return np.zeros((0, self.dimensions), np.float32)
        vectors = np.asarray(self._encode(words), np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        found: npt.NDArray[np.float32] = vectors / np.maximum(norms, 1e-12)
        found[[not word.strip() for word in words]] = 0.0
        return found


Encode = Callable[[list[str]], npt.NDArray[np.float32]]
_NO_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.h5", "*.msgpack", "*.onnx", "*.py")


def _load(name: str) -> Encode:
    """Return the encoder of a model's folder or hub name. Raises UsageError when there is none."""
    try:
        folder = Path(name) if Path(name).is_dir() else _download(name)
        return _model2vec(folder) if _is_static(folder) else _sentence_transformer(folder)
    except ImportError as error:
        raise UsageError(
            f'--embedder "{safe_text(name, 80)}" needs {error.name}; '
            "pip install 'corpus-guard[models]'"
        ) from None
    except Exception as error:
        raise UsageError(
            f'the model "{safe_text(name, 80)}" cannot be loaded ({safe_text(str(error), 160)}); '
            "give a sentence-transformers or model2vec folder or hub name, or builtin"
        ) from error


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, ignore_patterns=list(_NO_PICKLES)))


def _is_static(folder: Path) -> bool:
    """Say whether a folder holds a table of token vectors, not a transformer."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    needed = all((folder / part).is_file() for part in ("tokenizer.json", "model.safetensors"))
    return needed and "model_type" not in config


def _model2vec(folder: Path) -> Encode:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder)
    return lambda words: np.asarray(model.encode(words, use_multiprocessing=False), np.float32)


def _sentence_transformer(folder: Path) -> Encode:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = SentenceTransformer(str(folder), trust_remote_code=False, device="cpu")
    return lambda words: np.asarray(model.encode(words, batch_size=64, show_progress_bar=False))


class _Table(NamedTuple):
    keys: npt.NDArray[np.uint64]
    places: npt.NDArray[np.int32]
    codes: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    fold: npt.NDArray[np.uint32]


class StaticEmbedder:
    """The built-in model."""

    def __init__(self) -> None:
        """Load the table (a few milliseconds; shared by all instances)."""
        self._table = _load_table()
        self.dimensions = self._table.codes.shape[1]

    def embed(self, texts: Texts) -> npt.NDArray[np.float32]:
        """Return one vector per text, see `Embedder.embed`."""
        from corpus_guard.sketch.kernels.embed import embed

        table, tokens = self._table, texts.tokens
        out = np.empty((len(texts), self.dimensions), np.float32)
        embed(
            texts.data, tokens.starts, tokens.ends, tokens.bounds,
            table.fold, table.keys, table.places, table.codes, table.scales, out,
        )  # fmt: skip
        return out


@cache
def _load_table() -> _Table:
    from corpus_guard.sketch.kernels.embed import piece_hash
    from corpus_guard.sketch.kernels.ngrams import build_table

    with (
        as_file(files("corpus_guard.data") / "static_minilm.arrow") as path,
        pa.OSFile(str(path)) as source,
    ):
        model = pa.ipc.open_file(source).read_all().combine_chunks()
    pieces = model["piece"].to_pylist()
    codes = model["vector"].chunk(0)
    keys = np.empty(len(pieces), np.uint64)
    for row, piece in enumerate(pieces):
        suffix = piece.startswith("##") and len(piece) > 2
        points = np.array([ord(char) for char in (piece[2:] if suffix else piece)], np.uint32)
        keys[row] = piece_hash(points, suffix)
    table, index = build_table(keys)
    width = codes.type.list_size
    return _Table(
        keys=table,
        places=index,
        codes=codes.flatten().to_numpy(zero_copy_only=False).reshape(-1, width),
        scales=model["scale"].chunk(0).to_numpy(zero_copy_only=False),
        fold=_accent_folds(),
    )


def _accent_folds() -> npt.NDArray[np.uint32]:
    """Return, for the code points below U+0180, the base letter that the teacher's vocabulary uses."""
    folds = np.arange(0x180, dtype=np.uint32)
    for point in range(0xC0, 0x180):
        base = unicodedata.normalize("NFD", chr(point).lower())[0]
        folds[point] = ord(base)
    return folds
