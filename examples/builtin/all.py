"""The whole recipe with one command: `python all.py --folder run --hours 6`. Killed at any moment,
it goes on; with more hours than before, every stage learns further.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import torch

SHARES = {
    "clip": 0.04, "vae": 0.18, "unet": 0.5, "decoder": 0.12, "few": 0.05, "tower": 0.04, "lora": 0,
    "embedding": 0, "upscaler": 0.02, "judge": 0.05,
}  # fmt: skip
"""How the hours are divided. Drawing the scenes, encoding them and guessing at them take what they
take, and so do the LoRA and the word, whose steps are counted: minutes each."""
SMALL = 0.3
"""The share of the U-Net's time that is spent on pictures of half the side, without a GPU."""
SCENES = 32768
LARGER = {"clip": 512, "vae": 32, "unet": 256, "decoder": 32}
"""The batches on a GPU."""


def run(folder: Path, hours: float, size: int, model: Path | None) -> None:
    """Each stage in a process of its own, in order; those that are finished end at once. With a
    `model`, a packaged file, its VAE stays and its U-Net goes on.
    """
    gpu = torch.cuda.is_available()
    sides = (size,) if gpu or model else (size // 2, size)
    if model and not (folder / "unet.pt").exists():
        call("begin", folder, "--from", model)
    for side in sides:
        call("data", folder, "--size", side, "--count", SCENES if side == size else SCENES // 2)
    for stage, share in SHARES.items():
        minutes = 60 * hours * share
        if stage == "unet":
            for side in sides:
                call("latents", folder, "--size", side)
        if stage == "decoder":
            call("guesses", folder, "--size", size)
        if stage == "tower":  # the file is needed from here on
            call("export", folder, "--size", size)
        words: list[object] = ["--minutes", minutes] if share else []
        words += ["--batch", LARGER[stage]] if gpu and stage in LARGER else []
        words += ["--small", minutes * SMALL] if stage == "unet" and len(sides) > 1 else []
        call(stage, folder, "--size", size, *words)


def call(stage: str, folder: Path, *words: object) -> None:
    """One stage, as its own command."""
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")]
    print(f"== {stage}", flush=True)
    subprocess.run(
        [
            sys.executable,
            here / f"{stage}.py",
            "--folder",
            folder,
            *map(str, words),
        ],
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--hours", type=float, default=6)
    said.add_argument("--size", type=int, default=192, help="256 where there is a GPU")
    said.add_argument("--begin", type=Path, help="a packaged file to go on from")
    chosen = said.parse_args()
    model = chosen.begin.resolve() if chosen.begin else None
    run(chosen.folder.resolve(), chosen.hours, chosen.size, model)
