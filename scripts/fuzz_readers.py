"""Feed a reader with mutated files, guided by coverage, and check that every byte is accounted for.

    python scripts/fuzz_readers.py --reader jsonl [--seconds 60] [--seed 1] [--keep DIR]

Needs `pip install atheris`. The seeds are the inputs of tests/hostile in that format. An exception, an
unaccounted byte or an input that takes over 10 s stops the run; the input is kept in DIR. The last
lines tell how many inputs were run. `--reader all` runs one after the other.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

with atheris.instrument_imports(include=["corpus_guard.read", "corpus_guard.escape"]):
    from corpus_guard import plugins
    from corpus_guard.config import ReadOptions
    from corpus_guard.read.opening import sniff_compression
    from corpus_guard.read.shards import plan_shards, read_here
    from corpus_guard.types import RecordBlock, SourceFile

from hostile import crawled, damage, packed, texts

OPTIONS = ReadOptions(max_record_bytes=20_000)
LONGEST_INPUT = 8192


def seeds(reader: str, folder: Path) -> None:
    """Write the small hostile inputs of a format as a corpus to start from."""
    spec = plugins.load("read", reader).spec
    for place, case in enumerate(
        [*texts.cases(), *damage.cases(), *packed.cases(), *crawled.cases()]
    ):
        if case.file.endswith(spec.extensions):
            data = case.make()
            if len(data) <= LONGEST_INPUT:
                (folder / f"{place:04}").write_bytes(data)


class Target:
    """Reads one input as a file of the format, whole and in two shards."""

    def __init__(self, reader: str, path: Path) -> None:
        """Read inputs as `reader` does, from `path`."""
        self._reader = reader
        self._path = path

    def __call__(self, data: bytes) -> None:
        """Raise an error where the reader does not keep its promises."""
        self._path.write_bytes(data)
        file = SourceFile(
            index=0, path=self._path, name="fuzzed", format=self._reader,
            compression=sniff_compression(data[:16]), size_bytes=len(data),
        )  # fmt: skip
        whole = self._read(file, max(1, len(data)))
        if file.compression == "none":
            parts = self._read(file, max(1, len(data) // 2))
            if whole != parts:
                raise AssertionError("shards make a difference")

    def _read(self, file: SourceFile, shard_bytes: int) -> list[bytes]:
        digests: list[bytes] = []
        for shard in plan_shards([file], OPTIONS, shard_bytes):
            accounted = 0
            for item in read_here(shard, OPTIONS):
                if isinstance(item, RecordBlock):
                    accounted += item.bytes_read
                    digests += item.digests
                elif item.kind == "bytes":
                    accounted += item.size_bytes
            if abs(accounted - (shard.end - shard.start)) > 1:  # a cut member may count 1 twice
                raise AssertionError(f"{accounted} of {shard.end - shard.start} bytes")
        return digests


def fuzz(reader: str, seconds: int, seed: int, keep: Path) -> None:
    """Fuzz one reader in this process; never returns."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "seeds"
        folder.mkdir()
        seeds(reader, folder)
        arguments = [
            sys.argv[0], f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=10",
            f"-max_len={LONGEST_INPUT}", "-rss_limit_mb=2048", "-print_final_stats=1",
            "-verbosity=0", f"-artifact_prefix={keep}/{reader}-", str(folder),
        ]  # fmt: skip
        atheris.Setup(arguments, Target(reader, Path(scratch) / "input"))
        atheris.Fuzz()


def main() -> None:
    """Fuzz the reader that is named, or each in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", default="all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("crashes"))
    given = parser.parse_args()
    if given.reader != "all":
        fuzz(given.reader, given.seconds, given.seed, given.keep)
    failed = []
    for reader in plugins.names("read"):
        command = [sys.executable, __file__, "--reader", reader, "--seconds", str(given.seconds),
                   "--seed", str(given.seed), "--keep", str(given.keep)]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True)  # noqa: S603  # this script
        told = [line for line in ran.stderr.splitlines() if "number_of_executed_units" in line]
        count = told[0].split()[-1] if told else "?"
        print(
            f"{reader:10} {count:>9} inputs  {'ok' if ran.returncode == 0 else 'FAILED'}",
            flush=True,
        )
        if ran.returncode:
            failed.append(reader)
            print("\n".join(ran.stderr.splitlines()[-30:]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
