"""A classifier that names the things in a picture. It has only ever seen scenes drawn by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from data import pictures, tensor
from loop import Course, Loop, averaged
from PIL import Image
from scenes import KINDS, imagine
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate


class Namer(nn.Module):
    """A small convolutional network that says which kinds of things a picture shows. Trained on
    scenes alone.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((3, 32, 2), (32, 64, 2), (64, 128, 2), (128, 160, 1)):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.look = nn.Sequential(*layers, nn.Conv2d(160, len(KINDS), 1))

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        """A score for each kind: that of the place that looks most like it, wherever it is."""
        return self.look(interpolate(shown, (64, 64), mode="area")).flatten(2).logsumexp(2) - 4


def train_namer(
    folder: Path, *, count: int, size: int, batch: int, lr: float, minutes: float
) -> None:
    """Teach the namer, on pictures blurred, shifted and faded a little: sharpness must not be
    what it goes by.
    """
    store, namer = pictures(folder, count, size), Namer()
    loop = Loop(folder, "namer", {"namer": namer}, Course(minutes, lr, 50, decay=0.99))
    dice = np.random.default_rng(0)
    for _ in loop.steps():
        seeds = np.sort(dice.choice(count, batch, replace=False))
        shown = tensor(store[seeds]).to(loop.device)
        if dice.random() < 0.6:
            rough = int(dice.integers(size // 4, size))
            shown = interpolate(
                interpolate(shown, (rough, rough), mode="area"), (size, size), mode="bilinear"
            )
        shown = shown.roll(tuple(dice.integers(-6, 7, 2).tolist()), (2, 3))
        shown = shown * float(dice.uniform(0.85, 1.05)) + torch.randn_like(shown) * float(
            dice.uniform(0, 0.06)
        )
        truth = torch.zeros(batch, len(KINDS), device=loop.device)
        for row, seed in enumerate(seeds):
            for thing in imagine(int(seed)).things:
                truth[row, KINDS.index(thing.kind)] = 1
        loop.learn(binary_cross_entropy_with_logits(namer(shown), truth) * 10)


@torch.no_grad()
def names_of(namer: Namer, picture: Image.Image, count: int) -> set[str]:
    """The `count` kinds that the namer is surest of."""
    scores = namer(tensor(np.asarray(picture.convert("RGB"))[None]))[0]
    return {KINDS[k] for k in scores.topk(count).indices.tolist()}


def namer_of(folder: Path) -> Namer:
    """The trained namer."""
    namer = Namer()
    namer.load_state_dict(averaged(folder, "namer", "namer"))
    return namer.eval()
