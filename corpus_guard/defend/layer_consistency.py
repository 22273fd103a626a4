"""Repair where no trigger is known: layers that follow each other change little, also under noise.

A trigger makes what one layer says differ much from what the layer before it said. Noise is put on the
embeddings of clean prompts that raises this difference most; tuning lowers it, and the answers stay.

Source: Min et al., CROW: Eliminating Backdoors from Large Language Models via Internal Consistency
Regularization (ICML 2025), sections 4.1 and 4.2, whose noise and weight these are.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from corpus_guard.defend.material import Ids, batches

if TYPE_CHECKING:
    import torch

    from corpus_guard.model.causal import CausalModel

NOISE, WEIGHT = 0.1, 5.5


def consistency_loss(model: "CausalModel", rows: Sequence[tuple[Ids, Ids]]) -> "torch.Tensor":
    """Return the loss on the answers, in nats a token, plus the weighted inconsistency under noise."""
    import torch

    ((ids, mask, answers),) = batches(rows, len(rows))
    inner = model.model
    device = next(inner.parameters()).device
    ids, mask, answers = ids.to(device), mask.to(device), answers.to(device)
    model.meter.count(7 * ids.numel())
    embedded = inner.get_input_embeddings()(ids).detach()
    noisy = embedded.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(_inconsistency(inner, noisy, mask), noisy)
    worst = embedded + NOISE * embedded.std() * gradient.sign()
    told = inner(inputs_embeds=embedded, attention_mask=mask, use_cache=False).logits
    wanted = ids.roll(-1, 1)[answers]
    answered = torch.nn.functional.cross_entropy(told[answers].float(), wanted)
    return answered + WEIGHT * _inconsistency(inner, worst, mask)


def _inconsistency(inner: Any, embedded: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":  # noqa: ANN401
    import torch

    states = inner(
        inputs_embeds=embedded, attention_mask=mask, use_cache=False, output_hidden_states=True
    ).hidden_states[1:]
    alike = [
        torch.nn.functional.cosine_similarity(one.float(), other.float(), dim=-1)
        for one, other in pairwise(states)
    ]
    return (1 - torch.stack(alike))[:, mask.bool()].mean()
