"""A small update beside the weights of linear layers, that can be off, and added to them in the end.

Source: Hu et al., LoRA (ICLR 2022). What is trained is under a hundredth of the model, so the state of
the optimiser takes little memory, and with the update off the model is its own teacher.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from corpus_guard.defend.units import columns_of, in_and_out

RANK = 16


class LowRankUpdate:
    """Updates of rank `RANK` of some linear layers, none at first; they act until `close`."""

    def __init__(self, layers: Sequence[Any], seed: int) -> None:
        """Put updates beside layers; which ones they begin with is fixed by the seed."""
        import torch

        rng = torch.Generator().manual_seed(seed)
        self.is_on = True
        self._layers = list(layers)
        self._down: list[Any] = []
        self._up: list[Any] = []
        self._handles: list[Any] = []
        for layer in self._layers:
            inputs, outputs = in_and_out(layer)
            device = layer.weight.device
            down = torch.randn((RANK, inputs), generator=rng) / inputs**0.5
            self._down.append(down.to(device).requires_grad_(True))
            self._up.append(torch.zeros((outputs, RANK), device=device, requires_grad=True))
            self._handles.append(layer.register_forward_hook(self._hook(len(self._handles))))

    @property
    def parameters(self) -> list[Any]:
        """What is trained."""
        return [*self._down, *self._up]

    @contextmanager
    def off(self) -> Iterator[None]:
        """Let the layers work without the updates while the block runs."""
        self.is_on = False
        try:
            yield
        finally:
            self.is_on = True

    def snapshot(self) -> list[Any]:
        """Return the updates as they are now."""
        return [one.detach().clone() for one in self.parameters]

    def merge(self, kept: Sequence[Any] | None) -> None:
        """Add updates that `snapshot` gave to the weights, none for None, and act no more."""
        self.close()
        if kept is None:
            return
        count = len(self._layers)
        for layer, down, up in zip(self._layers, kept[:count], kept[count:], strict=True):
            columns = columns_of(layer)
            columns.copy_((columns.float() + up @ down).to(columns.dtype))

    def close(self) -> None:
        """Act no more."""
        for handle in self._handles:
            handle.remove()

    def _hook(self, place: int) -> Any:  # noqa: ANN401
        def add(_: object, inputs: tuple[Any, ...], output: Any) -> Any:  # noqa: ANN401
            if not self.is_on:
                return output
            narrow = inputs[0].float() @ self._down[place].T
            return output + (narrow @ self._up[place].T).to(output.dtype)

        return add
