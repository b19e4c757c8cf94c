"""A batch in shards: by one process, by several, by parts; stopped, killed, begun again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.helpers import process

SMALL = ("--steps", 1, "-W", 64, "-H", 64, "--threads", 1)
EIGHT = "\n".join(f"fox {number}" for number in range(8))


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight jobs in `jobs.txt`; nobody's environment says how many are started alike."""
    (tmp_path / "jobs.txt").write_text(EIGHT)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the eight are kept that one process drew in four shards, once they are."""
    return tmp_path_factory.mktemp("drawn") / "one"


@pytest.fixture
def one(sdcli: Callable, sd1: Path, drawn: Path) -> Path:
    """The eight jobs in four shards, drawn by one worker."""
    if not drawn.exists():
        ran = sdcli("batch", "jobs.txt", "-m", sd1, *SMALL, "--shards", 4, "-o", drawn)
        assert ran.code == 0 and "8 pictures to draw in 4 shards, 0 finished before" in ran.err
        assert sorted(ran.out.split()) == sorted(map(str, drawn.glob("0*/*.png")))
    return drawn


def contents(*folders: str | Path) -> dict[str, str]:
    """The files of folders by name, each with its hash; but for who drew them and when."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in map(Path, folders)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".times.json")
    }


def test_whoever_draws_it_the_files_are_the_same(
    sdcli: Callable, sd1: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("batch", "jobs.txt", "-m", sd1, *SMALL)
    two = sdcli(*words, "--shards", 4, "--workers", 2, "-o", "two")
    assert two.code == 0 and "worker  device" in two.err
    assert sdcli(*words, "--shards", 4, "--shard", "1/2", "-o", "parts").code == 0
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")  # as torchrun starts the second of two
    rest = sdcli(*words, "-o", "parts")
    assert rest.code == 0 and "4 pictures to draw in 2 shards, 0 finished before" in rest.err
    assert contents(one) == contents("two") == contents("parts")
    head, *rows = map(json.loads, (one / "_manifests/00000.jsonl").read_text().splitlines())
    assert head["pictures"] == 2 and rows[0]["plan"]["prompt"] == rows[0]["prompt"]


def test_begun_again_nothing_is_drawn_and_another_batch_is_refused(
    sdcli: Callable, sd1: Path, one: Path
) -> None:
    words = ("batch", "jobs.txt", "-m", sd1, *SMALL, "-o", one)
    again = sdcli(*words)
    assert again.code == 0 and again.out == "" and "0 pictures to draw" in again.err
    assert "8 finished before" in again.err
    for more, what in (
        (("--shards", 3), "--shards 4, not 3"),
        (("--to", "webdataset"), "--to folder"),
        (("--batch", 2), "--batch 1, not 2"),
        (("--limit", 3), "another batch"),
        (("--warm", "1m"), "--warm"),
        (("--on", "slurm"), "--on slurm"),
    ):
        ran = sdcli(*words, *more)
        assert ran.code == 2 and what in ran.err and "hint: " in ran.err and ran.out == ""
    Path("classic").mkdir()
    Path("classic/batch.jsonl").touch()
    ran = sdcli("batch", "jobs.txt", "-m", sd1, *SMALL, "-o", "classic")
    assert ran.code == 2 and "not in shards" in ran.err


def test_a_picture_is_the_one_that_the_command_draws(sdcli: Callable, sd1: Path, one: Path) -> None:
    rows = [json.loads(line) for line in (one / "_manifests/00000.jsonl").read_text().splitlines()]
    row, size = rows[1], SMALL[:-2]
    sdcli("txt2img", row["prompt"], "-m", sd1, "--seed", row["seed"], "-o", "t.png", *size)
    assert Image.open("t.png").tobytes() == Image.open(one / "00000" / row["file"]).tobytes()
    together = sdcli(
        "batch", "jobs.txt", "-m", sd1, *SMALL, "--shards", 4, "--batch", 2, "-o", "together"
    )
    assert together.code == 0
    for path in Path("together").glob("0*/*.png"):
        alone = Image.open(one / path.relative_to("together"))
        difference = ImageChops.difference(Image.open(path), alone)
        assert max(high for _, high in difference.getextrema()) <= 2
        assert '"batch_seeds":[' in path.read_bytes().decode("latin-1").replace(" ", "")


def test_what_fails_is_said_and_tried_again(sdcli: Callable, sd1: Path) -> None:
    lines = 'fox 0\n{"stepz": 3}\n{"prompt": "x", "lora": "gone"}\nfox 1'
    Path("jobs.txt").write_text(lines)
    words = ("batch", "jobs.txt", "-m", sd1, *SMALL, "--to", "webdataset", "-o", "out")
    for drawn_now in (2, 0):
        ran = sdcli(*words, "--json")
        events = [json.loads(line) for line in ran.out.splitlines()]
        assert ran.code == 3 and "line 2: " in ran.err and "line 3: " in ran.err
        assert [e["event"] for e in events].count("picture") == drawn_now
        (failed,) = [e for e in events if e["event"] == "failed"]
        assert failed["line"] == 3 and "gone" in failed["fact"]
        assert events[-1]["event"] == "end" and events[-1]["failures"] == 1
    assert len(list(Path("out").glob("*.tar"))) == 2  # of three shards one has no picture


def test_a_dry_run_says_what_it_takes_and_writes_nothing(
    sdcli: Callable, sd1: Path, one: Path, tmp_path: Path
) -> None:
    words = ("batch", "jobs.txt", "-m", sd1, *SMALL, "--shards", 4, "-o", "dry", "--dry-run")
    ran = sdcli(*words, "--workers", 2, "--price", 2)
    assert ran.code == 0 and "8 pictures in 4 shards, 2 workers" in ran.err
    assert "how long that takes is not known" in ran.err
    facts = json.loads(sdcli(*words, "--json").out)
    assert facts["pictures"] == 8 and facts["cost"] is None and not Path("dry").exists()


@pytest.fixture
def start(sd1: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Begin the eight jobs in a process of their own, with two workers."""
    started: list[subprocess.Popen] = []

    def begin(**more: Any) -> subprocess.Popen:
        words = ("batch", "jobs.txt", "-m", sd1, *SMALL, "--workers", 2, "--shards", 4, "--json")
        started.append(process.start(*words, "-o", "out", cwd=tmp_path, **more))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


def next_event(run: subprocess.Popen, *names: str) -> dict[str, Any]:
    for line in run.stdout:
        event = json.loads(line)
        if event["event"] in names:
            return event
    raise AssertionError(f"it ended without {names}: {run.communicate()[1]}")


def are_gone(processes: list[int]) -> bool:
    for _ in range(100):
        if not any(_is_alive(each) for each in processes):
            return True
        time.sleep(0.1)
    return False


def _is_alive(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"


def test_workers_and_the_one_who_started_them_may_be_killed_at_any_time(
    start: Callable[..., subprocess.Popen], sdcli: Callable, sd1: Path, one: Path, tmp_path: Path
) -> None:
    run = start()
    workers = [next_event(run, "worker")["process"] for _ in range(2)]
    os.kill(workers[0], signal.SIGKILL)
    assert "SIGKILL" in next_event(run, "died")["reason"]
    workers.append(next_event(run, "worker")["process"])  # another in its place
    run.kill()  # the driver, with no time to say anything
    run.wait()
    assert are_gone(workers)
    run = start()
    workers = [next_event(run, "worker")["process"] for _ in range(2)]
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and "goes on from there" in err and "Traceback" not in err
    assert are_gone(workers)
    last = sdcli("batch", "jobs.txt", "-m", sd1, *SMALL, "--workers", 2, "-o", tmp_path / "out")
    assert last.code == 0 and contents("out") == contents(one)


def test_what_is_wrong_with_a_batch_is_found(
    sdcli: Callable, sd1: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDCLI_MODELS", str(sd1.parent))
    ran = sdcli("batch", "--verify", one, "--sample", 1)
    assert ran.code == 0 and "drawn again: identical" in ran.err and ran.out == ""
    assert "8 of 8 pictures in 4 of 4 shards, 0 not as they should be" in ran.err
    shutil.copytree(one, "bad")
    (first, *_), (second, *_), (third, *_) = (
        sorted(Path("bad").glob(f"0000{number}/*.png")) for number in range(3)
    )
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    shutil.copy(third, third.with_name("stranger.png"))
    Path("bad/_manifests/00003.jsonl").unlink()
    ran = sdcli("batch", "--verify", "bad", "--sample", 0)
    assert ran.code == 1 and len(ran.out.splitlines()) == 5
    for words in (
        f"{first.stem} is missing",
        f"{second.stem} is damaged",
        "stranger.png is unknown",
    ):
        assert words in ran.out
    assert ran.out.count("it was not drawn to its end") == 2
    found = sdcli("batch", "--verify", "bad", "--sample", 0, "--json").out.splitlines()
    assert {json.loads(line)["what"] for line in found} == {"missing", "damaged", "unknown"}
    assert sdcli("batch", "--verify", "nowhere").code == 2


def test_a_sample_that_is_not_as_planned_is_found(
    sdcli: Callable, sd1: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDCLI_MODELS", str(sd1.parent))
    shutil.copytree(one, "bad")
    for path in Path("bad/_manifests").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for row in lines:
            if "plan" in row and "shard" not in row:
                row["plan"]["seed"] = 1
                row["pixels"] = "0" * 64
        path.write_text("".join(f"{json.dumps(row)}\n" for row in lines))
    ran = sdcli("batch", "--verify", "bad", "--sample", 1)
    assert ran.code == 1 and "is not as planned: different" in ran.out


@pytest.mark.thorough
def test_on_ray_the_files_are_the_same(sdcli: Callable, sd1: Path, one: Path) -> None:
    pytest.importorskip("ray")
    words = ("batch", "jobs.txt", "-m", sd1, *SMALL, "--shards", 4)
    ran = sdcli(*words, "--on", "ray", "--workers", 2, "-o", "ray")
    assert ran.code == 0 and "node " in ran.err and contents("ray") == contents(one)
