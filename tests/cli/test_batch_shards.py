"""A batch in shards: by one process, by several, by parts; stopped, killed, begun again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SMALL = ("--steps", 1, "-W", 64, "-H", 64, "--threads", 1)
EIGHT = "\n".join(f"fox {number}" for number in range(8))


@pytest.fixture
def jobs(tmp_path: Path) -> str:
    (tmp_path / "jobs.txt").write_text(EIGHT)
    return "jobs.txt"


def contents(folder: str | Path) -> dict[str, str]:
    """The files of a folder by name, each with its hash; but for who drew them and when."""
    folder = Path(folder)
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".times.json")
    }


def test_whoever_draws_it_the_files_are_the_same(sdcli: Callable, sd1: Path, jobs: str) -> None:
    words = ("batch", jobs, "-m", sd1, *SMALL)
    one = sdcli(*words, "--shards", 4, "-o", "one")
    assert one.code == 0 and "8 pictures to draw in 4 shards, 0 finished before" in one.err
    assert len(one.out.split()) == 8 and all(Path(line).is_file() for line in one.out.split())
    two = sdcli(*words, "--shards", 4, "--workers", 2, "-o", "two")
    assert two.code == 0 and "worker  device" in two.err
    for part in range(1, 5):
        assert sdcli(*words, "--shard", f"{part}/4", "-o", "parts").code == 0
    assert contents("one") == contents("two") == contents("parts")
    assert not list(Path("one").glob(".*"))
    rows = [json.loads(line) for line in Path("one/manifests/00000.jsonl").read_text().splitlines()]
    assert rows[0]["pictures"] == 2 and rows[1]["plan"]["prompt"] == rows[1]["prompt"]
    again = sdcli(*words, "-o", "one")
    assert again.code == 0 and again.out == "" and "0 pictures to draw" in again.err
