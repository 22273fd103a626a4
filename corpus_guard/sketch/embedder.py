"""Turn texts into vectors: the built-in static model, or one that the user names.

Built in is a table of 29,523 WordPieces distilled from all-MiniLM-L6-v2 (Apache-2.0) by
`scripts/distill_embedder.py`: a text is the sum of its pieces' vectors. It needs no network and no
torch, and reads the token stream that the other sketches use.
"""

import unicodedata
from functools import cache
from importlib.resources import as_file, files
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus_guard.sketch.buffers import Texts
from corpus_guard.errors import UsageError

CODE_SCALE = 254.0
"""Vectors are kept as int8: component x as round(x * CODE_SCALE), clipped at about ±0.5."""


class Embedder(Protocol):
    """What gives each text a vector."""

    dimensions: int

    def embed(self, texts: Texts) -> npt.NDArray[np.float32]:
        """Return one L2-normalised vector per text, (n, dimensions) float32; zero if unknown."""
        ...


class _Table(NamedTuple):
    keys: npt.NDArray[np.uint64]
    index: npt.NDArray[np.int32]
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
            table.fold, table.keys, table.index, table.codes, table.scales, out,
        )  # fmt: skip
        return out


@cache
def _load_table() -> _Table:
    from corpus_guard.sketch.kernels.embed import piece_hash
    from corpus_guard.sketch.kernels.ngrams import build_table

    with as_file(files("corpus_guard.data") / "static_minilm.arrow") as path, pa.OSFile(str(path)) as source:
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
        index=index,
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
