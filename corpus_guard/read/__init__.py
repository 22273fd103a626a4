"""From targets to records: every input byte ends as a record or as an `Unread`."""

from corpus_guard.read.shards import plan_shards, read_head, read_shard, reader_of
from corpus_guard.read.targets import Resolved, resolve_targets

__all__ = ["Resolved", "plan_shards", "read_head", "read_shard", "reader_of", "resolve_targets"]
