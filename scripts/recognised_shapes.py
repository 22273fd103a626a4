"""Print the table of recognised shapes, or put it into the README: `--write`."""

import re
import sys
from pathlib import Path

from corpus_guard.normalise.recognised import table

README = Path(__file__).parents[1] / "README.md"
PLACE = re.compile(r"(<!-- recognised shapes -->\n).*?(\n<!-- /recognised shapes -->)", re.DOTALL)


def main() -> None:
    """Print or write the table."""
    if sys.argv[1:] == ["--write"]:
        told = README.read_text(encoding="utf-8")
        README.write_text(PLACE.sub(lambda at: at[1] + table() + at[2], told), encoding="utf-8")
    else:
        print(table())


if __name__ == "__main__":
    main()
