"""A LoRA: a style the model never saw, learnt beside its frozen weights in a few thousandths of
their number.

The pictures are drawn by code, each with its words in a file beside it; the rest is what
`sdcli train lora` does with any folder. Each adapted matrix W becomes W + scale * up @ down, with
`up` and `down` of rank 8 (Hu et al., 2021); `up` starts at zero, so training starts at the model
itself. The loss is ten lines of `sdcli/engine/training/loss.py`, the loop is `trainer.py` there.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from captions import describe
from export import ASSETS
from scenes import draw, imagine
from world import Scene

import sdcli

RANK, STYLE = 8, "blueprint"
MODEL = ASSETS / "builtin.safetensors"


def write_pictures(
    folder: Path, count: int, size: int, scene_of: Callable[[int], Scene], say: Callable
) -> Path:
    """A folder to learn from: the scenes of so many seeds, and what is said of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        scene = scene_of(seed)
        draw(scene, size).save(folder / f"{seed:05}.png")
        (folder / f"{seed:05}.txt").write_text(say(scene, random.Random(seed)), encoding="utf-8")
    return folder


def in_style(seed: int) -> Scene:
    """The scene of a seed, in the style to be learnt."""
    return imagine(seed, style=STYLE)


def caption(scene: Scene, dice: random.Random) -> str:
    """What it would be called in the style that everything has unless it is said otherwise, with
    the trigger word.
    """
    return f"{describe(replace(scene, style='flat'), dice)}, {STYLE}"


def train(folder: Path, out: Path, *, count: int, size: int, steps: int, batch: int) -> None:
    """The stage: its pictures, its file, and a page of how it went."""
    shown = write_pictures(folder / STYLE, count, size, in_style, caption)
    sdcli.train_lora(
        shown,
        out,
        model=str(MODEL),
        trigger=STYLE,
        rank=RANK,
        conv_rank=RANK,
        text_encoder=False,
        steps=steps,
        batch=batch,
        lr=3e-3,
        schedule="cosine",
        size=size,
        about="white lines on blue, for the built-in model of sdcli",
        license="Apache-2.0",
        force=True,
    )
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / f"builtin-{STYLE}.safetensors")
    said.add_argument("--count", type=int, default=512)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=16)
    said.add_argument("--steps", type=int, default=400)
    c = said.parse_args()
    train(c.folder, c.out, count=c.count, size=c.size, steps=c.steps, batch=c.batch)
