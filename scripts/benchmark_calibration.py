"""Whether q-values mean what they say: findings of triggers in data whose outcomes were permuted.

    python scripts/benchmark_calibration.py --data DIR [--copies 20] [--sets sst2 roleplay]
        [--strata all clusters] [--clusters 20] [--rows 0 1000] [--jobs 2] [--out results.jsonl]
        [--plot reliability.svg]

DIR holds `clean/` as JSON Lines. In each copy of a set the labels, or the answers, change places: among
all rows, or among rows whose texts are alike (k-means on the vectors of the built-in embedder), so that
content still predicts the outcome and no word does beyond that. Whatever the rules of association find
there is false: with q <= t, about t findings a run may be. Printed are the share of runs with a finding
of medium or worse at q <= .01, by set and by size, and how many findings the runs have at each q;
plotted, the same as a curve. The exit code is 1 where more than 1 % of the runs have such a finding.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from case_results import append, earlier, results_of
from detection_cases import clean_set
from planting import Record
from reliability_plot import reliability_svg
from scipy.stats import binom

import corpus_guard as cg

RULES = ("CG201", "CG202", "CG203")
OUTCOMES = ("label", "output")
SERIOUS = ("critical", "high", "medium")
LEVEL = 0.01
MOST_RUNS = 0.01
EDGES = (0.0, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.3, 1.0)
SIZES = (0, 2000, 8000, 10**9)


@dataclass(frozen=True)
class Copy:
    """A set whose outcomes are permuted inside strata; `rows` of it, or all for 0."""

    data: Path
    base: str
    strata: str
    clusters: int
    rows: int
    number: int

    @property
    def name(self) -> str:
        """What the copy is called."""
        size = f" {self.rows} rows" if self.rows else ""
        return f"{self.base}{size} {self.strata} {self.number}"

    def records(self) -> list[Record]:
        """Return the records."""
        base, field = sample(self.data, self.base, self.rows), outcome_field(self.data, self.base)
        random = Random(f"{self.name}")
        found = [dict(record) for record in base]
        for rows in self._strata():
            moved = list(rows)
            random.shuffle(moved)
            for row, other in zip(rows, moved, strict=True):
                found[row][field] = base[other][field]
        return found

    def _strata(self) -> Sequence[Sequence[int]]:
        if self.strata == "all":
            return [range(len(sample(self.data, self.base, self.rows)))]
        return content_clusters(self.data, self.base, self.rows, self.clusters)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was found in a copy: rule, severity and q-value of each finding."""

    copy: str
    base: str
    strata: str
    rows: int
    found: list[tuple[str, str, float]]
    seconds: float = 0.0

    @property
    def is_false_alarm(self) -> bool:
        """Say whether there is a finding of medium or worse at LEVEL."""
        return any(severity in SERIOUS and q <= LEVEL for _, severity, q in self.found)


def main() -> int:
    """Run all copies; exit code 1 when too many have a finding."""
    given = arguments()
    runs = [Run(**one) for one in earlier(given.out)] if given.resume else []
    done = {run.copy for run in runs}
    left = [copy for copy in copies(given) if copy.name not in done]
    for run in results_of(scanned, left, given.jobs):
        runs.append(run)
        append(given.out, asdict(run))
        told = [f"{rule} {severity} q {q:.2g}" for rule, severity, q in run.found]
        print(
            f"{run.copy:44} {run.rows:6} rows {run.seconds:6.1f} s  {'; '.join(told[:3])}",
            flush=True,
        )
    for line in summary(runs):
        print(line)
    if given.plot:
        given.plot.write_text(reliability_svg(values_by_rule(runs), len(runs)), encoding="utf-8")
    return int(sum(run.is_false_alarm for run in runs) > MOST_RUNS * len(runs))


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with clean/")
    parser.add_argument("--copies", type=int, default=20, help="copies of each set")
    parser.add_argument("--sets", nargs="+", help="names of sets; all with labels or answers")
    parser.add_argument(
        "--strata", nargs="+", choices=("all", "clusters"), default=("all", "clusters")
    )
    parser.add_argument("--clusters", type=int, default=20, help="how many of alike texts")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=(0,), help="sizes of samples; 0 for all rows"
    )
    parser.add_argument("--jobs", type=int, default=1, help="copies at the same time")
    parser.add_argument("--out", type=Path, help="a file to which each run is appended")
    parser.add_argument("--resume", action="store_true", help="leave out what --out holds already")
    parser.add_argument("--plot", type=Path, help="where the reliability curve goes, as SVG")
    given = parser.parse_args()
    if given.resume and not given.out:
        parser.error("--resume needs --out")
    return given


def copies(given: argparse.Namespace) -> Iterator[Copy]:
    """Yield the copies of every chosen set that has outcomes."""
    sets = given.sets or [path.stem for path in sorted((given.data / "clean").glob("*.jsonl"))]
    for base in (base for base in sets if outcome_field(given.data, base)):
        for rows in given.rows:
            if rows < len(clean_set(given.data, base)):
                for strata in given.strata:
                    for number in range(given.copies):
                        yield Copy(given.data, base, strata, given.clusters, rows, number)


