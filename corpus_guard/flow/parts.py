"""Cut a target into parts: what one worker gathers at once, and what a journal keeps.

Small files share a part, so that ten thousand of them cost little more than one large file.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_guard import __version__, plugins
from corpus_guard.flow.gather import GatherPlan, Part
from corpus_guard.types import Shard, SourceFile

PART_BYTES = 32 << 20
PART_SHARDS = 4096


def plan_parts(
    shards: Sequence[Shard], plan: GatherPlan, part_bytes: int = PART_BYTES
) -> tuple[Part, ...]:
    """Return the shards in consecutive groups, each under a name that says what it rests on."""
    formats = sorted({shard.file.format for shard in shards})
    keys = _Keys(plan, _stamps(plan, formats))
    return tuple(Part(key=keys.of(group), shards=group) for group in _groups(shards, part_bytes))


def _groups(shards: Sequence[Shard], part_bytes: int) -> Iterator[tuple[Shard, ...]]:
    group: list[Shard] = []
    size = 0
    for shard in shards:
        more = shard.end - shard.start
        if group and (size + more > part_bytes or len(group) == PART_SHARDS):
            yield tuple(group)
            group, size = [], 0
        group.append(shard)
        size += more
    if group:
        yield tuple(group)


def _stamps(plan: GatherPlan, formats: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """Return what tells the version of each plugin that takes part in the first pass."""
    taking_part: tuple[tuple[plugins.Stage, Sequence[str]], ...] = (
        ("read", formats),
        ("sketch", (*plan.sketches.columns, *plan.sketches.summaries)),
        ("detect", plan.sketches.checks),
    )
    return tuple(plugins.stamp(stage, name) for stage, names in taking_part for name in names)


@dataclass(slots=True)
class _Keys:
    """Names parts so that equal names mean equal results: by file, options and version."""

    plan: GatherPlan
    stamps: tuple[tuple[str, int, int], ...]
    before: str = ""

    def of(self, group: Sequence[Shard]) -> str:
        wanted = hashlib.sha256(__version__.encode())
        plan = self.plan
        wanted.update(
            repr((plan.read, plan.sketches, plan.settings, plan.scheme, self.stamps)).encode()
        )
        for shard in group:
            what = (
                *_identity(shard.file),
                self.plan.layouts.get(shard.file.index),
                self.plan.threads.get(shard.file.index),
            )
            place = (shard.index, shard.file.index, shard.start, shard.end)
            wanted.update(repr((place, what)).encode("utf-8", "surrogateescape"))
        if self.plan.read.limit is not None:  # how far to read depends on all that comes before
            wanted.update(self.before.encode())
        self.before = wanted.hexdigest()[:32]
        return self.before


def _identity(file: SourceFile) -> tuple[object, ...]:
    """Return what tells a version of a file from another, without reading it."""
    told = (file.name, file.format, file.compression, file.encoding, file.size_bytes, file.path)
    if not isinstance(file.path, Path):
        return told
    now = file.path.stat()
    return (*told, now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
