"""The states of a model after its first layers: what it makes of a word before it answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from corpus_guard.errors import NotAssessed, UsageError
from corpus_guard.model.layers import layers_of

if TYPE_CHECKING:
    from corpus_guard.model.causal import CausalModel

ROWS = 256


def early_states(
    model: "CausalModel", tokens: Sequence[int], depth: float, before: Sequence[int] | None = None
) -> npt.NDArray[np.float32]:
    """Return the state of each token after a share of the layers, (n, d).

    Each stands after the tokens `before`; at the start of a prompt where they are left out.

    Raises NotAssessed for an architecture whose layers are not known.
    """
    import torch

    found = []
    prefix = list(model.frame.before if before is None else before)
    with torch.inference_mode():
        model.share(prefix)  # before the hook is there: it would stop this too
    with torch.inference_mode(), _stopping(model.model, depth) as seen:
        for start in range(0, len(tokens), ROWS):
            some = torch.tensor(list(tokens[start : start + ROWS]))[:, None]
            try:
                model.read(some, prefix)
            except _Stopped:
                found.append(seen.pop().float().cpu().numpy())
    return np.concatenate(found)


class _Stopped(Exception):  # noqa: N818
    """A model was read as far as is needed."""


@contextmanager
def _stopping(model: Any, depth: float) -> Iterator[list[Any]]:  # noqa: ANN401
    """Give a list that gets the last token's state after some layers; there the model stops."""
    try:
        layers = layers_of(model)
    except UsageError as error:
        raise NotAssessed(str(error)) from error
    seen: list[Any] = []

    def stop(_: object, __: object, told: Any) -> None:  # noqa: ANN401
        seen.append((told[0] if isinstance(told, tuple) else told)[:, -1])
        raise _Stopped

    hook = layers[
        max(0, min(len(layers) - 1, round(depth * len(layers)) - 1))
    ].register_forward_hook(stop)
    try:
        yield seen
    finally:
        hook.remove()