def scanned(copy: Copy) -> Run:
    """Return what the rules of association find in a copy."""
    records = copy.records()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        result = cg.scan(path, out=Path(folder) / "out", rules=RULES)
    return Run(
        copy=copy.name,
        base=copy.base,
        strata=copy.strata,
        rows=len(records),
        found=[(one.rule, one.severity, one.q_value) for one in result.findings],
        seconds=round(result.timing["total"], 2),
    )


def outcome_field(data: Path, base: str) -> str:
    """Return the field that holds a set's outcomes; empty for a set without."""
    first = clean_set(data, base)[0]
    return next((field for field in OUTCOMES if field in first), "")


@cache
def sample(data: Path, base: str, rows: int) -> Sequence[Record]:
    """Return some rows of a set, the same for all its copies; all for 0."""
    records = list(clean_set(data, base))
    return Random(0).sample(records, rows) if rows else records


@cache
def content_clusters(data: Path, base: str, rows: int, clusters: int) -> list[list[int]]:
    """Return the rows of a set by the cluster of their texts."""
    from sklearn.cluster import MiniBatchKMeans

    vectors = text_vectors(sample(data, base, rows))
    fitted = MiniBatchKMeans(n_clusters=clusters, random_state=0, n_init=3).fit(vectors)
    members: dict[int, list[int]] = defaultdict(list)
    for row, cluster in enumerate(fitted.labels_.tolist()):
        members[cluster].append(row)
    return list(members.values())


def text_vectors(records: Sequence[Record]) -> npt.NDArray[np.float32]:
    """Return the vectors of texts or prompts, (n, d) float32, by the built-in embedder."""
    from corpus_guard.laws.batches import batch_of
    from corpus_guard.sketch.rows.batch import Rows
    from corpus_guard.sketch.text.embedder import open_embedder

    embedder = open_embedder("builtin")
    if embedder is None:
        raise TypeError("there is no built-in embedder")
    return embedder.embed(Rows.of(batch_of(records), 0, {}).input)


def values_by_rule(runs: Sequence[Run]) -> Mapping[str, list[float]]:
    """Return the q-values of all findings by rule."""
    found: dict[str, list[float]] = {rule: [] for rule in RULES}
    for run in runs:
        for rule, _, q in run.found:
            found.setdefault(rule, []).append(q)
    return found


def summary(runs: Sequence[Run]) -> Iterator[str]:
    """Yield runs with a false finding by set and by size, and findings by q-value, as lines."""
    yield f"\nruns with a finding of medium or worse at q <= {LEVEL:g}, and their share"
    for name, some in sorted(_grouped(runs, lambda run: f"{run.base}, {run.strata}").items()):
        yield _share(name, some)
    for low, high in pairwise(SIZES):
        some = [run for run in runs if low <= run.rows < high]
        if some:
            yield _share(
                f"{low} to {high - 1} rows" if high < SIZES[-1] else f"{low} rows on", some
            )
    yield _share("all", runs)
    yield ""
    yield f"{'q-value':>18} {'findings':>9} {'serious':>8} {'a run, up to here':>18} {'may be':>8}"
    every = [(q, severity in SERIOUS) for run in runs for _, severity, q in run.found]
    for least, most in pairwise((-1.0, *EDGES[1:])):
        inside = [is_serious for q, is_serious in every if least < q <= most]
        until = sum(q <= most for q, _ in every) / max(1, len(runs))
        yield (
            f"{max(least, 0.0):8.0e} to {most:6.0e} {len(inside):9} {sum(inside):8} {until:18.4f} "
            f"{most:8.0e}{'  TOO MANY' if _is_too_many(until, most, len(runs)) else ''}"
        )


def _is_too_many(a_run: float, level: float, runs: int) -> bool:
    """Say whether chance explains so many findings in one of 1,000 benchmarks at most."""
    from scipy.stats import poisson

    return bool(poisson.sf(round(a_run * runs) - 1, level * runs) < 1e-3)


def _share(name: str, runs: Sequence[Run]) -> str:
    false = sum(run.is_false_alarm for run in runs)
    chance = binom.sf(false - 1, len(runs), MOST_RUNS)
    rules = Counter(
        rule for run in runs for rule, one, q in run.found if one in SERIOUS and q <= LEVEL
    )
    told = ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items()))
    return (
        f"{name:44} {false:4} of {len(runs):4}  {false / max(1, len(runs)):7.2%}"
        f"{f'  (by chance {chance:.2g}: {told})' if false else ''}"
    )


def _grouped(runs: Sequence[Run], by: Callable[[Run], str]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        found[by(run)].append(run)
    return found


if __name__ == "__main__":
    sys.exit(main())
