"""The options of a probe, as a command line or a program gives them, checked."""

from pathlib import Path

from corpus_guard.errors import UsageError
from corpus_guard.flow.model_options import context_of, seconds_of
from corpus_guard.flow.probe import ProbeOptions

EFFORTS = {"quick": ("3m", 99), "default": ("10m", 199), "full": ("30m", 999)}
"""The processor time and the decoys of each effort."""


def probe_options(
    *,
    base: str | None = None,
    adapter: str | None = None,
    triggers: Path | tuple[str, ...] | None = None,
    context: str = "",
    prompts: str | None = None,
    stages: tuple[str, ...] = (),
    budget: str | float | None = None,
    decoys: int | None = None,
    quick: bool = False,
    full: bool = False,
    device: str = "auto",
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = True,
) -> ProbeOptions:
    """Return the options of a probe; raise UsageError for one that is wrong."""
    if quick and full:
        raise UsageError("--quick and --full exclude each other; give one")
    effort = "quick" if quick else "full" if full else "default"
    usual, count = EFFORTS[effort]
    if decoys is not None and not 9 <= decoys <= 99_999:
        raise UsageError(f"decoys is {decoys}; give 9 to 99999, or leave it out")
    return ProbeOptions(
        base=base,
        adapter=adapter,
        triggers=triggers,
        context=context_of(context),
        prompts=prompts,
        stages=stages,
        budget_s=seconds_of(usual if budget is None else budget),
        decoys=count if decoys is None else decoys,
        effort=effort,
        device=device,
        seed=seed,
        out=None if out is None else Path(out),
        resume=resume,
    )
