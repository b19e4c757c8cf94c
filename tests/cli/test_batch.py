"""Many pictures from a file: begun, stopped, begun again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sdcli.batch.journal import BatchJournal

pytestmark = pytest.mark.slow

SMALL = ("--steps", 1, "-W", 64, "-H", 64)
JOBS = """
# a comment, and an empty line

a red fox
{"prompt": "a blue fox", "steps": 2, "seed": 7, "count": 2}
a red fox
"""


def pixels(path: str | Path) -> bytes:
    return Image.open(path).tobytes()


def jobs(text: str = JOBS) -> str:
    Path("jobs.txt").write_text(text)
    return "jobs.txt"


def test_every_line_is_drawn(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("batch", jobs(), "-m", sd1, "--json", *SMALL)
    facts = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0 and len(facts) == 4
    assert [fact["plan"]["prompt"] for fact in facts] == [
        "a red fox",
        *["a blue fox"] * 2,
        "a red fox",
    ]
    assert [fact["seed"] for fact in facts][1:3] == [7, 8]
    assert [fact["index"] for fact in facts] == [0, 0, 1, 0]
    assert facts[1]["plan"]["steps"] == 2 and facts[0]["plan"]["steps"] == 1
    assert facts[0]["seed"] != facts[3]["seed"]  # said twice, drawn twice


def test_a_run_begun_again_goes_on_where_it_stopped(sdcli: Callable, sd1: Path) -> None:
    first = sdcli("batch", jobs(), "-m", sd1, *SMALL).out.split()
    again = sdcli("batch", jobs(), "-m", sd1, *SMALL)
    assert again.out == "" and "0 pictures to draw, 4 finished before" in again.err
    lost = Path(first[2])
    before = pixels(lost)
    lost.unlink()
    third = sdcli("batch", jobs(), "-m", sd1, *SMALL)
    assert third.out.split() == [str(lost)] and pixels(lost) == before
    assert sdcli("batch", jobs(), "-m", sd1, "--cfg", 3, *SMALL).out.count("\n") == 4  # other jobs


def test_a_job_is_what_the_command_draws(sdcli: Callable, sd1: Path) -> None:
    sdcli("batch", jobs('{"prompt": "a fox", "seed": 3}'), "-m", sd1, "-o", "b.png", *SMALL)
    sdcli("txt2img", "a fox", "-m", sd1, "--seed", 3, "-o", "t.png", *SMALL)
    assert pixels("b.png") == pixels("t.png")


def test_a_job_may_start_from_a_picture(sdcli: Callable, sd1: Path) -> None:
    Image.radial_gradient("L").resize((64, 64)).save("in.png")
    line = '{"prompt": "a fox", "image": "in.png", "strength": 0.5}'
    ran = sdcli("batch", jobs(line), "-m", sd1, "--steps", 2, "--json")
    assert json.loads(ran.out)["plan"]["task"]["strength"] == 0.5


def test_what_is_wrong_with_a_line_costs_that_line(sdcli: Callable, sd1: Path) -> None:
    text = 'a fox\n{"stepz": 3}\n{"prompt": "x", "scheduler": "eular"}\n{"prompt": \nan owl'
    ran = sdcli("batch", jobs(text), "-m", sd1, *SMALL)
    assert ran.code == 3 and len(ran.out.split()) == 2
    for words in ("line 2: ", "steps", "line 3: no scheduler", "line 4: ", "3 jobs failed"):
        assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_dry_run_draws_nothing(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("batch", jobs(), "-m", sd1, "--dry-run", "--json")
    assert len(ran.out.splitlines()) == 3 and not Path("outputs").exists()


def test_a_file_that_is_not_there(sdcli: Callable) -> None:
    ran = sdcli("batch", "gone.txt")
    assert ran.code == 2 and "gone.txt" in ran.err


def test_a_run_stopped_between_the_name_and_the_journal_doubles_nothing(
    sdcli: Callable, sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: BatchJournal, job: str, index: int, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BatchJournal, "finish", stop)
        ran = sdcli("batch", jobs("a fox\nan owl"), "-m", sd1, *SMALL)
    assert ran.code == 130 and "the same command goes on" in ran.err
    again = sdcli("batch", jobs("a fox\nan owl"), "-m", sd1, *SMALL)
    assert "1 picture to draw, 1 finished before" in again.err
    assert len(list(Path("outputs").rglob("*.png"))) == 2


def test_a_folder_where_the_journal_should_be_is_said_before_anything_is_drawn(
    sdcli: Callable, sd1: Path
) -> None:
    Path("outputs/batch.jsonl").mkdir(parents=True)
    ran = sdcli("batch", jobs(), "-m", sd1, *SMALL)
    assert ran.code == 1 and "journal" in ran.err and ran.out == ""
    Path("file").touch()
    ran = sdcli("batch", jobs(), "-m", sd1, "-o", "file/under", *SMALL)
    assert ran.code == 1 and "file/under" in ran.err and "Traceback" not in ran.err


def test_no_line_ends_the_batch(sdcli: Callable, sd1: Path) -> None:
    lines = ['{"prompt": "x", "image": "a\\u0000b"}', '{"prompt": "x", "out": "{nope}/"}', "a fox"]
    ran = sdcli("batch", jobs("\n".join(lines)), "-m", sd1, *SMALL)
    assert ran.code == 3 and len(ran.out.split()) == 1
    assert "line 1: " in ran.err and "line 2: " in ran.err and "Traceback" not in ran.err


def test_the_seed_of_a_job_is_the_one_that_was_said(sdcli: Callable, sd1: Path) -> None:
    text = 'a fox\n{"prompt": "a fox", "seed": 3, "count": 2}'
    words = ("batch", jobs(text), "-m", sd1, "--seed", 9, *SMALL)
    drawn = [json.loads(line)["seed"] for line in sdcli(*words, "--json").out.splitlines()]
    planned = [json.loads(line) for line in sdcli(*words, "--dry-run", "--json").out.splitlines()]
    assert drawn == [9, 3, 4] and [plan["seed"] for plan in planned] == [9, 3]
    assert [plan["from"]["seed"] for plan in planned] == ["said", "line 2"]


@pytest.fixture
def start(sd1: Path, tmp_path: Path) -> Callable[..., subprocess.Popen]:
    """Begin a real `sdcli batch` in a process of its own: start("jobs.txt", ...)."""
    started: list[subprocess.Popen] = []
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}

    def begin(file: str, *words: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "sdcli", "batch", file, "-m", str(sd1)]
        process = subprocess.Popen(
            [*command, *map(str, (*SMALL, *words))],
            cwd=tmp_path,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


MANY = "\n".join(f"fox {number}" for number in range(12))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_ended_at_any_moment_it_goes_on_without_losing_or_doubling(
    start: Callable[..., subprocess.Popen], tmp_path: Path, end: signal.Signals
) -> None:
    (tmp_path / "jobs.txt").write_text(MANY)
    for pictures in (1, 3):
        process = start("jobs.txt")
        for _ in range(pictures):
            assert process.stdout.readline()
        process.send_signal(end)  # somewhere within the next picture
        _, err = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143}[end]
        assert (end == signal.SIGKILL) != ("the same command goes on from there" in err)
    assert start("jobs.txt").wait(120) == 0
    pictures = list((tmp_path / "outputs").rglob("*.png"))
    assert sorted(
        path.name.rpartition("-")[0] for path in pictures if path.name[0] != "."
    ) == sorted(f"fox-{number}" for number in range(12))


def test_two_runs_on_one_folder_draw_every_picture_once(
    start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    (tmp_path / "jobs.txt").write_text(MANY)
    processes = [start("jobs.txt"), start("jobs.txt")]  # the first to lock it draws
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    (out, err), (none, waited) = sorted(said, key=lambda streams: streams[0] == "")
    assert len(out.split()) == 12 and "12 pictures to draw, 0 finished before" in err
    assert none == "" and "0 pictures to draw, 12 finished before" in waited
    assert "another batch is drawing into `outputs`: waiting" in waited
    assert len(list((tmp_path / "outputs").glob("*.png"))) == 12


def test_from_stdin_a_picture_is_drawn_before_the_next_line_is_there(
    start: Callable[..., subprocess.Popen],
) -> None:
    process = start("-")
    for prompt in ("a fox", "an owl"):
        process.stdin.write(prompt + "\n")
        process.stdin.flush()
        assert prompt.replace(" ", "-") in process.stdout.readline()
    assert process.communicate(timeout=60)[0] == "" and process.returncode == 0
