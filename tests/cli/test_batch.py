"""Many pictures from a file: begun, stopped, begun again."""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sdcli.batch.journal import BatchJournal
from tests.helpers import process

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


def test_what_is_measured_is_in_the_journal_and_counts_when_it_goes_on(
    sdcli: Callable, sd1: Path
) -> None:
    words = ("-m", sd1, "--measure", "sharpness", *SMALL)
    first = sdcli("batch", jobs("a fox"), *words, "--json")
    entries = [json.loads(line) for line in Path("outputs/batch.jsonl").read_text().splitlines()]
    assert entries[-1]["measured"] == json.loads(first.out)["measured"] != {}
    again = sdcli("batch", jobs("a fox\nan owl"), *words)
    assert "1 picture to draw, 1 finished before" in again.err and "of 2: " in again.err


def test_a_dry_run_draws_nothing(sdcli: Callable, sd1: Path) -> None:
    ran = sdcli("batch", jobs(), "-m", sd1, "--dry-run", "--json")
    assert len(ran.out.splitlines()) == 3 and not Path("outputs").exists()


def test_a_file_that_is_not_there(sdcli: Callable) -> None:
    ran = sdcli("batch", "gone.txt")
    assert ran.code == 2 and "gone.txt" in ran.err


def test_a_run_stopped_between_the_name_and_the_journal_doubles_nothing(
    sdcli: Callable, sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: BatchJournal, *finished: object) -> None:
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

    def begin(file: str, *words: object, **more: object) -> subprocess.Popen:
        all_words = ("batch", file, "-m", sd1, *SMALL, *words)
        started.append(process.start(*all_words, cwd=tmp_path, stdin=subprocess.PIPE, **more))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


MANY = "\n".join(f"fox {number}" for number in range(12))


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_ended_at_any_moment_it_goes_on_without_losing_or_doubling(
    start: Callable[..., subprocess.Popen],
    sdcli: Callable,
    sd1: Path,
    tmp_path: Path,
    end: signal.Signals,
) -> None:
    (tmp_path / "jobs.txt").write_text(MANY)
    run = start("jobs.txt")
    for _ in range(2):
        assert run.stdout.readline()
    run.send_signal(end)  # somewhere within the next picture
    _, err = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143}[end]
    assert (end == signal.SIGKILL) != ("the same command goes on from there" in err)
    assert sdcli("batch", "jobs.txt", "-m", sd1, *SMALL).code == 0
    pictures = list((tmp_path / "outputs").rglob("*.png"))
    assert sorted(
        path.name.rpartition("-")[0] for path in pictures if path.name[0] != "."
    ) == sorted(f"fox-{number}" for number in range(12))


def test_two_runs_on_one_folder_draw_every_picture_once(
    start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    (tmp_path / "jobs.txt").write_text(MANY)
    processes = [start("jobs.txt"), start("jobs.txt")]  # the first to lock it draws
    said = [each.communicate(timeout=120) for each in processes]
    assert [each.returncode for each in processes] == [0, 0]
    (out, err), (none, waited) = sorted(said, key=lambda streams: streams[0] == "")
    assert len(out.split()) == 12 and "12 pictures to draw, 0 finished before" in err
    assert none == "" and "0 pictures to draw, 12 finished before" in waited
    assert "another batch is drawing into `outputs`: waiting" in waited
    assert len(list((tmp_path / "outputs").glob("*.png"))) == 12


def test_from_stdin_a_picture_is_drawn_before_the_next_line_is_there(
    start: Callable[..., subprocess.Popen],
) -> None:
    run = start("-")
    for prompt in ("a fox", "an owl"):
        run.stdin.write(prompt + "\n")
        run.stdin.flush()
        assert prompt.replace(" ", "-") in run.stdout.readline()
    assert run.communicate(timeout=60)[0] == "" and run.returncode == 0


def test_after_ctrl_c_it_says_what_is_kept_and_goes_on(
    start: Callable[..., subprocess.Popen], sdcli: Callable, sd1: Path, tmp_path: Path
) -> None:
    (tmp_path / "jobs.txt").write_text(MANY)
    run = start("jobs.txt")
    first = run.stdout.readline()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "the same command goes on from there" in err and "Traceback" not in err
    kept = [tmp_path / line for line in (first + out).split()]
    assert sorted((tmp_path / "outputs").iterdir()) == sorted(
        [*kept, tmp_path / "outputs/batch.jsonl"]
    )
    again = sdcli("batch", "jobs.txt", "-m", sd1, *SMALL)
    assert again.code == 0 and len(again.out.split()) == 12 - len(kept)
    assert f"{len(kept)} finished before" in again.err


@pytest.mark.thorough
def test_a_disk_that_fills_up_behind_a_picture_does_not_make_it_forgotten(
    start: Callable[..., subprocess.Popen], tmp_path: Path
) -> None:
    (tmp_path / "jobs.txt").write_text("a fox\nan owl")
    journal = {name: tmp_path / name / "batch.jsonl" for name in ("a", "b")}
    assert start("jobs.txt", "-o", "a").wait(60) == 0
    intent, done, *_ = journal["a"].read_bytes().splitlines(keepends=True)
    most = 100_000
    journal["b"].parent.mkdir()
    journal["b"].write_bytes(b"\n" * (most - len(intent) - len(done) // 2))  # half a line is left
    full = start("jobs.txt", "-o", "b", before=lambda: _limit_files(most))
    out, err = full.communicate(timeout=60)
    assert full.returncode == 1 and "Traceback" not in err
    assert "batch.jsonl` cannot be written: File too large\nhint: " in err
    assert [tmp_path / line for line in out.split()] == [*journal["b"].parent.glob("*.png")]
    again = start("jobs.txt", "-o", "b")
    out, err = again.communicate(timeout=60)
    assert "1 picture to draw, 1 finished before" in err and len(out.split()) == 1


def _limit_files(most: int) -> None:
    """A disk that is full once a file has so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_a_journal_that_is_no_file_is_refused(sdcli: Callable, sd1: Path, kind: str) -> None:
    Path("outputs").mkdir()
    if kind == "a pipe":
        os.mkfifo("outputs/batch.jsonl")
    else:
        Path("outputs/batch.jsonl").symlink_to("/dev/zero")
    ran = sdcli("batch", jobs("a fox"), "-m", sd1, *SMALL)
    assert ran.code == 1 and "journal" in ran.err and "\nhint: " in ran.err and ran.out == ""


def test_what_a_batch_does_not_do_is_refused_in_a_line(sdcli: Callable, sd1: Path) -> None:
    line = '{"prompt": "a fox", "count": 4, "batch": 2}'
    ran = sdcli("batch", jobs(line), "-m", sd1, *SMALL)
    assert ran.code == 3 and ran.out == ""
    assert "line 1: how many are drawn together is not for a job to say" in ran.err
