import os
import subprocess
import sys

UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
HEAVY = {"faiss", "numba", "numpy", "pyarrow", "rich", "scipy", "sklearn", "torch", "transformers"}
SECONDS = 0.3
PROBE = """
import sys
{code}
print(*(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def imported_by(code: str) -> str:
    probe = PROBE.format(code=code, heavy=sorted(HEAVY))
    ended = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return ended.stderr.strip()


def test_help_imports_nothing_heavy() -> None:
    assert imported_by("from corpus_guard.cli import run; run(['--help'])") == ""


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert imported_by("import corpus_guard") == ""


def test_help_is_there_at_once() -> None:
    """Processor time, the best of five, so that a busy machine does not matter."""
    assert min(_seconds_of_help() for _ in range(5)) < SECONDS


def _seconds_of_help() -> float:
    before = os.times()
    command = [sys.executable, "-m", "corpus_guard", "--help"]
    subprocess.run(command, env=UNTRACED, capture_output=True, check=True)
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
