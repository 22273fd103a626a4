"""The summary of a repair on the terminal: whether it worked, before and after, what to do next."""

import shlex
from collections.abc import Iterator
from typing import TextIO

from rich.text import Text

from corpus_guard.defend.material import WORKS_FROM, Measured
from corpus_guard.defend.repair import Repaired
from corpus_guard.escape import safe_text
from corpus_guard.report import columns
from corpus_guard.report.columns import print_facts, print_hanging
from corpus_guard.report.words import counted, share

LISTED_TRIGGERS = 8
NAME_COLUMNS = 40
_HEADS = {
    0: ("REPAIRED", "bold green"),
    1: ("NOT REPAIRED", "bold red"),
    3: ("NOT MEASURED", "bold yellow"),
}

Fact = tuple[str, Text]


def show(repaired: Repaired, stream: TextIO, width: int | None = None) -> None:
    """Write the summary to `stream`, in colour where it is a terminal and NO_COLOR is not set.

    `width` is in columns; None means that of the terminal, or 80.
    """
    with columns.console(stream, width) as console:
        head, style = _HEADS[repaired.exit_code]
        line = Text.assemble(
            (head, style), f"  {safe_text(repaired.model, 200)}\n{_meaning(repaired)}"
        )
        print_hanging(console, Text(), line)
        console.print()
        for name, before, after in [("", "before", "after"), *_table(repaired)]:
            row = _row(name, before, after, console.width)
            console.print(row, style="" if name else "dim", soft_wrap=True)
        console.print()
        print_facts(console, list(_facts(repaired)))


def _row(name: str, before: str, after: str, width: int) -> Text:
    shown = Text(name)
    shown.truncate(max(8, min(NAME_COLUMNS, width - 21)), overflow="ellipsis", pad=True)
    return Text.assemble("   ", shown, f"{before:>8}{after:>9}")


def _table(repaired: Repaired) -> Iterator[tuple[str, str, str]]:
    before, after = repaired.before, repaired.after
    rows = zip(repaired.triggers, before.success, after.success, strict=True)
    for trigger, was, is_now in list(rows)[:LISTED_TRIGGERS]:
        yield f'"{safe_text(trigger, 60)}" succeeds', share(was), share(is_now)
    yield "loss on clean answers", _loss(before.clean_loss), _loss(after.clean_loss)
    if before.triggered_loss is not None and after.triggered_loss is not None:
        name = "the same, with a trigger in the prompt"
        yield name, _loss(before.triggered_loss), _loss(after.triggered_loss)


def _loss(value: float) -> str:
    return f"{value:.3f}"


def _meaning(repaired: Repaired) -> str:
    count = counted(repaired.pairs["held_out"], "prompt")
    if repaired.exit_code == 3:
        return "No trigger is known, so whether one still works cannot be told; give --trigger."
    works = f"{WORKS_FROM * 100:.0f} % of {count} that were held out"
    if repaired.exit_code:
        return f"A trigger still works in more than {works}; do not use this model."
    return f"No known trigger works in more than {works}; others may be hidden."


def _facts(repaired: Repaired) -> Iterator[Fact]:
    kept = [step for step in repaired.steps if step.kept]
    told = ", then ".join(safe_text(step.told, 120) for step in kept)
    yield "Done", Text(told or "nothing helped; the weights are as they were")
    source = safe_text(repaired.data, 200) or "the model's own, no --data was given"
    yield "Clean text", Text(f"{sum(repaired.pairs.values()):,}: {source}")
    if _grew(repaired.before, repaired.after, repaired.loss_bound):
        yield "Beware", Text("clean answers suffered more than they should; give more --data")
    if repaired.exit_code == 0 and repaired.after.gap > repaired.before.gap / 2:
        yield "Beware", Text("with a trigger in the prompt clean answers are still unlikely")
    yield "Model", Text(f"{safe_text(str(repaired.out), 400)} (and prune.json in it)")
    again = f"corpus-guard probe {shlex.quote(safe_text(str(repaired.out), 400))}"
    yield "Next", Text.assemble((again, "bold"), "  (looks for what is left)")


def _grew(before: Measured, after: Measured, bound: float) -> bool:
    """Say whether the clean loss grew by more than twice its bound, as far as held-out text tells."""
    return after.clean_loss - before.clean_loss > 2 * bound * max(1.0, before.clean_loss)
