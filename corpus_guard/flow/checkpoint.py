"""What a scan has read so far, kept on disk so that a killed scan goes on where it was.

    journal.jsonl      one line a part that is done: a checksum, then what was seen of it
    parts/<key>/       the stored part; its sketches too until they are merged
    merged/            the merged sketches of many parts, with the keys of these parts

A part's line is written after its folder is safely on disk. A torn last line, a folder of another
size than the line says, and parts of other files, options or versions count as not done.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from corpus_guard.config import SketchSettings
from corpus_guard.flow.gather import Part, PartResult, ShardSeen, empty_summary
from corpus_guard.plugins import why_broken
from corpus_guard.replacing import replacing, replacing_folder
from corpus_guard.sketch.rows.state import Sketch, load_state, save_state
from corpus_guard.sketch.rows.store import PartFolder
from corpus_guard.types import Layout, LayoutRows, Unread

JOURNAL = "journal.jsonl"
KEYS = "keys.txt"
PARTS_BETWEEN_SAVES = 8
_CHECKSUM = 16
_SKETCH = ".sketch"


class Checkpoint:
    """The parts that are done and the sketches merged over them.

    `done` are the results by part key; `sketches` the merged ones of all of these, by name.
    """

    def __init__(
        self,
        store: PartFolder,
        parts: Sequence[Part],
        summaries: Sequence[str],
        settings: SketchSettings,
    ) -> None:
        """Take up what an earlier run of the same scan left in the store; drop all else there."""
        self._store, self._summaries, self._settings = store, tuple(summaries), settings
        wanted = {part.key: part for part in parts}
        self.sketches, self._saved = self._load_merged(wanted)
        self._unsaved: list[str] = []
        self._broken: dict[str, str] = {}
        self._is_final = True
        self.done: dict[str, PartResult] = {}
        for key, told in _entries(self._journal):
            if key in wanted and self._is_whole(key, told["sizes"]):
                self.done[key] = _result(wanted[key], told)
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

    @property
    def failures(self) -> dict[str, str]:
        """Why sketches and checks broke down, by name."""
        found = dict(self._broken)
        for result in sorted(self.done.values(), key=lambda result: result.part.shards[0].index):
            for name, why in result.failures.items():
                found.setdefault(name, why)
        return dict(sorted(found.items()))

    def finish(self) -> None:
        """Forget everything, unless running again may find more."""
        if self._is_final:
            self.discard()

    def discard(self) -> None:
        """Forget everything: nothing of it is worth going on with."""
        self._journal.unlink(missing_ok=True)

    @property
    def _journal(self) -> Path:
        return self._store.folder / JOURNAL

    @property
    def _merged(self) -> Path:
        return self._store.folder / "merged"

    def _empty(self) -> dict[str, Sketch]:
        """Return an empty sketch of each name; one that cannot be made is told by every part."""
        found = {}
        for name in self._summaries:
            with suppress(Exception, SystemExit):
                found[name] = empty_summary(name, self._settings)
        return found

    def _load_merged(self, wanted: Mapping[str, Part]) -> tuple[dict[str, Sketch], set[str]]:
        """Return merged sketches and the parts in them; a part that changed voids them all."""
        sketches = self._empty()
        with suppress(Exception, SystemExit):  # a damaged file, or what a plugin raises over it
            keys = set((self._merged / KEYS).read_text(encoding="ascii").split())
            if keys <= wanted.keys():
                for name, sketch in sketches.items():
                    sketch.restore(load_state(self._merged / f"{name}{_SKETCH}"))
                return sketches, keys
        return self._empty(), set()

    def _merge(self, result: PartResult) -> None:
        stored = self._store.part(result.part.key)
        for name, sketch in self._empty().items():
            if name in result.failures or name not in self.sketches:
                continue
            try:
                sketch.restore(stored.state(name))
                self.sketches[name].merge(sketch)
            except (Exception, SystemExit) as error:  # a plugin raises anything
                self._broken[name] = why_broken(error)
        for name in (*result.failures, *self._broken):
            self.sketches.pop(name, None)
        self._unsaved.append(result.part.key)
        if self._is_final and len(self._unsaved) >= PARTS_BETWEEN_SAVES and not self.failures:
            self._save_merged()

    def _save_merged(self) -> None:
        self._saved.update(self._unsaved)
        with replacing_folder(self._merged) as folder:
            for name, sketch in self.sketches.items():
                save_state(sketch.state(), folder / f"{name}{_SKETCH}")
            (folder / KEYS).write_text(" ".join(sorted(self._saved)), encoding="ascii")
        for key in self._unsaved:
            for name in self.sketches:
                (self._store.place(key) / f"{name}{_SKETCH}").unlink()
        self._unsaved.clear()

    def _line(self, result: PartResult) -> bytes:
        entry = {
            "key": result.part.key,
            "sizes": self._store.sizes(result.part.key),
            "failures": dict(result.failures),
            "seen": [
                [seen.records, seen.rows, seen.left_out, seen.bytes_read,
                 [[u.kind, u.row, u.byte_offset, u.size_bytes, u.reason] for u in seen.unread],
                 [[_told(one.layout), one.rows] for one in seen.layouts], dict(seen.held),
                 seen.named, seen.forms]
                for seen in result.seen
            ],
        }  # fmt: skip
        return _checked(orjson.dumps(entry))

    def _is_whole(self, key: str, told: Mapping[str, int]) -> bool:
        with suppress(OSError):
            found = self._store.sizes(key)
            if key in self._saved:
                told = {name: size for name, size in told.items() if not name.endswith(_SKETCH)}
                found = {name: size for name, size in found.items() if not name.endswith(_SKETCH)}
            return found == told
        return False

    def _clear(self) -> None:
        """Keep only what is done: parts, journal lines and merged sketches."""
        if not self._saved <= self.done.keys():  # its part has to be read again
            self.done = {key: r for key, r in self.done.items() if key not in self._saved}
            self._saved, self.sketches = set(), self._empty()
        if not self._saved:
            shutil.rmtree(self._merged, ignore_errors=True)
        self._store.keep_only(frozenset(self.done))
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


def _result(part: Part, told: Mapping[str, Any]) -> PartResult:
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
            layouts=tuple(LayoutRows(layout=_layout(one), rows=count) for one, count in layouts),
            held=held,
            named=tuple(named),
            forms=forms,
        )
        for shard, (
            records,
            rows,
            left_out,
            bytes_read,
            unread,
            layouts,
            held,
            named,
            forms,
        ) in zip(part.shards, told["seen"], strict=False)
    ]
    return PartResult(part=part, seen=tuple(seen), failures=told["failures"])


def _told(layout: Layout) -> str:
    return json.dumps(asdict(layout))  # in ASCII, whatever a field is called


def _layout(told: str) -> Layout:
    found = json.loads(told)
    roles = {role: tuple(names) for role, names in found["roles"].items()}
    turned = tuple({role: tuple(names) for role, names in one.items()} for one in found["turned"])
    plain = {"roles": roles, "second": tuple(found["second"]), "turned": turned}
    return Layout(**{**found, **plain})
