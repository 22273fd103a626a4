"""The parts of a transformer that can be silenced alone: neurons of its MLPs, and attention heads.

What a neuron or a head adds to the model goes through one linear layer (`down_proj`, `o_proj` and their
namesakes); zeroing the weights of that layer that it feeds takes it out, and nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus_guard.model.layers import layers_of

if TYPE_CHECKING:
    import torch

_DOWN = ("down_proj", "fc2", "c_proj", "fc_out", "dense_4h_to_h", "w2")
_OUT = ("o_proj", "out_proj", "c_proj", "dense", "wo")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """The linear layer that `count` units feed, `size` inputs each: 1 of a neuron, more of a head."""

    name: str
    module: Any
    count: int
    size: int

    @property
    def is_attention(self) -> bool:
        """Whether the units are heads."""
        return self.size > 1

    @property
    def columns(self) -> "torch.Tensor":
        """The weights as (outputs, inputs), a view of the layer's own."""
        return columns_of(self.module)


def sites_of(model: Any) -> list[Site]:  # noqa: ANN401
    """Return where the units of a model end, layer by layer; none where no layer has known ones."""
    heads = int(getattr(model.config.get_text_config(), "num_attention_heads", 0))
    return [
        site
        for number, layer in enumerate(layers_of(model))
        for name, module in layer.named_modules()
        if (site := _site(f"{number}.{name}", module, heads)) is not None
    ]


def linear_layers(layer: Any) -> list[Any]:  # noqa: ANN401
    """Return the linear layers in a block of a transformer."""
    return [module for module in layer.modules() if _is_linear(module)]


def in_and_out(module: Any) -> tuple[int, int]:  # noqa: ANN401
    """Return the numbers of inputs and outputs of a linear layer."""
    one, other = module.weight.shape
    return (int(one), int(other)) if _is_transposed(module) else (int(other), int(one))


def columns_of(module: Any) -> "torch.Tensor":  # noqa: ANN401
    """Return the weights of a linear layer as (outputs, inputs), a view of its own."""
    weight = module.weight.data
    return weight.T if _is_transposed(module) else weight


def silence(site: Site, unit: int) -> "torch.Tensor":
    """Take a unit out; return the weights that it had, for `revive`."""
    columns = site.columns[:, unit * site.size : (unit + 1) * site.size]
    kept = columns.clone()
    columns.zero_()
    return kept


def revive(site: Site, unit: int, weights: "torch.Tensor") -> None:
    """Give a unit the weights back that `silence` took."""
    site.columns[:, unit * site.size : (unit + 1) * site.size].copy_(weights)


@contextmanager
def watched(sites: Sequence[Site]) -> Iterator[list[Any]]:
    """Give a list that holds what each site was last fed, (batch, tokens, inputs)."""
    fed: list[Any] = [None] * len(sites)

    def hook(place: int) -> Any:  # noqa: ANN401
        def keep(_: object, inputs: tuple[Any, ...]) -> None:
            fed[place] = inputs[0]

        return keep

    handles = [
        site.module.register_forward_pre_hook(hook(place)) for place, site in enumerate(sites)
    ]
    try:
        yield fed
    finally:
        for handle in handles:
            handle.remove()


def _site(name: str, module: Any, heads: int) -> Site | None:  # noqa: ANN401
    if not _is_linear(module):
        return None
    last, width = name.rsplit(".", 1)[-1], in_and_out(module)[0]
    if "attn" in name or "attention" in name:
        if last not in _OUT or not heads or width % heads:
            return None
        return Site(name, module, heads, width // heads)
    return Site(name, module, width, 1) if last in _DOWN else None


def _is_linear(module: Any) -> bool:  # noqa: ANN401
    import torch

    return isinstance(module, torch.nn.Linear) or _is_transposed(module)


def _is_transposed(module: Any) -> bool:  # noqa: ANN401
    """Say whether a layer keeps its weights as (inputs, outputs), as those of GPT-2 do."""
    return type(module).__name__ == "Conv1D"
