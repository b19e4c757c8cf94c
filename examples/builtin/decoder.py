"""The decoder goes on alone, since the U-Net has learnt on what the coder makes.

It learns to redraw a scene from its latent, and as often from what the U-Net made of that
(`guesses.py`), where lines are bent and corners round. At the end with a critic of its own, which
has learnt to tell drawn from redrawn, and does not like soft edges.
"""

from __future__ import annotations

import random
from pathlib import Path

import guesses
import numpy as np
import torch
import vae as vae_stage
from data import Pictures, tensor
from latents import Latents
from loop import Course, Loop, arguments, course_of
from torch import nn
from torch.nn.functional import relu

CRITIC = 0.5
"""The share of the budget after which the critic is heard."""
NOISE = 0.3
"""The most noise on a latent, in shares of its spread."""


class Exercises:
    """Latents, the scenes' own and the U-Net's, and what they ought to show."""

    def __init__(self, folder: Path, size: int, batch: int) -> None:
        self.drawn, self.own = Pictures(folder, size), Latents(folder, size)
        self.guessed = Latents(folder, size, guesses.NAME)
        self.cells, self.batch, self.dice = size // 8, batch, np.random.default_rng()

    def draw(self, *, whole: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Parts of half a side, or a quarter as many wholes, since a norm's statistics differ
        between the two: latents as they are coded, and pictures.
        """
        side, many = (self.cells, self.batch // 4) if whole else (self.cells // 2, self.batch)
        latent: list[np.ndarray] = []
        shown: list[np.ndarray] = []
        for _ in range(max(1, many)):
            store = (self.own, self.guessed)[self.dice.integers(2)]
            seed = self.dice.integers(store.done)
            y, x = self.dice.integers(0, self.cells - side + 1, 2)
            latent.append(store.store[seed, :, y : y + side, x : x + side])
            y, x, pixels = 8 * y, 8 * x, 8 * side
            shown.append(self.drawn.store[seed, y : y + pixels, x : x + pixels])
        return torch.from_numpy(np.stack(latent)).float(), tensor(np.stack(shown))


class Critic(nn.Module):
    """Says of each place of a picture whether it looks drawn (positive) or redrawn."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((3, 32, 2), (32, 64, 2), (64, 96, 1)):
            layers += [nn.Conv2d(before, after, 4, stride, 1), nn.LeakyReLU(0.2)]
            layers += [nn.GroupNorm(8, after)] if before > 3 else []
        self.judge = nn.Sequential(*layers, nn.Conv2d(96, 1, 3, 1, 1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """One number a place."""
        return self.judge(picture)

    def lesson(self, drawn: torch.Tensor, redrawn: torch.Tensor) -> torch.Tensor:
        """How badly it tells them apart (hinge loss)."""
        return relu(1 - self(drawn)).mean() + relu(1 + self(redrawn.detach())).mean()


def train(folder: Path, course: Course, *, size: int, batch: int) -> None:
    """The stage."""
    vae, critic = vae_stage.trained(folder), Critic()
    decoder = vae.decoder.requires_grad_(True).train()
    loop = Loop(folder, "decoder", {"decoder": decoder, "critic": critic}, course)
    vae.to(loop.device, memory_format=torch.channels_last)
    exercises = Exercises(folder, size, batch)
    yardstick = vae_stage.Yardstick(size, loop.device)
    for step in loop.steps():
        latent, shown = (
            part.to(loop.device, memory_format=torch.channels_last)
            for part in exercises.draw(whole=step % 4 == 3)
        )
        heard = loop.progress > CRITIC
        with loop.half():
            redrawn = vae.decode(vae_stage.noisy(latent, NOISE)).sample
        redrawn = redrawn.float()
        loss = vae_stage.loss_of(redrawn, shown)
        if heard:
            trust = min(1.0, 4 * (loop.progress - CRITIC) / (1 - CRITIC))
            with loop.half():
                taste = -critic(redrawn).float().mean()
                lesson = critic.lesson(shown, redrawn).float()
            loss = loss + 0.01 * trust * taste
        loop.learn(loss, lessons={critic: lesson} if heard else {})
        if step % 500 == 499 and not course.follows:
            average = vae_stage.build(size=size).to(loop.device)
            average.load_state_dict(vae.state_dict())
            average.decoder.load_state_dict(loop.averaged("decoder"))
            yardstick.measure(average, loop, folder / "vae.png")


if __name__ == "__main__":
    said = arguments(__doc__, batch=4, lr=1e-3, minutes=60).parse_args()
    torch.manual_seed(random.randrange(1 << 30))
    course = course_of(said, warmup=100, hold=0.3, decay=0.998, weight_decay=0.001)
    train(said.folder, course, size=said.size, batch=said.batch)
