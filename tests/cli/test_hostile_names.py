"""A pipe, a device, a name that is none: wherever a file is expected, each is an error at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

# Every place of the command line where a file is named; `{}` is where it stands.
PLACES = (
    ("txt2img", "x", "-m", "{}"),
    ("txt2img", "x", "--lora", "{}"),
    ("txt2img", "x <lora:{}:1>"),
    ("txt2img", "x", "--embedding", "{}"),
    ("txt2img", "x", "--vae", "{}"),
    ("txt2img", "x", "--control", "{}:in.png"),
    ("txt2img", "x", "--preset", "{}"),
    ("txt2img", "x", "--like", "{}"),
    ("txt2img", "x", "--preview", "view.png", "--preview-vae", "{}"),
    ("img2img", "x", "--image", "{}"),
    ("inpaint", "x", "--image", "in.png", "--mask", "{}"),
    ("trace", "x", "--image", "{}"),
    ("reproduce", "{}"),
    ("show", "{}"),
    ("show", "--strip", "{}"),
    ("show", "--toml", "{}"),
    ("explain", "x", "-m", "{}"),
    ("explain", "x", "--embedding", "{}"),
    ("lora", "show", "{}"),
    ("lora", "show", "builtin:blueprint", "-m", "{}"),
    ("lora", "merge", "--lora", "{}", "-o", "new.safetensors"),
    ("lora", "extract", "-m", "{}", "--base", "builtin", "-o", "new.safetensors"),
    ("batch", "{}"),
)
NAMES = {
    "a pipe": "pipe.png",
    "a device": "/dev/zero",
    "a file of the system's": "/proc/self/environ",
    "a folder": "folder.png",
    "a loop of links": "loop.png",
    "nobody's": "~nobody-of-that-name/x.png",
    "a long name": "n" * 300 + ".png",
    "a long path": "n/" * 3000 + "x.png",
    "a zero": "a\0b.png",
    "half a letter": "a\udcffb.png",
    "a file as a folder": "in.png/x.png",
}


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Nothing here may wait: a test that does is ended."""

    def stop(*_: object) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _lay_out() -> None:
    Image.new("RGB", (64, 64), "red").save("in.png")
    os.mkfifo("pipe.png")
    Path("folder.png").mkdir()
    Path("loop.png").symlink_to("loop.png")


@pytest.mark.parametrize("kind", NAMES)
def test_whatever_is_named_is_answered_at_once(sdcli: Callable, kind: str) -> None:
    _lay_out()
    before = sorted(Path().iterdir())
    for place in PLACES:
        ran = sdcli(*(word.replace("{}", NAMES[kind]) for word in place))
        assert ran.code in (1, 2), (place, ran)
        assert ran.err.startswith("error: ") and "\nhint: " in ran.err, (place, ran.err)
        assert ran.out == "" and "Traceback" not in ran.err, (place, ran)
        assert len(ran.err) < 2000 or kind == "a long path", (place, ran.err)
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind != "half a letter"])
def test_no_place_to_write_is_answered_at_once(sdcli: Callable, sd1: Path, kind: str) -> None:
    _lay_out()
    for flag in ("-o", "--preview"):
        ran = sdcli("txt2img", "x", "-m", sd1, "--steps", 1, "--seed", 1, flag, NAMES[kind], "-q")
        if ran.code == 0:  # a folder is a place to draw into
            assert (kind, flag) in (("a folder", "-o"), ("nobody's", "-o")), ran
            continue
        assert ran.code in (1, 2), ran
        assert ran.err.startswith("error: ") and "\nhint: " in ran.err, ran.err
    for made in Path("~nobody-of-that-name").glob("*"):
        made.unlink()
