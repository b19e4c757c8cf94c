"""The VAE: pictures into 8 times smaller latents and back. Learns to redraw what it is shown."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, pictures, tensor
from diffusers import AutoencoderKL
from loop import Course, Loop, averaged
from PIL import Image
from scenes import draw, imagine, sheet
from torch.nn.functional import l1_loss, mse_loss

GROUPS = 8
FREEZE = 0.6
"""The share of the budget after which the encoder stands still: the U-Net can start on its
latents, while the decoder goes on learning to draw them better.
"""


def build(widths: tuple[int, ...] = (16, 32, 64, 96), size: int = 128) -> AutoencoderKL:
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


def _edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def loss_of(redrawn: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """How far a redrawing is off: in colour, and in its edges, which are what the eye follows."""
    steps = sum(l1_loss(a, b) for a, b in zip(_edges(redrawn), _edges(shown), strict=True))
    return l1_loss(redrawn, shown) + 2 * mse_loss(redrawn, shown) + 0.5 * steps


def decibels(vae: AutoencoderKL, shown: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The mean peak signal-to-noise ratio of a round trip, and the redrawn pictures."""
    with torch.no_grad():
        redrawn = torch.cat(
            [
                vae.decode(vae.encode(part).latent_dist.mode()).sample.clamp(-1, 1)
                for part in shown.split(8)
            ]
        )
    errors = ((redrawn - shown) / 2).pow(2).mean((1, 2, 3))
    return float((-10 * errors.log10()).mean()), redrawn


def train(folder: Path, *, count: int, size: int, batch: int, lr: float, minutes: float) -> None:
    """The stage: crops first, which cost a quarter; then whole pictures, as the decoder will be
    asked for, from an encoder that no longer changes.
    """
    store = pictures(folder, count, size)
    vae = build(size=size)
    loop = Loop(
        folder, "vae", {"vae": vae}, Course(minutes, lr, 100, decay=0.998, weight_decay=0.001)
    )
    unseen = tensor(
        np.stack([np.asarray(draw(imagine(HELD_OUT + k), size)) for k in range(24)])
    ).to(loop.device)
    dice = np.random.default_rng(loop.step)
    half = size // 2
    frozen = False
    for step in loop.steps():
        if loop.progress > FREEZE and not frozen:
            frozen = True
            freeze(vae, loop.averaged("vae"))
            loop.save()
            (folder / "vae.frozen").touch()
        whole = frozen or step % 8 == 7  # a norm's statistics differ between crops and pictures
        rows = np.sort(dice.integers(0, count, max(1, batch // 4) if whole else batch))
        shown = store[rows]
        if not whole:  # aligned to 8: pixel art's cells are a latent's
            left, top = 8 * dice.integers(0, (size - half) // 8 + 1, 2)
            shown = shown[:, top : top + half, left : left + half]
        shown = tensor(shown).to(loop.device, memory_format=torch.channels_last)
        if dice.random() < 0.5:
            shown = shown.flip(3)
        seen = vae.encode(shown).latent_dist
        redrawn = vae.decode(seen.sample()).sample
        spread = 0.5 * (seen.mean.pow(2) + seen.var - 1 - seen.logvar).mean()
        loop.learn(loss_of(redrawn, shown) + 1e-4 * spread)
        if step % 500 == 499:
            average = build(size=size).to(loop.device)
            average.load_state_dict(loop.averaged("vae"))
            quality, redrawn = decibels(average, unseen)
            loop.note({"decibels": round(quality, 2)})
            look(unseen[:8], redrawn[:8], folder / "vae.png")


def freeze(vae: AutoencoderKL, average: dict[str, torch.Tensor]) -> None:
    """Give the encoder its averaged weights, for good."""
    for name, part in (("encoder", vae.encoder), ("quant_conv", vae.quant_conv)):
        part.load_state_dict(
            {n.removeprefix(f"{name}."): p for n, p in average.items() if n.startswith(f"{name}.")}
        )
        part.requires_grad_(False)


def look(shown: torch.Tensor, redrawn: torch.Tensor, path: Path) -> None:
    """A sheet: what was shown, above what came back."""
    both = (
        torch.cat([shown, redrawn])
        .add(1)
        .mul(127.5)
        .clamp(0, 255)
        .byte()
        .permute(0, 2, 3, 1)
        .cpu()
        .numpy()
    )
    sheet([Image.fromarray(p) for p in both], len(shown)).save(path)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--folder", type=Path, default=Path("run"))
    words.add_argument("--count", type=int, default=24576)
    words.add_argument("--size", type=int, default=128)
    words.add_argument("--batch", type=int, default=4)
    words.add_argument("--lr", type=float, default=1.5e-3)
    words.add_argument("--minutes", type=float, default=45)
    said = words.parse_args()
    train(
        said.folder,
        count=said.count,
        size=said.size,
        batch=said.batch,
        lr=said.lr,
        minutes=said.minutes,
    )
