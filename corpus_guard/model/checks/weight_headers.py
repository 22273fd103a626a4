"""CG604: headers of weight files that are malformed or hostile.

A header that claims more than the file holds makes a reader allocate it; tensors that overlap or leave
holes hide bytes. Each safetensors and GGUF file is held against its format. Nothing of the numbers is
looked at.
"""

from collections.abc import Iterator

from corpus_guard.escape import safe_text
from corpus_guard.model.checks.rule import Rule
from corpus_guard.model.files import Folder
from corpus_guard.model.headers import Header, HeaderError, read_gguf, read_safetensors
from corpus_guard.probe_types import FileFinding

_RULE = Rule("CG604", "Get the file again; if it is the same, do not load it with anything.")


def header_of(folder: Folder, name: str) -> Header:
    """Return the header of a weight file; raise HeaderError or OSError where that cannot be had."""
    read = read_gguf if name.lower().endswith(".gguf") else read_safetensors
    return read(folder.path(name))


def check(folder: Folder) -> Iterator[FileFinding]:
    """Yield a finding for every safetensors or GGUF file that is not as its format says."""
    for name in folder.ending(".safetensors", ".gguf"):
        try:
            header_of(folder, name)
        except (HeaderError, OSError) as error:
            why = str(error) if isinstance(error, HeaderError) else "the file cannot be read"
            yield _RULE.finding(
                "high", name, "The header of a weight file is malformed",
                f"{safe_text(name, 200)} was refused: {why}.", reason=why,
            )  # fmt: skip
