"""What cannot be done is said: a fact, a hint, an exit code, and nothing half-written."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from sdcli.engine import device
from tests.helpers.process import ROOT, start

DRAW = ("txt2img", "a fox")
SMALL = ("-W", 64, "-H", 64)


def refused(ran: object, *words: str, code: int = 2) -> None:
    """One fact, one hint, nothing on stdout, no traceback, and the words that must be said."""
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert ran.err.startswith("error: ") and "\nhint: " in ran.err and "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, ran.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--scheduler", "eular"), ("`eular`", "did you mean", "euler")),
        (("--scheduler", "DPM adaptive"), ("equivalent",)),
        (("--steps", 0), ("--steps",)),
        (("--steps", -3), ("--steps",)),
        (("--cfg", "nan"), ("nan",)),
        (("--cfg", "inf"), ("inf",)),
        (("--eta", -1), ("negative",)),
        (("--scheduler", "euler", "--eta", 0.5), ("takes no `--eta`",)),
        (("--seed", -1), ("--seed",)),
        (("--seed", 2**64), ("--seed",)),
        (("--seed", 2**64 - 1, "-c", 2), ("last seed",)),
        (("-W", 100), ("--width 100", "96 or 104")),
        (("-H", 0), ("--height 0",)),
        (("-W", 1_000_000), ("out of bounds",)),
        (("--count", 0), ("--count",)),
        (("--device", "gpu"), ("`--device`", "cuda")),
        (("--dtype", "fp8"), ("`--dtype`",)),
        (("--offload", "all"), ("`--offload`",)),
        (("--prediction", "flow"), ("`--prediction`",)),
        (("--prompt-syntax", "compel"), ("`--prompt-syntax`", "plain")),
        (("--vae", "none.safetensors"), ("none.safetensors",)),
        (("--clip-skip", 0), ("--clip-skip",)),
        (("--format", "tiff"), ("tiff", "png")),
        (("-o", "{sead}.png"), ("{sead}", "{seed}")),
        (("--stepz", 3), ("--stepz", "--steps")),
        (("--strength", 0.5), ("--strength",)),
    ],
)
def test_flags_that_cannot_be_meant(
    sdcli: Callable, sd1: Path, flags: tuple[object, ...], words: tuple[str, ...]
) -> None:
    refused(sdcli(*DRAW, "-m", sd1, *flags), *words)
    assert not Path("outputs").exists()


def test_a_command_that_is_none(sdcli: Callable) -> None:
    refused(sdcli("txt2imgg", "a fox"), "txt2imgg")
    refused(sdcli("txt2img"), "see `sdcli txt2img --help`")


def test_a_model_that_is_not_there(sdcli: Callable) -> None:
    refused(sdcli(*DRAW, "-m", "none.safetensors"), "none.safetensors")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("empty",)),
        (b"<html>404</html>" * 40, ()),
        (struct.pack("<Q", 2**42) + b"{}", ()),
        (b'\x10\0\0\0\0\0\0\0{"a":', ()),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n", ("LFS",)),
    ],
)
def test_files_that_are_no_checkpoint(
    sdcli: Callable, tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    refused(sdcli(*DRAW, "-m", path), "x.safetensors", *words)


def test_a_checkpoint_cut_short(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(sd1.read_bytes()[:-1000])
    refused(sdcli(*DRAW, "-m", path), "cut.safetensors")


def test_pictures_that_are_none(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    refused(sdcli("img2img", "x", "-m", sd1, "--image", "gone.png"), "gone.png")
    refused(sdcli("img2img", "x", "-m", sd1, "--image", "text.png"), "text.png")


def test_masks_that_cannot_be_meant(sdcli: Callable, sd1: Path) -> None:
    Image.new("RGB", (64, 64)).save("in.png")
    for colour, size, word in (
        (0, (64, 64), "black"),
        (255, (64, 64), "white"),
        (9, (8, 8), "8x8"),
    ):
        Image.new("L", size, colour).save("mask.png")
        over = ("--image", "in.png", "--mask", "mask.png")
        refused(sdcli("inpaint", "x", "-m", sd1, *over), word)


def test_tasks_that_a_model_is_not_for(sdcli: Callable, checkpoints: Callable) -> None:
    refused(sdcli(*DRAW, "-m", checkpoints("sd1-edit")), "instruction", "sdcli edit")


def test_a_file_of_the_users_stays(sdcli: Callable, sd1: Path) -> None:
    Path("mine.png").write_text("mine")
    refused(sdcli(*DRAW, "-m", sd1, "-o", "mine.png"), "mine.png", "--force")
    assert Path("mine.png").read_text() == "mine"


def test_a_folder_that_cannot_be_written(sdcli: Callable, sd1: Path) -> None:
    Path("file").write_text("")
    refused(sdcli(*DRAW, "-m", sd1, "-o", "file/x.png"), "file", code=1)


def test_a_device_that_is_not_there(sdcli: Callable, sd1: Path) -> None:
    if device.choose_machine("auto", "auto").device.type == "cuda":
        pytest.skip("this machine has a GPU")
    refused(sdcli(*DRAW, "-m", sd1, "--device", "cuda"), "--device cuda")
    refused(sdcli(*DRAW, "-m", sd1, "--offload", "model"), "--offload model")


def test_ctrl_c_costs_one_picture(sd1: Path, tmp_path: Path) -> None:
    words = (*DRAW, "-m", sd1, "--seed", 1, "-c", 5000, "--steps", 8, "-o", tmp_path / "o", *SMALL)
    process = start(*words)
    first = process.stdout.readline().strip()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    kept = [first, *out.split()]
    assert sorted(kept) == sorted(map(str, (tmp_path / "o").iterdir()))
    for path in kept:
        Image.open(path).verify()


@pytest.mark.parametrize("after", [0.05, 0.3, 1.0])
def test_ctrl_c_before_anything_is_drawn(sd1: Path, tmp_path: Path, after: float) -> None:
    process = start(*DRAW, "-m", sd1, "-c", 5000, "-o", tmp_path / "o")
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    # Python itself is not up yet in the first milliseconds, and dies of the signal in its own way.
    assert process.returncode in {130, 1, -signal.SIGINT}
    if process.returncode == 1:
        assert f"{os.sep}sdcli{os.sep}" not in err
    if process.returncode == 130:
        assert "Traceback" not in err


DROPPED = """
import os, signal, time
from sdcli import __main__
from sdcli.cli import app

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), {number})
        time.sleep(0.2)

