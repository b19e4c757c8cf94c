"""The VAE: pictures into 8 times smaller latents and back. Learns to redraw what it is shown.

First coder and decoder learn together, on crops; then the coder stands still, so that the U-Net can
begin on its latents, and the decoder goes on alone: at the end with a critic of its own, which has
learnt to tell drawn from redrawn, and does not like soft edges.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, Pictures, tensor
from diffusers import AutoencoderKL
from loop import Course, Loop, averaged
from PIL import Image
from scenes import draw, imagine, sheet
from torch import nn
from torch.nn.functional import avg_pool2d, l1_loss, mse_loss, relu

WIDTHS, GROUPS = (24, 48, 96, 128), 8
FREEZE = 0.7
"""The share of the first budget after which the coder stands still."""
CRITIC = 0.75
"""The share of the budget after which the critic is heard, if the coder stands still."""


def build(widths: tuple[int, ...] = WIDTHS, size: int = 192) -> AutoencoderKL:
    """An untrained VAE in SD 1.x's layout, with thin layers."""
    n = len(widths)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * n,
        up_block_types=("UpDecoderBlock2D",) * n,
        block_out_channels=widths,
        layers_per_block=1,
        norm_num_groups=GROUPS,
        sample_size=size,
    )


def trained(folder: Path) -> AutoencoderKL:
    """The VAE as its stage left it (averaged weights), ready to use."""
    vae = build()
    vae.load_state_dict(averaged(folder, "vae", "vae"))
    return vae.eval().requires_grad_(False)


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


def _edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def loss_of(redrawn: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """How far a redrawing is off: in colour, and in its edges at three scales, which are what the
    eye follows.
    """
    total = l1_loss(redrawn, shown) + 2 * mse_loss(redrawn, shown)
    for _ in range(3):
        total = total + 0.5 * sum(
            l1_loss(a, b) for a, b in zip(_edges(redrawn), _edges(shown), strict=True)
        )
        redrawn, shown = avg_pool2d(redrawn, 2), avg_pool2d(shown, 2)
    return total


def decibels(vae: AutoencoderKL, shown: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The mean peak signal-to-noise ratio of a round trip, and the redrawn pictures."""
    with torch.no_grad():
        redrawn = torch.cat(
            [
                vae.decode(vae.encode(part).latent_dist.mode()).sample.clamp(-1, 1)
                for part in shown.split(4)
            ]
        )
    errors = ((redrawn - shown) / 2).pow(2).mean((1, 2, 3))
    return float((-10 * errors.log10()).mean()), redrawn


def sharpness(redrawn: torch.Tensor, shown: torch.Tensor) -> float:
    """The mean step at the edges of what was shown, relative to the steps there."""
    before, after = (torch.cat([e.abs().flatten() for e in _edges(p)]) for p in (shown, redrawn))
    at_edges = before > 0.2
    return float(after[at_edges].mean() / before[at_edges].mean())


class School:
    """Crops and wholes to learn from."""

    def __init__(self, kept: Pictures, size: int, batch: int, seed: int) -> None:
        self.kept, self.size, self.batch = kept, size, batch
        self.dice = np.random.default_rng(seed)

    def lesson(self, step: int, *, whole: bool = False) -> torch.Tensor:
        """Crops, aligned to 8 (pixel art's cells and a pencil's strokes are a latent's); every
        eighth time a whole picture, since a norm's statistics differ between the two.
        """
        dice, half = self.dice, self.size // 2
        whole = whole or step % 8 == 7
        rows = np.sort(
            dice.integers(0, self.kept.done, max(1, self.batch // 4) if whole else self.batch)
        )
        if whole:
            return tensor(self.kept.store[rows])
        corners = 8 * dice.integers(0, (self.size - half) // 8 + 1, (self.batch, 2))
        crops = [
            self.kept.store[r, y : y + half, x : x + half]
            for r, (y, x) in zip(rows, corners, strict=True)
        ]
        return tensor(np.stack(crops))


def train(folder: Path, *, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage."""
    kept = Pictures(folder, size)
    vae, critic = build(size=size), Critic()
    course = Course(minutes, lr, 100, hold=0.3, decay=0.998, weight_decay=0.001)
    loop = Loop(folder, "vae", {"vae": vae, "critic": critic}, course)
    school = School(kept, size, batch, loop.step)
    unseen = tensor(np.stack([np.asarray(draw(imagine(HELD_OUT + k), size)) for k in range(24)]))
    unseen = unseen.to(loop.device)
    frozen = (folder / "vae.frozen").exists()
    if frozen:
        freeze(vae, loop.averaged("vae"))
    for step in loop.steps():
        if loop.progress > FREEZE and not frozen:
            frozen = True
            freeze(vae, loop.averaged("vae"))
            loop.save()
            (folder / "vae.frozen").touch()
        shown = school.lesson(step).to(loop.device, memory_format=torch.channels_last)
        heard = frozen and loop.progress > CRITIC
        with loop.half():
            seen = vae.encode(shown).latent_dist
            redrawn = vae.decode(seen.sample() if not frozen else seen.mode()).sample
        redrawn = redrawn.float()
        spread = 0.5 * (seen.mean.pow(2) + seen.var - 1 - seen.logvar).float().mean()
        loss = loss_of(redrawn, shown) + 1e-4 * spread
        if heard:
            trust = min(1.0, 4 * (loop.progress - CRITIC) / (1 - CRITIC))
            with loop.half():
                taste, lesson = (
                    -critic(redrawn).float().mean(),
                    critic.lesson(shown, redrawn).float(),
                )
            loss = loss + 0.01 * trust * taste
        loop.learn(loss, lessons={critic: lesson} if heard else {})
        if step % 500 == 499:
            average = build(size=size).to(loop.device)
            average.load_state_dict(loop.averaged("vae"))
            quality, redrawn = decibels(average, unseen)
            loop.note({"decibels": round(quality, 2)})
            loop.note({"sharpness": round(sharpness(redrawn, unseen), 3)})
            look(unseen[:12], redrawn[:12], folder / "vae.png")


def freeze(vae: AutoencoderKL, average: dict[str, torch.Tensor]) -> None:
    """Give the coder its averaged weights, for good."""
    for name, part in (("encoder", vae.encoder), ("quant_conv", vae.quant_conv)):
        part.load_state_dict(
            {n.removeprefix(f"{name}."): p for n, p in average.items() if n.startswith(f"{name}.")}
        )
        part.requires_grad_(False)


def look(shown: torch.Tensor, redrawn: torch.Tensor, path: Path) -> None:
    """A sheet: what was shown, above what came back."""
    both = torch.cat([shown, redrawn]).add(1).mul(127.5).clamp(0, 255).byte()
    pixels = both.permute(0, 2, 3, 1).cpu().numpy()
    sheet([Image.fromarray(p) for p in pixels], len(shown)).save(path)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--size", type=int, default=192)
    words.add_argument("--batch", type=int, default=4)
    words.add_argument("--lr", type=float, default=1.5e-3)
    words.add_argument("--minutes", type=float, default=45)
    said = words.parse_args()
    train(said.folder, size=said.size, batch=said.batch, lr=said.lr, minutes=said.minutes)
