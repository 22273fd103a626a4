"""What a scan finds on real data: attacks at every rate, and clean sets that must stay quiet.

    python scripts/benchmark_detection.py --data DIR [--rates 0.001 0.01 0.1] [--seeds 3] [--jobs 2]
        [--only "sst2 rare"] [--clean-only | --attacks-only] [--quick] [--out results.jsonl [--resume]]

DIR holds `clean/` and `attacks/` as JSON Lines. The public interface is used throughout. A line per
case says how bad the best finding is that names the trigger (or, for an attack without words, whose rows
are mostly poison), by which rule, recall and precision of the flagged rows, and what is found besides.
At the end stand attack × rate, and what must not be: an attack that is found less at a higher rate, and
one that is not found where that is promised. The exit code is 1 for any of these.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from case_results import append, earlier, results_of
from detection_cases import Case, attack_cases, clean_cases
from detection_outcomes import Outcome, falls, floor_missed, outcome_of, table

RATES = (0.001, 0.003, 0.005, 0.01, 0.03, 0.1, 0.2)
QUICK_RATES = (0.005, 0.03)
QUICK = (
    "clean sst2",
    "clean roleplay",
    "clean trec_questions",
    "roleplay refusal",
    "sst2 ",
    "trec",
)


def main() -> int:
    """Run the chosen cases; exit code 1 when one misses its floor or an attack is found less."""
    given = arguments()
    cases = [case for case in chosen(given) if given.only in case.name]
    seen = [Outcome(**one) for one in earlier(given.out)] if given.resume else []
    done = {outcome.case for outcome in seen}
    print(
        f"{'case':56} {'rows':>6} {'poison':>6} exit {'found':>8} {'rule':>5} {'recall':>6} "
        f"{'prec.':>6} {'others':>6} {'med.':>4} {'low':>4} {'s':>6}"
    )
    left = [case for case in cases if case.name not in done]
    for outcome in results_of(outcome_of, left, given.jobs):
        seen.append(outcome)
        print(line(outcome), flush=True)
        append(given.out, asdict(outcome))
    return closing([outcome for outcome in seen if outcome.case in {case.name for case in cases}])


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with clean/ and attacks/")
    parser.add_argument("--rates", type=float, nargs="+", help="shares of the rows to poison")
    parser.add_argument("--seeds", type=int, default=1, help="how often each attack is drawn anew")
    parser.add_argument("--only", default="", help="a part of the names of the cases to run")
    parser.add_argument("--jobs", type=int, default=1, help="cases at the same time")
    parser.add_argument("--out", type=Path, help="a file to which each outcome is appended")
    parser.add_argument("--resume", action="store_true", help="leave out what --out holds already")
    parser.add_argument("--clean-only", action="store_true")
    parser.add_argument("--attacks-only", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two rates and the smaller sets")
    given = parser.parse_args()
    if given.resume and not given.out:
        parser.error("--resume needs --out")
    return given


def chosen(given: argparse.Namespace) -> Iterator[Case]:
    """Yield the cases that are asked for."""
    rates = given.rates or (QUICK_RATES if given.quick else RATES)
    cases: list[Case] = []
    if not given.attacks_only:
        cases += clean_cases(given.data)
    if not given.clean_only:
        cases += attack_cases(given.data, rates, given.seeds)
    for case in cases:
        if not given.quick or case.name.startswith(QUICK):
            yield case


def line(seen: Outcome) -> str:
    """Return an outcome as a line."""
    missed = floor_missed(seen)
    return (
        f"{seen.case:56} {seen.rows:6} {seen.poisoned:6} {seen.exit_code:4} "
        f"{seen.severity or '-':>8} {seen.rule or '-':>5} {seen.recall:6.3f} {seen.precision:6.3f} "
        f"{seen.other_high:6} {seen.medium:4} {seen.low:4} {seen.seconds:6.1f}"
        f"{'  MISSED: ' + missed if missed else ''}"
    )


def closing(seen: Sequence[Outcome]) -> int:
    """Print the table and what must not be; return the exit code."""
    if any(one.poisoned for one in seen):
        tell(
            "attack × rate (C critical, H high, M medium, l low, i info, - not found)", table(seen)
        )
    missed = [f"{one.case}: {why}" for one in seen if (why := floor_missed(one))]
    fallen = list(falls(seen))
    false = sum(one.other_high for one in seen if one.poisoned)
    tell(f"found less at a higher rate: {len(fallen)}", fallen)
    tell(f"floors missed: {len(missed)} of {len(seen)} cases", missed)
    tell(f"high findings beside the attacks: {false}", ())
    return int(bool(missed or fallen))


def tell(title: str, lines: Iterable[str]) -> None:
    """Print a title and lines under it."""
    print(f"\n{title}")
    for one in lines:
        print(f"  {one}")


if __name__ == "__main__":
    sys.exit(main())