def main():
    Dropped()
    time.sleep(30)
    return 0

app.main = main
signal.signal(signal.SIGINT, signal.default_int_handler)
__main__.run()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_where_python_can_raise_nothing_is_not_lost(
    number: signal.Signals, code: int
) -> None:
    script = DROPPED.format(number=int(number))
    ran = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=25, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (code, "")


def test_a_reader_that_goes_away(sd1: Path, tmp_path: Path) -> None:
    process = start(*DRAW, *SMALL, "-m", sd1, "-c", 200, "--steps", 1, "-o", tmp_path / "o")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in err and err.startswith("error: ")
    for path in (tmp_path / "o").iterdir():
        Image.open(path).verify()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB, where one can be had."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_was_finished(sdcli: Callable, sd1: Path, small_disk: Path) -> None:
    same = ("-m", sd1, "--steps", 1, "-W", 128, "-H", 128, "--seed", 1)
    ran = sdcli(*DRAW, *same, "-c", 9, "-o", small_disk)
    assert ran.code == 1 and "No space left" in ran.err and "Traceback" not in ran.err
    kept = sorted(map(str, small_disk.iterdir()))
    assert kept and kept == sorted(ran.out.split())
    for path in kept:
        Image.open(path).load()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout(sd1: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "sdcli", "schedulers"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
