"""Hostile model files: nothing of them runs, nothing of them is followed, no header is believed."""

import itertools
import json
import os
import pickle
import random
import resource
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from untaught_models import safetensors_bytes, write_bare, write_gguf

from corpus_guard.errors import UsageError
from corpus_guard.model.files import ModelFiles
from corpus_guard.model.headers import Header, HeaderError, read_gguf, read_safetensors
from corpus_guard.model.intake import take_in
from corpus_guard.model.loading import load

MUTATIONS = 2000
"""Of each format."""


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def severities(files: ModelFiles, rule: str) -> list[str]:
    return [one.severity for one in files.findings if one.rule == rule]


@pytest.mark.parametrize(
    ("name", "protocol"), [("pytorch_model.bin", 0), ("x.pkl", 2), ("o.pt", 5)]
)
def test_a_pickle_that_runs_something_is_critical_and_does_not_run(
    tmp_path: Path, name: str, protocol: int
) -> None:
    pytest.importorskip("modelaudit_picklescan")
    model = write_bare(tmp_path / "model")
    (model / name).write_bytes(pickle.dumps(Evil(tmp_path / "ran"), protocol=protocol))
    assert severities(take_in(str(model)), "CG602") == ["critical"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "notes.txt"])
def test_a_pickle_under_another_name_is_told_and_does_not_run(tmp_path: Path, name: str) -> None:
    pytest.importorskip("modelaudit_picklescan")
    model = write_bare(tmp_path / "model")
    (model / name).write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    files = take_in(str(model))
    assert severities(files, "CG602") == ["critical"]
    if name in ("model.safetensors", "config.json"):
        with pytest.raises(UsageError):
            load(files)
    assert not (tmp_path / "ran").exists()


