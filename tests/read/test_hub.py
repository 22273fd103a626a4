"""Data sets on a hub by name, from a hub that fails in every way."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import corpus_guard as cg
from corpus_guard.config import ReadOptions
from corpus_guard.errors import UnreadableTarget, UsageError
from corpus_guard.read import Resolved, plan_shards, read_shard, resolve_targets
from corpus_guard.read.remote import file as remote
from corpus_guard.report.json_report import to_text
from corpus_guard.types import HubPath, RecordBlock, Unread

from .hub_server import COMMIT, REPO, Hub, serving

ROWS = [{"text": f"row {number} of a plain file", "label": number % 2} for number in range(3000)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CARD = b"""---
configs:
- config_name: news
  data_files:
  - split: train
    path: data/train*
  - split: test
    path: data/test*
- config_name: mail
  data_files: mail.csv
---
# A data set
"""
FILES = {
    "README.md": CARD,
    ".gitattributes": b"*.bin filter=lfs\n",
    "data/train-0.jsonl": LINES,
    "data/test-0.jsonl": LINES[: LINES.index(b"\n", 500) + 1],
    "mail.csv": b"text,label\na mail,1\n",
    "data.py": b"print('never run')\n",
}
Resolve = Callable[..., Resolved]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that holds one data set."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(Hub(files=dict(FILES))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that a reader wanted to wait; none is waited."""
    found: list[float] = []
    monkeypatch.setattr(remote, "pause", found.append)
    return found


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    def resolved(*targets: str, **options: str) -> Resolved:
        return resolve_targets(targets, ReadOptions(**options), tmp_path)  # type: ignore[arg-type]

    return resolved


def names_of(resolved: Resolved) -> list[str]:
    return [file.name for file in resolved.files]


def read_all(resolved: Resolved, name: str) -> tuple[list[object], list[Unread]]:
    """Return the texts of a file, and what of it could not be read."""
    (file,) = (file for file in resolved.files if file.name == name)
    items = [
        item
        for shard in plan_shards([file], ReadOptions())
        for item in read_shard(shard, ReadOptions())
    ]
    blocks = [item for item in items if isinstance(item, RecordBlock)]
    unread = [item for item in items if isinstance(item, Unread)]
    lost = sum(item.size_bytes for item in unread if item.kind == "bytes")
    assert sum(block.bytes_read for block in blocks) + lost == file.size_bytes
    return [fields["text"] for block in blocks for fields in block.fields], unread


# names


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (REPO, ["data/test-0.jsonl", "data/train-0.jsonl", "mail.csv"]),
        (f"hf://datasets/{REPO}", ["data/test-0.jsonl", "data/train-0.jsonl", "mail.csv"]),
        (f"hf://datasets/{REPO}@v1/mail.csv", ["mail.csv"]),
        (f"hf://datasets/{REPO}@{COMMIT}/data", ["data/test-0.jsonl", "data/train-0.jsonl"]),
        (f"hf://datasets/{REPO}@refs/pr/1/data/tr*", ["data/train-0.jsonl"]),
    ],
)
def test_a_name_stands_for_the_files_at_one_commit(
    hub: Hub, resolve: Resolve, target: str, found: list[str]
) -> None:
    resolved = resolve(target)
    assert (names_of(resolved), resolved.revision) == (found, COMMIT)
    assert all(isinstance(file.path, HubPath) for file in resolved.files)


def test_code_is_told_and_companions_are_passed_over(hub: Hub, resolve: Resolve) -> None:
    resolved = resolve(REPO)
    assert [(lost.file, lost.reason[:4]) for lost in resolved.unread] == [("data.py", "code")]
    assert resolved.passed_over == (".gitattributes", "README.md")


def test_a_folder_of_that_name_comes_first(
    hub: Hub, resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / REPO).mkdir(parents=True)
    (tmp_path / REPO / "here.jsonl").write_bytes(LINES)
    assert names_of(resolve(REPO)) == ["here.jsonl"]
    assert hub.asked == []


