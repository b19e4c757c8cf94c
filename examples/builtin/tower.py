"""The image tower, for `sdcli score`: how well a picture fits a prompt, read by the model's own
text encoder.

While the U-Net learnt, its text encoder moved away from the one that CLIP was trained with. Here
that one stands still, and CLIP's other half learns to meet it again. The file holds only this half,
under the names that CLIP's tensors have everywhere.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import clip
import numpy as np
import torch
from captions import describe
from data import Pictures, Words, tensor, vocabulary
from export import ASSETS
from loop import Course, Loop, averaged
from safetensors.torch import save_file
from scenes import imagine
from torch.nn.functional import cross_entropy


def train(folder: Path, out: Path, *, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage, and the file in the end."""
    kept, words = Pictures(folder, size), Words(vocabulary())
    towers = clip.trained_towers(folder, words)
    towers.text.load_state_dict(averaged(folder, "unet", "text"))
    towers.text.requires_grad_(False)
    loop = Loop(folder, "tower", {"towers": towers}, Course(minutes, lr, 50, hold=0.3))
    dice, chance = np.random.default_rng(loop.step), random.Random(loop.step)
    for _ in loop.steps():
        seeds = np.sort(dice.choice(kept.done, min(batch, kept.done), replace=False))
        scenes = [imagine(int(s)) for s in seeds]
        wrong = [t for t in map(clip.twisted, scenes) if t][: clip.TWISTED]
        said = [describe(scene, chance) for scene in [*scenes, *wrong]]
        rows = clip.shorten(words.rows(said, fillers=chance), words.end).to(loop.device)
        with loop.half():
            fit = towers(tensor(kept.store[seeds]).to(loop.device), rows)
        own = torch.arange(len(seeds), device=loop.device)
        loop.learn((cross_entropy(fit, own) + cross_entropy(fit.T[: len(own)], own)) / 2)
    towers.load_state_dict(loop.averaged("towers"))
    write(towers, out)


def write(towers: clip.Towers, out: Path) -> None:
    """The file: the image tower, both projections, the temperature."""
    tensors = {
        re.sub(r"^look\.(vision_model\.)?", "vision_model.", name): p.detach().half().contiguous()
        for name, p in towers.state_dict().items()
        if not name.startswith("text.") and not name.endswith("position_ids")
    }
    about = {"image_size": clip.SIDE, "patch_size": clip.PATCH, "heads": clip.HEADS}
    header = {"format": "pt", "sdcli": json.dumps(about), "modelspec.license": "Apache-2.0"}
    save_file(tensors, out, header)
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--out", type=Path, default=ASSETS / "builtin-tower.safetensors")
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--batch", type=int, default=96)
    said.add_argument("--lr", type=float, default=1e-3)
    said.add_argument("--minutes", type=float, default=15)
    c = said.parse_args()
    train(c.folder, c.out, size=c.size, batch=c.batch, lr=c.lr, minutes=c.minutes)
