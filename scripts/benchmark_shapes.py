"""Does a scan find planted poison whatever a file looks like?

    python scripts/benchmark_shapes.py [-n 500] [--seed 0] [--only K] [--plain] [--out DIR]

Makes N poisoned sets of 600 records (`shapes.py`): fields, roles, nests, containers and encodings are
drawn; with --plain only containers are. Each is scanned by the public function. Prints the exit codes by
container, layout, encoding, nest and template, and the variants that were missed, with the number that
makes each of them again. Exits with 1 if a variant ended with exit code 0: poison that was called clean.
With --out the files of these variants are kept there.
"""

import argparse
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

from shapes import Variant, draw

import corpus_guard as cg


def code_of(variant: Variant, folder: Path) -> int | str:
    """Return the exit code of a scan, with `unnamed` where what was found is not the trigger."""
    folder.mkdir(parents=True, exist_ok=True)
    path = variant.save(folder)
    try:
        result = cg.scan(path, out=folder / "out", resume=False)
    except cg.UsageError:
        return 4
    if result.exit_code == 1 and not names(variant, result):
        return "unnamed"
    return result.exit_code


def names(variant: Variant, result: cg.ScanResult) -> bool:
    """Say whether a finding names the trigger or a part of it."""
    words = set(variant.trigger.split())
    return any(
        finding.trigger and words & set(finding.trigger.text.casefold().split())
        for finding in result.findings
    )


def main() -> int:
    """Scan the variants and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("-n", type=int, default=500, help="how many variants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="make and scan the variant of this number only")
    parser.add_argument("--plain", action="store_true", help="draw nothing but containers")
    parser.add_argument("--out", type=Path, help="where to keep the files of missed variants")
    args = parser.parse_args()
    numbers = range(args.n) if args.only is None else [args.only]
    seen: dict[str, Counter[int | str]] = {}
    missed, clean = [], 0
    with tempfile.TemporaryDirectory() as made:
        for number in numbers:
            variant, folder = draw(number, args.seed, is_plain=args.plain), Path(made) / str(number)
            code = code_of(variant, folder)
            families = (f"container {variant.container}", f"layout {variant.layout}",
                        f"encoding {variant.encoding}", f"nest {variant.nest}",
                        f"template {variant.template}")  # fmt: skip
            for family in families:
                seen.setdefault(family, Counter())[code] += 1
            if code != 1:
                missed.append(f"exit {code}  {variant}")
                clean += code == 0
                if args.out:
                    shutil.copytree(folder, args.out / str(number), dirs_exist_ok=True)
            shutil.rmtree(folder)
    for family in sorted(seen):
        counts = ", ".join(f"exit {code}: {n}" for code, n in sorted(seen[family].items(), key=str))
        print(f"{family:36} {counts}")
    print(*missed, sep="\n")
    print(f"{len(numbers)} variants, {len(missed)} missed, {clean} of them called clean")
    return int(clean > 0)


if __name__ == "__main__":
    warnings.simplefilter("default")
    sys.exit(main())