def test_a_data_set_that_moved_is_read_where_it_is(
    hub: Hub, resolve: Resolve, caplog: pytest.LogCaptureFixture
) -> None:
    hub.moved_from = "old/name"
    assert len(resolve("old/name").files) == 3
    assert caplog.messages == ["old/name is called team/data on the hub now; reading that"]


@pytest.mark.parametrize("path", ["../secret.jsonl", "/etc/passwd", "a//b.jsonl", "a\nb.jsonl"])
def test_a_file_with_an_impossible_name_is_not_opened(
    hub: Hub, resolve: Resolve, path: str
) -> None:
    hub.files[path] = LINES
    resolved = resolve(REPO)
    assert len(resolved.files) == 3
    assert "an odd name or size; not opened" in [lost.reason for lost in resolved.unread]


@pytest.mark.parametrize(
    ("change", "target", "told"),
    [
        ({"error": (404, "RepoNotFound")}, REPO, "neither on disk nor a data set on the hub"),
        ({"error": (401, "RepoNotFound")}, REPO, "if it is private log in with"),
        ({"error": (403, "GatedRepo")}, REPO, "is gated; ask for access on its page"),
        ({"error": (403, "")}, REPO, r"refused access to team/data \(403\); log in"),
        ({"files": {}}, REPO, "is empty at 0123456789ab; there is nothing to scan"),
        ({}, f"hf://datasets/{REPO}@nope", "has no revision nope; give a branch, a tag"),
        ({}, f"hf://datasets/{REPO}/none", "has nothing called none at 0123456789ab"),
        ({}, "hf://models/team/model", "is no data set; write hf://datasets/ORG/NAME"),
        ({}, f"hf://datasets/{REPO}/data.py", "cannot be scanned: code or a pickled object"),
        ({"error": (500, "")}, REPO, "answered 500; given up after 2 retries; check the network"),
        ({"api_faults": [400]}, REPO, "cannot be listed: the hub answered 400; try again later"),
    ],
)
def test_what_cannot_be_had_is_told_with_the_mend(
    hub: Hub,
    resolve: Resolve,
    waits: list[float],
    change: dict[str, object],
    target: str,
    told: str,
) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(UsageError, match=told):
        resolve(target)


def test_an_address_where_nobody_answers_is_told(
    hub: Hub, resolve: Resolve, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UnreadableTarget, match="check the network and HF_ENDPOINT"):
        resolve(REPO)
    assert len(waits) == 2


@pytest.mark.parametrize("about", [b"[]", b"{}", b"no json", b'{"id": "../x", "sha": "main"}'])
def test_an_answer_that_makes_no_sense_is_told(hub: Hub, resolve: Resolve, about: bytes) -> None:
    hub.about = about
    with pytest.raises(UnreadableTarget, match="cannot be listed: the hub's answer makes no sense"):
        resolve(REPO)