def test_an_array_of_objects_is_a_pickle_and_one_of_numbers_is_none(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    model = write_bare(tmp_path / "model")
    numpy.save(model / "numbers.npy", numpy.zeros(3))
    assert severities(take_in(str(model)), "CG602") == []
    numpy.save(model / "objects.npy", numpy.array([Evil(tmp_path / "ran")]), allow_pickle=True)
    assert severities(take_in(str(model)), "CG602") == ["critical"]


@pytest.mark.parametrize(
    "shard", ["../secret.safetensors", "/etc/passwd", "a/../../b", "C:\\x", "..\\x"]
)
def test_an_index_that_leads_outside_is_critical_and_not_followed(
    tmp_path: Path, shard: str
) -> None:
    (tmp_path / "secret.safetensors").write_bytes(safetensors_bytes({}))
    model = write_bare(tmp_path / "model")
    index = {"weight_map": {"w": "model.safetensors", "v": shard}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    files = take_in(str(model))
    assert severities(files, "CG603") == ["critical"]
    assert not files.loadable
    assert files.weights == (model / "model.safetensors",)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_link_that_leads_outside_is_not_followed(tmp_path: Path, name: str) -> None:
    write_bare(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "tokenizer.json").write_text("{}")
    model = write_bare(tmp_path / "model")
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to(tmp_path / "elsewhere" / name)
    files = take_in(str(model))
    assert severities(files, "CG603") == ["high"]
    assert files.loadable is (name == "tokenizer.json")


def test_a_folder_that_is_a_link_outside_is_not_entered(tmp_path: Path) -> None:
    write_bare(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "evil.py").write_text("")
    model = write_bare(tmp_path / "model")
    (model / "sub").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert severities(take_in(str(model)), "CG601") == []


def test_pipes_and_endless_links_are_not_opened(tmp_path: Path) -> None:
    model = write_bare(tmp_path / "model")
    os.mkfifo(model / "tokenizer.json")
    (model / "loop.json").symlink_to("loop.json")
    files = take_in(str(model))
    assert severities(files, "CG603") == ["medium", "medium"]


def test_names_of_files_never_reach_a_message_raw(tmp_path: Path) -> None:
    model = write_bare(tmp_path / "model")
    (model / "\x1b]0;evil\x07.py").write_text("")
    (model / "\x1b[2J.safetensors").write_bytes(b"no header")
    (model / "\x1b[2J.bin").write_bytes(b"no pickle")
    files = take_in(str(model))
    assert len(files.findings) == 3
    assert not any("\x1b" in one.message + one.title for one in files.findings)


def tensor(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} | changes


BAD_SAFETENSORS = {
    "empty": b"",
    "only a length": struct.pack("<Q", 100),
    "a length beyond the file": struct.pack("<Q", 1 << 62) + b"{}",
    "the largest length": b"\xff" * 8 + b"{}",
    "no object": safetensors_bytes(b"[]"),
    "deep": safetensors_bytes(b'{"a":' * 100_000),
    "many lists": safetensors_bytes(b'{"a":[' + b"[]," * 2_100_000 + b"[]]}"),
    "a name twice": safetensors_bytes(
        b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
        b'"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}',
        bytes(16),
    ),
    "a key twice": safetensors_bytes(
        b'{"w":{"dtype":"F32","shape":[4],"shape":[2],"data_offsets":[0,16]}}', bytes(16)
    ),
    "overlapping": safetensors_bytes({"a": tensor(), "b": tensor()}, bytes(16)),
    "a hole": safetensors_bytes({"a": tensor(), "b": tensor(data_offsets=[20, 36])}, bytes(36)),
    "a tail": safetensors_bytes({"a": tensor()}, bytes(17)),
    "beyond the file": safetensors_bytes({"a": tensor()}, bytes(15)),
    "offsets turned": safetensors_bytes({"a": tensor(data_offsets=[16, 0])}, bytes(16)),
    "negative": safetensors_bytes({"a": tensor(shape=[-4])}, bytes(16)),
    "negative offsets": safetensors_bytes({"a": tensor(data_offsets=[-16, 0])}, bytes(16)),
    "an unknown type": safetensors_bytes({"a": tensor(dtype="F31")}, bytes(16)),
    "a type that is a list": safetensors_bytes({"a": tensor(dtype=["F32"])}, bytes(16)),
    "another size": safetensors_bytes({"a": tensor(shape=[5])}, bytes(16)),
    "overflow": safetensors_bytes({"a": tensor(shape=[1 << 62, 1 << 62])}, bytes(16)),
    "overflow to the right size": safetensors_bytes(
        {"a": tensor(shape=[(1 << 62) + 1, 4])}, bytes(16)
    ),
    "truth for a number": safetensors_bytes({"a": tensor(shape=[True, 4])}, bytes(16)),
    "fractions": safetensors_bytes({"a": tensor(shape=[4.0])}, bytes(16)),
    "more keys": safetensors_bytes({"a": tensor(code="x")}, bytes(16)),
    "metadata that are no texts": safetensors_bytes({"__metadata__": {"a": [1]}}),
    "no UTF-8": safetensors_bytes(b'{"\xff":1}'),
    "a huge number": safetensors_bytes(b'{"a":' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("name", BAD_SAFETENSORS)
def test_a_bad_safetensors_header_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(BAD_SAFETENSORS[name])
    with pytest.raises(HeaderError):
        read_safetensors(path)


def gguf_bytes(tensors: int = 0, pairs: int = 0, rest: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + rest


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def place(
    name: bytes = b"w", shape: tuple[int, ...] = (8,), kind: int = 0, start: int = 0
) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + sizes + struct.pack("<IQ", kind, start)


ARRAY = struct.pack("<I", 9)
BAD_GGUF = {
    "empty": b"",
    "another file": b"GGML" + bytes(100),
    "an unknown version": gguf_bytes(version=99),
    "many tensors": gguf_bytes(tensors=1 << 60),
    "many pairs": gguf_bytes(pairs=1 << 60),
    "a long key": gguf_bytes(pairs=1, rest=struct.pack("<Q", 1 << 60) + bytes(64)),
    "a long text": gguf_bytes(pairs=1, rest=text(b"a") + struct.pack("<IQ", 8, 1 << 40)),
    "a long array": gguf_bytes(pairs=1, rest=text(b"a") + ARRAY + struct.pack("<IQ", 4, 1 << 61)),
    "an array of many texts": gguf_bytes(
        pairs=1, rest=text(b"a") + ARRAY + struct.pack("<IQ", 8, 1 << 40) + bytes(64)
    ),
    "arrays in arrays": gguf_bytes(
        pairs=1, rest=text(b"a") + ARRAY + (ARRAY + struct.pack("<Q", 1)) * 5000 + bytes(64)
    ),
    "an unknown value": gguf_bytes(pairs=1, rest=text(b"a") + struct.pack("<I", 77) + bytes(64)),
    "a key twice": gguf_bytes(
        pairs=2, rest=(text(b"a") + struct.pack("<IB", 0, 1)) * 2 + bytes(64)
    ),
    "no truth": gguf_bytes(pairs=1, rest=text(b"a") + struct.pack("<IB", 7, 2) + bytes(64)),
    "alignment of zero": gguf_bytes(
        pairs=1, rest=text(b"general.alignment") + struct.pack("<II", 4, 0) + bytes(64)
    ),
    "alignment that is no power of two": gguf_bytes(
        pairs=1, rest=text(b"general.alignment") + struct.pack("<II", 4, 48) + bytes(64)
    ),
    "a huge tensor": gguf_bytes(tensors=1, rest=place(shape=(1 << 40,)) + bytes(256)),
    "overflow": gguf_bytes(tensors=1, rest=place(shape=(1 << 62, 1 << 62, 16)) + bytes(256)),
    "no elements": gguf_bytes(tensors=1, rest=place(shape=(0,)) + bytes(256)),
    "many dimensions": gguf_bytes(tensors=1, rest=place(shape=(1,) * 9) + bytes(256)),
    "no whole blocks": gguf_bytes(tensors=1, rest=place(shape=(33,), kind=2) + bytes(256)),
    "an unknown type": gguf_bytes(tensors=1, rest=place(kind=4) + bytes(256)),
    "out of line": gguf_bytes(tensors=1, rest=place(start=8) + bytes(256)),
    "larger than the file": gguf_bytes(tensors=1, rest=place(shape=(64,)) + bytes(64)),
    "beyond the file": gguf_bytes(tensors=1, rest=place(shape=(16,)) + bytes(40)),
    "a name twice": gguf_bytes(tensors=2, rest=place() + place(start=32) + bytes(256)),
    "overlapping": gguf_bytes(tensors=2, rest=place() + place(b"v") + bytes(256)),
    "a hole": gguf_bytes(tensors=2, rest=place() + place(b"v", start=64) + bytes(256)),
}


@pytest.mark.parametrize("name", BAD_GGUF)
def test_a_bad_gguf_header_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(BAD_GGUF[name])
    with pytest.raises(HeaderError):
        read_gguf(path)


def test_a_good_gguf_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(gguf_bytes(tensors=2, rest=place() + place(b"v", start=32) + bytes(256)))
    assert [one.name for one in read_gguf(path).tensors] == ["w", "v"]


def test_no_header_costs_more_memory_than_it_has_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for read, cases in ((read_safetensors, BAD_SAFETENSORS), (read_gguf, BAD_GGUF)):
        for data in cases.values():
            path.write_bytes(data)
            tracemalloc.start()
            with pytest.raises(HeaderError):
                read(path)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 4 * len(data) + (4 << 20)


def mutated(data: bytes, header: int, random_: random.Random) -> bytes:
    """Return a file with bytes of its header flipped, inflated, taken out or put in, or cut off."""
    changed = bytearray(data)
    for _ in range(random_.choice((1, 1, 1, 2, 4))):
        at, kind = random_.randrange(min(header, len(changed)) or 1), random_.randrange(6)
        if kind == 0:
            changed[at : at + 1] = bytes([random_.randrange(256)])
        elif kind == 1 and changed:
            changed[at] ^= 1 << random_.randrange(8)
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            size = random_.choice((1 << 62, 1 << 40, 2**64 - 1, 1 << 31, 0, len(data)))
            changed[at : at + 8] = struct.pack("<Q", size)
        elif kind == 4:
            del changed[at : at + random_.randrange(1, 9)]
        else:
            changed[at:at] = random_.randbytes(random_.randrange(1, 9))
        if not changed:
            break
    return bytes(changed)


def safetensors_file(folder: Path) -> tuple[bytes, int]:
    told: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for number, (dtype, width) in enumerate(
        itertools.islice(itertools.cycle((("F32", 4), ("BF16", 2), ("I64", 8))), 9)
    ):
        size = width * 6
        told[f"layer.{number}"] = tensor(dtype=dtype, shape=[2, 3], data_offsets=[at, at + size])
        at += size
    data = safetensors_bytes(told, bytes(at))
    return data, len(data) - at


def gguf_file(folder: Path) -> tuple[bytes, int]:
    pytest.importorskip("gguf")
    path = write_gguf(folder / "good.gguf")
    data = path.read_bytes()
    return data, len(data) - sum(one.size_bytes for one in read_gguf(path).tensors)


@pytest.mark.parametrize(
    ("make", "read"), [(safetensors_file, read_safetensors), (gguf_file, read_gguf)]
)
def test_thousands_of_mutated_headers_are_refused_or_read_within_the_file(
    tmp_path: Path,
    make: Callable[[Path], tuple[bytes, int]],
    read: Callable[[Path], Header],
) -> None:
    data, header = make(tmp_path)
    path, random_ = tmp_path / "mutated", random.Random(20)
    path.write_bytes(data)
    good = read(path)
    refused, start = 0, time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTATIONS):
        case = mutated(data, header, random_)
        path.unlink()  # some file systems flush what is written over
        path.write_bytes(case)
        try:
            told = read(path)
        except HeaderError as error:
            refused += 1
            assert str(error).isascii()
            continue
        assert all(one.start + one.size_bytes <= len(case) for one in told.tensors)
        assert len(told.tensors) <= len(good.tensors)
    assert refused > MUTATIONS / 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB
    assert time.process_time() - start < 15


def test_mutated_models_are_taken_in_or_refused_in_a_sentence(tmp_path: Path) -> None:
    model, random_ = write_bare(tmp_path / "model"), random.Random(21)
    names = ("config.json", "model.safetensors")
    good = {name: (model / name).read_bytes() for name in names}
    for number in range(200):
        name = names[number % 2]
        case = mutated(good[name], len(good[name]), random_)
        if case[:1] == b"\x80" or case[:2] == b"PK":
            continue  # judged in a child of its own, which takes its time
        (model / name).write_bytes(case)
        files = take_in(str(model))
        assert files.loadable or files.findings
        (model / name).write_bytes(good[name])
