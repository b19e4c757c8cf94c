"""Several pictures in one call of the U-Net: each is what it is alone, but for rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sdcli.engine.low_memory import MemoryFallbacks
from sdcli.engine.noise import StackedNoise, make_noise
from sdcli.engine.session import Session
from sdcli.events import SilentListener, Step
from sdcli.metadata.record import read_picture_metadata
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Redraw, Repaint, Request, Task

SIZE = 64


def start_picture(folder: Path) -> Path:
    path = folder / "start.png"
    Image.radial_gradient("L").resize((SIZE, SIZE)).convert("RGB").save(path)
    return path


def mask(folder: Path) -> Path:
    path = folder / "mask.png"
    white = Image.new("L", (SIZE, SIZE))
    white.paste(255, (16, 16, 48, 48))
    white.save(path)
    return path


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float64)


def pictures_of(plan: Plan, listener: Any = None) -> list[Image.Image]:
    with Session() as session:
        return [picture.image for picture in session.run(plan, listener)]


@pytest.mark.parametrize(
    ("task", "scheduler"),
    [
        ("words", "dpm++2m-karras"),
        ("words", "euler-a"),  # fresh noise at every step
        ("words", "dpm++sde"),  # a Brownian motion for each picture
        ("words", "unipc"),
        ("redraw", "euler"),
        ("repaint", "dpm++2m-sde-karras"),
    ],
)
@pytest.mark.parametrize("layout", ["sd1", "sdxl", "sd1-inpaint"])
def test_each_picture_is_what_it_is_alone(
    checkpoints: Callable[[str], Path], tmp_path: Path, layout: str, task: str, scheduler: str
) -> None:
    start = start_picture(tmp_path)
    tasks: dict[str, Task] = {
        "words": Draw(),
        "redraw": Redraw(start, 0.7),
        "repaint": Repaint(start, mask(tmp_path), 0.8),
    }
    plan = make_plan(
        Request(
            tasks[task], "a (red:1.2) fox [by day:at night:0.5]", negative="a cat",
            model=str(checkpoints(layout)), scheduler=scheduler, steps=3, seed=2**32 - 2,
            count=3, width=SIZE, height=SIZE, dtype="fp32",
        )
    )  # fmt: skip
    alone = pictures_of(plan)
    together = pictures_of(replace(plan, batch=2))  # two, and one that is left over
    assert len(together) == 3
    for one, other in zip(alone, together, strict=True):
        assert np.abs(levels(one) - levels(other)).mean() < 0.2
    assert alone[2].tobytes() == together[2].tobytes(), "the one left over is drawn alone"
    assert np.abs(levels(together[0]) - levels(together[1])).mean() > 1, "each has its own noise"


def test_listeners_are_told_of_the_batch(sd1: Path) -> None:
    heard: list[Step] = []

    class Hears(SilentListener):
        def on_step(self, step: Step) -> None:
            heard.append(step)

    plan = make_plan(Request(Draw(), "a fox", model=str(sd1), steps=2, seed=5, count=3, batch=2))
    pictures_of(replace(plan, width=SIZE, height=SIZE), Hears())
    assert [(step.seed, step.batch, step.picture_index) for step in heard] == [
        (5, 2, 0), (5, 2, 0), (7, 1, 2), (7, 1, 2),
    ]  # fmt: skip
    assert heard[0].preview().size[0] > 0


def test_a_batch_is_recorded_and_drawn_again_as_a_whole(
    sdcli: Callable[..., Any], sd1: Path, tmp_path: Path
) -> None:
    flags = [
        "--steps",
        "3",
        "--seed",
        "4",
        "-c",
        "3",
        "--batch",
        "3",
        "-W",
        "64",
        "-H",
        "64",
        "--scheduler",
        "euler-a",
    ]
    ran = sdcli("txt2img", "a fox", "-m", sd1, *flags, "-o", tmp_path / "{seed}.png")
    assert ran.code == 0, ran.err
    middle = tmp_path / "5.png"
    made = read_picture_metadata(middle).provenance
    assert made is not None and made.batch_seeds == (4, 5, 6)
    again = sdcli("reproduce", middle, "--exact", "-o", tmp_path / "again.png")
    assert again.code == 0, again.err
    assert "identical" in again.err
    assert Image.open(tmp_path / "again.png").tobytes() == Image.open(middle).tobytes()


def test_one_picture_alone_says_nothing_of_a_batch(sdcli: Callable[..., Any], sd1: Path) -> None:
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--steps", 1, "--batch", 4, "-o", "fox.png")
    assert ran.code == 0, ran.err
    made = read_picture_metadata(Path("fox.png")).provenance
    assert made is not None and made.batch_seeds == ()


def test_stacked_noise_is_each_pictures_own() -> None:
    alone = [make_noise(seed, "nv", ensd=31337) for seed in (1, 2)]
    together = StackedNoise([make_noise(seed, "nv", ensd=31337) for seed in (1, 2)])
    for _ in range(3):
        assert torch.equal(
            together.randn((2, 4, 8, 8)), torch.cat([noise.randn((1, 4, 8, 8)) for noise in alone])
        )
    with pytest.raises(ValueError, match="no shape"):
        together.randn((3, 4, 8, 8))


def test_where_memory_runs_out_the_batch_is_halved() -> None:
    notes: list[str] = []
    tried: list[int] = []

    def work(count: int) -> int:
        tried.append(count)
        if count > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return count

    memory = MemoryFallbacks(torch.device("cpu"), "auto")
    assert memory.retry_batch(None, work, 8, notes.append) == 2  # type: ignore[arg-type]
    assert tried == [8, 4, 2]
    assert memory.retry_batch(None, work, 8, notes.append) == 2  # type: ignore[arg-type]
    assert tried == [8, 4, 2, 2], "what fitted is remembered"
    assert memory.taken == ("out of memory: 2 pictures at a time",)
