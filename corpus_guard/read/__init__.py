"""From targets to records: every input byte ends as a record or as an `Unread`.

targets → local, remote/          which files there are
recognise                         what each file is, as the readers declare it
shards → opening, gzip_members    its bytes, unpacked within bounds, cut for the workers
formats/                          one file per format: a reader, which is its own registration
text/ columnar/ web/ members    what several readers share; members of archives
process/                          native parsers, in a process of their own
blocks                            the records, as they are handed out
"""

from corpus_guard.read.shards import plan_shards, read_records, read_shard, reader_of
from corpus_guard.read.targets import Resolved, resolve_targets

__all__ = ["Resolved", "plan_shards", "read_records", "read_shard", "reader_of", "resolve_targets"]
