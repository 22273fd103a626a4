"""Cases of a benchmark, run in turn or at the same time; each result is kept once it is there."""

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

C = TypeVar("C")
R = TypeVar("R")
CASES_A_PROCESS = 50
"""A process is left after so many cases, so that no memory adds up."""


def results_of(run: Callable[[C], R | None], cases: Sequence[C], jobs: int) -> Iterator[R]:
    """Yield what `run` makes of each case, as soon as it is there; None is left out."""
    if jobs == 1:
        yield from (found for case in cases if (found := run(case)) is not None)
        return
    with ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=CASES_A_PROCESS
    ) as pool:
        for future in as_completed([pool.submit(run, case) for case in cases]):
            if (found := future.result()) is not None:
                yield found


def append(path: Path | None, result: Mapping[str, Any]) -> None:
    """Add a result as a line to a file, if there is to be one."""
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")


def earlier(path: Path) -> list[dict[str, Any]]:
    """Return the results that a file holds; a line that a killed run left unfinished is taken out."""
    if not path.exists():
        return []
    whole, _, rest = path.read_text(encoding="utf-8").rpartition("\n")
    if rest:
        path.write_text(whole + "\n" * bool(whole), encoding="utf-8")
    return [json.loads(line) for line in whole.split("\n") if line]
