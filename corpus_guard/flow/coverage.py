"""What was scanned and what was not: every byte and record of the target is in one of the two."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from corpus_guard.config import ReadOptions
from corpus_guard.flow.gather import ShardSeen
from corpus_guard.read import Resolved
from corpus_guard.types import (
    COUNTED_ROLES,
    SKIPPED_LISTED,
    Cap,
    Coverage,
    PluginRun,
    Shard,
    Unread,
)


def coverage_of(
    resolved: Resolved,
    shards: Sequence[Shard],
    results: Sequence[ShardSeen],
    runs: Mapping[str, PluginRun],
    options: ReadOptions,
    caps: tuple[Cap, ...] = (),
) -> Coverage:
    """Return what was scanned and what was not, record numbers counted within files."""
    first_records = _first_records(results)
    unread = list(resolved.unread)
    for result in results:
        unread.extend(_in_file(item, first_records[result.shard.index]) for item in result.unread)
    unread.extend(_left_out(shards, results, options))
    rows = sum(result.rows for result in results)
    held = sum((Counter(result.held) for result in results), Counter[str]())
    return Coverage(
        files=len(resolved.files),
        bytes_total=sum(file.size_bytes for file in resolved.files),
        bytes_scanned=sum(result.bytes_read for result in results),
        records_total=sum(result.records for result in results),
        records_scanned=rows,
        records_partial=sum(item.kind == "partial" for item in unread),
        records_skipped=sum(result.records - result.rows for result in results),
        skipped=tuple(unread[:SKIPPED_LISTED]),
        skipped_total=len(unread),
        plugins=dict(runs),
        passed_over=resolved.passed_over[:SKIPPED_LISTED],
        caps=caps,
        rows_with={role: held[role] for role in COUNTED_ROLES},
    )


def _first_records(results: Sequence[ShardSeen]) -> dict[int, int]:
    found, total, file = {}, 0, -1
    for result in results:
        if result.shard.file.index != file:
            total, file = 0, result.shard.file.index
        found[result.shard.index] = total
        total += result.records
    return found


def _in_file(item: Unread, first_record: int) -> Unread:
    """Return the same place with its record numbered in the file, not in the shard."""
    return item if item.row < 0 else replace(item, row=item.row + first_record)


def _left_out(
    shards: Sequence[Shard], results: Sequence[ShardSeen], options: ReadOptions
) -> Iterator[Unread]:
    """Yield what --limit and --sample left out."""
    limit, sample = options.limit, options.sample
    given = {"--limit": limit, "--sample": sample}
    why = " and ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    seen = {result.shard.index: result for result in results}
    is_full = limit is not None and sum(result.rows for result in results) >= limit
    for shard in shards:
        result = seen.get(shard.index)
        size = max(0, shard.end - shard.start)
        if result is None:
            yield _gap(shard, size, f"left out by {why}")
        elif is_full and result.bytes_read < size:
            yield _gap(shard, size - result.bytes_read, f"left out by {why}")
        if result is not None and result.left_out:
            yield _gap(shard, 0, f"{result.left_out} records left out by {why}")


def _gap(shard: Shard, size: int, reason: str) -> Unread:
    return Unread(
        file=shard.file.name,
        kind="bytes",
        row=-1,
        byte_offset=shard.start,
        size_bytes=size,
        reason=reason,
    )
