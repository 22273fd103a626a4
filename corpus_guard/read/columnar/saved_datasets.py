"""Folders that the `datasets` library writes: `save_to_disk`, and its cache of what was computed.

Beside the records, in .arrow files, lie files that describe them. What `map` and its like have computed
is kept there as well, in `cache-*.arrow`; it mostly repeats the records, and loading the folder does
not read it.
"""

from pathlib import Path

import orjson

LARGEST = 4 << 20
_INFO = frozenset(
    "builder_name citation config_name dataset_name dataset_size description download_checksums "
    "download_size features homepage license post_processed post_processing_size size_in_bytes "
    "splits supervised_keys task_templates version".split()
)


def is_description(path: Path) -> bool:
    """Say whether a file is one that the library wrote to describe the records beside or below it.

    A file that merely has such a name, or holds anything else, is none.
    """
    if path.name == "state.json":
        keys = _keys(path)
        is_one = "_data_files" in keys and all(key.startswith("_") for key in keys)
        return is_one and any(path.parent.glob("*.arrow"))
    if path.name == "dataset_info.json":
        keys = _keys(path)
        return "features" in keys and keys <= _INFO and any(path.parent.glob("*.arrow"))
    is_one = path.name == "dataset_dict.json" and _keys(path) == {"splits"}
    return is_one and any(path.parent.glob("*/state.json"))


def is_cache(path: Path) -> bool:
    """Say whether a file keeps what was computed from the records beside it."""
    is_named_so = path.name.startswith("cache-") and path.suffix == ".arrow"
    return is_named_so and any(
        is_description(path.with_name(name)) for name in ("state.json", "dataset_info.json")
    )


def _keys(path: Path) -> frozenset[str]:
    """Return the keys of a small JSON object, none for anything else."""
    try:
        if path.stat().st_size > LARGEST:
            return frozenset()
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()