def test_a_private_data_set_is_read_with_the_token(
    hub: Hub, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"  # noqa: S105
    with pytest.raises(UnreadableTarget):
        resolve(REPO)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert read_all(resolve(REPO), "mail.csv") == (["a mail"], [])


def test_a_second_revision_beside_the_first_is_refused(hub: Hub, resolve: Resolve) -> None:
    with pytest.raises(UsageError, match="names one revision and --revision another"):
        resolve(f"hf://datasets/{REPO}@v1", revision="main")


@pytest.mark.parametrize("option", ["config", "split", "revision"])
def test_options_for_a_hub_are_refused_for_files(
    resolve: Resolve, tmp_path: Path, option: str
) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    with pytest.raises(UsageError, match=f"--{option} is for data sets on a hub"):
        resolve(str(tmp_path / "a.jsonl"), **{option: "x"})


def test_without_the_extra_the_install_is_named(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'corpus-guard\[hub\]'"):
        resolve(REPO)


# streams

BIG = random.Random(7).randbytes(3_000_000)


def opened(hub: Hub, data: bytes) -> remote.RemoteFile:
    hub.files = {"big": data}
    path = HubPath(
        endpoint=hub.address, repo=REPO, revision=COMMIT, path="big", size_bytes=len(data)
    )
    return remote.RemoteFile(path)


@pytest.mark.parametrize(
    "fault", ["cut:0", "cut:1", "cut:99999", "429", "500", "503", "408", "whole"]
)
def test_a_fault_that_passes_costs_nothing(hub: Hub, waits: list[float], fault: str) -> None:
    hub.faults = ["", fault, fault, "", fault]
    with opened(hub, BIG) as stream:
        assert stream.read() == BIG
    assert stream.failure is None


def test_bytes_survive_any_faults(hub: Hub, waits: list[float]) -> None:
    rng = random.Random(11)
    for _ in range(10):
        faults = [f"cut:{rng.randrange(1_000_000)}", "503", "", "whole"]
        hub.faults = [rng.choice(faults) for _ in range(6)]
        with opened(hub, BIG) as stream:
            parts = [stream.read(rng.randrange(1, 500_000)) for _ in range(30)]
            assert b"".join(parts) + stream.read() == BIG


def test_a_jump_reads_only_what_is_asked_for(hub: Hub) -> None:
    with opened(hub, BIG) as stream:
        stream.seek(2_999_000)
        assert stream.read(500) == BIG[2_999_000:2_999_500]
        stream.seek(10)
        assert stream.read(5) == BIG[10:15]
    assert hub.bytes_sent < 600_000


def test_waits_grow_and_heed_the_hub(hub: Hub, waits: list[float]) -> None:
    hub.faults = ["500", "500", "500", "429"]
    hub.headers = {"Retry-After": "7"}
    with opened(hub, BIG) as stream:
        stream.read()
    hub.faults, hub.headers = ["503", "503", "503"], {}
    with opened(hub, BIG) as stream:
        stream.read()
    assert waits == [7, 7, 7, 7, 1, 2, 4]


def test_an_endless_wait_is_cut(hub: Hub, waits: list[float]) -> None:
    hub.faults, hub.headers = ["429"], {"Retry-After": "999999"}
    with opened(hub, BIG) as stream:
        stream.read()
    assert waits == [remote.LONGEST_WAIT_S]


def test_retries_are_told(hub: Hub, waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    hub.faults = ["503"]
    with opened(hub, BIG) as stream:
        stream.read()
    assert caplog.messages == ["team/data/big: the hub answered 503; trying again in 1 s (1 of 5)"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("etag", "changed on the hub while it was read"),
        ("size", "changed on the hub while it was read"),
        ("wrong", "the hub sent other bytes than those from"),
        ("gzip", "packed it in a way that was not asked for"),
        ("404", "the hub answered 404"),
    ],
)
def test_a_file_that_is_no_longer_the_same_ends(hub: Hub, fault: str, told: str) -> None:
    hub.faults = ["", fault]
    with opened(hub, BIG) as stream:
        assert BIG.startswith(stream.read(len(BIG)))
        assert stream.failure is not None
        assert told in stream.failure


def test_what_a_dead_hub_gave_is_kept(hub: Hub, resolve: Resolve, waits: list[float]) -> None:
    rows = [{"text": f"row {number} " + "x" * 200} for number in range(5000)]
    hub.files["big.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
    resolved = resolve(REPO)
    hub.die_after = hub.bytes_sent + 600_000
    texts, (*_, lost) = read_all(resolved, "big.jsonl")
    assert 1000 < len(texts) < 5000
    assert texts == [row["text"] for row in rows[: len(texts)]]
    assert lost.may_pass
    assert "given up after 5 retries; what follows was not scanned" in lost.reason
    assert len(waits) == 5


def test_packed_files_are_unpacked_on_the_way(hub: Hub, resolve: Resolve) -> None:
    hub.files = {"data.jsonl.gz": gzip.compress(LINES)}
    texts, unread = read_all(resolve(REPO), "data.jsonl.gz")
    assert (texts, unread) == ([row["text"] for row in ROWS], [])


def test_parquet_is_read_by_ranges(hub: Hub, tmp_path: Path) -> None:
    rng = random.Random(5)
    rows = [{"text": f"{number} {rng.randbytes(200).hex()}"} for number in range(20_000)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p", row_group_size=1000)
    hub.files = {"data.parquet": (tmp_path / "p").read_bytes()}
    size = len(hub.files["data.parquet"])
    result = cg.scan(REPO, out=tmp_path / "out", limit=100, rules=["CG101"])
    assert result.coverage.records_scanned == 100
    assert hub.bytes_sent < size / 2


# whole scans


def test_a_scan_records_the_commit(hub: Hub, tmp_path: Path) -> None:
    result = cg.scan(REPO, revision="v1", out=tmp_path / "out", rules=["CG101"])
    assert result.resolved_revision == COMMIT
    written = json.loads((result.out / "report.json").read_text(encoding="utf-8"))
    assert written["target"]["resolved_revision"] == COMMIT
    assert written["coverage"]["passed_over"] == [".gitattributes", "README.md"]


def test_the_next_run_reads_what_a_dead_hub_did_not_give(
    hub: Hub, tmp_path: Path, waits: list[float]
) -> None:
    for part in range(4):
        rows = ({"text": f"row {part} {number} " + "x" * 200} for number in range(3000))
        hub.files[f"part-{part}.jsonl"] = "".join(json.dumps(r) + "\n" for r in rows).encode()
    del hub.files["data.py"]
    before = hub.bytes_sent
    expected = cg.scan(REPO, out=tmp_path / "expected", rules=["CG101"])
    hub.die_after = hub.bytes_sent + (hub.bytes_sent - before) * 3 // 4
    broken = cg.scan(REPO, out=tmp_path / "out", rules=["CG101"])
    assert (broken.exit_code, broken.verdict) == (3, "incomplete")
    hub.die_after = None
    again = cg.scan(REPO, out=tmp_path / "out", rules=["CG101"])
    assert to_text(replace(again, timing={})) == to_text(replace(expected, timing={}))
    assert not (again.out / "work").exists()


def command(hub: Hub, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a scan as a user would; the hub's address is fixed when the clients are imported."""
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(home / "hf")}
    return subprocess.run(
        [sys.executable, "-m", "corpus_guard", "scan", *arguments, "--json",
         "--out", str(home / "out"), "--rules", "CG101"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "records"),
    [
        (["--config", "news"], 3000 + 11),
        (["--config", "news", "--split", "test"], 11),
        (["--split", "train"], 3000 + 1),
        (["--config", "mail"], 1),
    ],
)
def test_the_card_tells_configurations_and_splits(
    hub: Hub, tmp_path: Path, arguments: list[str], records: int
) -> None:
    ran = command(hub, tmp_path, REPO, *arguments)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["coverage"]["records_scanned"] == records


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--config", "nwes"], 'no configuration "nwes"; give one of news, mail'),
        (["--split", "dev"], 'no split "dev"; give one of train, test'),
        (["--config", "mail", "--split", "test"], 'no split "test"; give one of train'),
    ],
)
def test_an_unknown_part_lists_the_known_ones(
    hub: Hub, tmp_path: Path, arguments: list[str], told: str
) -> None:
    ran = command(hub, tmp_path, REPO, *arguments)
    assert (ran.returncode, ran.stderr.strip()) == (4, f"corpus-guard: team/data has {told}")


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:1/x.jsonl", "hf://datasets/other/repo/x.jsonl", "../../x.jsonl"]
)
def test_a_card_that_points_elsewhere_is_not_followed(hub: Hub, tmp_path: Path, path: str) -> None:
    hub.files["README.md"] = (
        f"---\nconfigs:\n- config_name: a\n  data_files: {path}\n---\n".encode()
    )
    ran = command(hub, tmp_path, REPO, "--config", "a")
    assert ran.returncode == 4
    assert "Traceback" not in ran.stderr
    assert not any("other/repo" in asked for asked in hub.asked if "resolve" in asked)


def test_what_is_read_from_disk_only_is_to_be_downloaded(hub: Hub, resolve: Resolve) -> None:
    hub.files["data.db"] = b"SQLite format 3\0" + bytes(600)
    found = resolve(REPO)
    assert [(item.file, item.reason) for item in found.unread if item.file == "data.db"] == [
        ("data.db", "sqlite is read from disk only; download the file and scan the copy")
    ]
