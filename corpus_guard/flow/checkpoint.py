"""What a scan has read so far, kept on disk so that a killed scan goes on where it was.

    journal.jsonl     one line a part that is done: a checksum, then what was seen of it
    parts/<key>/      its spool, its row columns and, until they are merged, its n-gram counts
    merged.npz        the n-gram counts of many parts, with the keys of these parts

A part's line is written after its folder is safely on disk. A torn last line, a folder of another
size than the line says, and parts of other files, options or versions count as not done.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import orjson

from corpus_guard.flow.gather import Part, PartResult, ShardSeen
from corpus_guard.replacing import replacing
from corpus_guard.sketch.base import load_state
from corpus_guard.sketch.ngrams import DocumentFrequencies
from corpus_guard.types import Unread

JOURNAL = "journal.jsonl"
PARTS_BETWEEN_SAVES = 8
_CHECKSUM = 16


class Checkpoint:
    """The parts that are done and the n-gram counts over them.

    `done` are the results by part key; `frequencies` the merged counts of all of these.
    """

    def __init__(self, folder: Path, parts: Sequence[Part], bits: int) -> None:
        """Take up what an earlier run of the same scan left in `folder`; drop all else there."""
        self.folder = folder
        self._bits = bits
        (folder / "parts").mkdir(parents=True, exist_ok=True)
        wanted = {part.key: part for part in parts}
        self.frequencies, self._saved = self._load_merged(wanted)
        self._unsaved: list[str] = []
        self._is_final = True
        self.done: dict[str, PartResult] = {}
        for key, told in _entries(self._journal):
            if key in wanted and self._is_whole(key, told["sizes"]):
                self.done[key] = _result(wanted[key], told["seen"])
        self._clear()
        for result in self.done.values():
            if result.part.key not in self._saved:
                self._merge(result)

    def add(self, result: PartResult) -> None:
        """Note that a part is done; one that may improve is read again by the next run."""
        self.done[result.part.key] = result
        if result.may_improve:
            self._is_final = False
            self._merge(result)
            return
        with self._journal.open("ab") as journal:
            journal.write(self._line(result))
            journal.flush()
            os.fsync(journal.fileno())
        self._merge(result)

    def finish(self) -> None:
        """Forget everything, unless running again may find more."""
        if self._is_final:
            self.discard()

    def discard(self) -> None:
        """Forget everything: nothing of it is worth going on with."""
        self._journal.unlink(missing_ok=True)

    @property
    def _journal(self) -> Path:
        return self.folder / JOURNAL

    @property
    def _merged(self) -> Path:
        return self.folder / "merged.npz"

    def _load_merged(self, wanted: Mapping[str, Part]) -> tuple[DocumentFrequencies, set[str]]:
        """Return merged counts and the parts in them; counts of a part that changed void them all."""
        counts = DocumentFrequencies(bits=self._bits)
        with suppress(OSError, ValueError, KeyError, BadZipFile):
            with self._merged.open("rb") as file, np.load(file, allow_pickle=False) as saved:
                keys = set(bytes(saved["keys"]).decode("ascii").split())
                if keys <= wanted.keys():
                    counts.restore({"counts": saved["counts"]})
                    return counts, keys
        return counts, set()

    def _merge(self, result: PartResult) -> None:
        part = DocumentFrequencies(bits=self._bits)
        load_state(part, result.counts(self.folder))
        self.frequencies.merge(part)
        self._unsaved.append(result.part.key)
        if self._is_final and len(self._unsaved) >= PARTS_BETWEEN_SAVES:
            self._save_merged()

    def _save_merged(self) -> None:
        self._saved.update(self._unsaved)
        keys = np.frombuffer(" ".join(sorted(self._saved)).encode("ascii"), np.uint8)
        with replacing(self._merged) as path, path.open("wb") as file:
            np.savez(file, allow_pickle=False, keys=keys, counts=self.frequencies.counts)
        for key in self._unsaved:
            self.done[key].counts(self.folder).unlink()
        self._unsaved.clear()

    def _line(self, result: PartResult) -> bytes:
        entry = {
            "key": result.part.key,
            "sizes": self._sizes(result.part.key),
            "seen": [
                [seen.records, seen.rows, seen.left_out, seen.bytes_read,
                 [[u.kind, u.row, u.byte_offset, u.size_bytes, u.reason] for u in seen.unread]]
                for seen in result.seen
            ],
        }  # fmt: skip
        return _checked(orjson.dumps(entry))

    def _sizes(self, key: str) -> dict[str, int]:
        place = self.folder / "parts" / key
        return {path.name: path.stat().st_size for path in sorted(place.iterdir())}

    def _is_whole(self, key: str, told: Mapping[str, int]) -> bool:
        with suppress(OSError):
            found = self._sizes(key)
            if key in self._saved:
                told = {name: size for name, size in told.items() if name != "counts.npz"}
                found.pop("counts.npz", None)
            return found == told
        return False

    def _clear(self) -> None:
        """Keep only what is done: parts, journal lines and merged counts."""
        if not self._saved <= self.done.keys():  # its part has to be read again
            self.done = {key: r for key, r in self.done.items() if key not in self._saved}
            self._saved = set()
            self.frequencies = DocumentFrequencies(bits=self._bits)
        if not self._saved:
            self._merged.unlink(missing_ok=True)
        for path in (self.folder / "parts").iterdir():
            if path.name not in self.done:
                shutil.rmtree(path, ignore_errors=True)
        if not self._journal.exists():
            return
        kept = [line for key, line in _lines(self._journal) if key in self.done]
        with replacing(self._journal) as path:
            path.write_bytes(b"".join(kept))


def _checked(entry: bytes) -> bytes:
    return hashlib.sha256(entry).hexdigest()[:_CHECKSUM].encode() + b" " + entry + b"\n"


def _lines(journal: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the key and the bytes of every line up to the first that is torn; the last of a key."""
    found: dict[str, bytes] = {}
    for line in journal.read_bytes().splitlines(keepends=True) if journal.exists() else ():
        entry = line[_CHECKSUM + 1 : -1]
        if line != _checked(entry):
            break
        found[orjson.loads(entry)["key"]] = line
    yield from found.items()


def _entries(journal: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, line in _lines(journal):
        yield key, orjson.loads(line[_CHECKSUM + 1 :])


def _result(part: Part, told: Sequence[Sequence[Any]]) -> PartResult:
    seen = [
        ShardSeen(
            shard=shard,
            records=records,
            rows=rows,
            left_out=left_out,
            bytes_read=bytes_read,
            unread=tuple(
                Unread(
                    file=shard.file.name,
                    kind=kind,
                    row=row,
                    byte_offset=offset,
                    size_bytes=size,
                    reason=reason,
                )
                for kind, row, offset, size, reason in unread
            ),
        )
        for shard, (records, rows, left_out, bytes_read, unread) in zip(
            part.shards, told, strict=False
        )
    ]
    return PartResult(part=part, seen=tuple(seen))
