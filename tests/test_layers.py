import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_layer_rule_holds() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
