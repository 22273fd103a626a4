from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from corpus_guard.config import ReadOptions
from corpus_guard.read import plan_shards, read_shard, resolve_targets
from corpus_guard.types import RecordBlock, Unread


@dataclass(slots=True)
class Reading:
    """Everything that came out of a file, its shards laid end to end."""

    rows: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    fields: list[Mapping[str, object]] = field(default_factory=list)
    oddities: list[str | None] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    bytes_read: int = 0
    size: int = 0

    @property
    def texts(self) -> list[object]:
        """The field `text` of every record."""
        return [record.get("text") for record in self.fields]

    @property
    def records(self) -> list[tuple[int, bytes, Mapping[str, object], str | None]]:
        """What does not depend on how the file was cut."""
        return list(zip(self.offsets, self.digests, self.fields, self.oddities, strict=True))


Read = Callable[..., Reading]


def read_file(path: Path, shard_bytes: int = 32 << 20, **options: object) -> Reading:
    """Read a file in shards of the given size."""
    wanted = ReadOptions(**options)  # type: ignore[arg-type]
    file = resolve_targets([str(path)], wanted, path.parent).files[0]
    found = Reading(size=path.stat().st_size)
    for shard in plan_shards([file], wanted, shard_bytes):
        for item in read_shard(shard, wanted):
            if isinstance(item, RecordBlock):
                found.rows += item.rows
                found.offsets += item.byte_offsets
                found.digests += item.digests
                found.fields += item.fields
                found.oddities += item.oddities
                found.bytes_read += item.bytes_read
            else:
                found.unread.append(item)
    return found


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that writes bytes to a named file and reads it."""

    def write_and_read(
        data: bytes, name: str = "data.jsonl", shard_bytes: int = 32 << 20, **options: object
    ) -> Reading:
        path = tmp_path / name
        path.write_bytes(data)
        return read_file(path, shard_bytes, **options)

    return write_and_read
