"""The VAE: pictures into 8 times smaller latents and back. Learns to redraw what it is shown.

Half of what the decoder is shown here is noisy. A U-Net's latents are never quite right, and a
decoder that knows clean ones only makes smears of them; and where neighbouring latents must mean
neighbouring pictures, there is less in them that nobody could foretell (Yang et al., 2025). And each
cell's mean colour must be readable from its latent by one small matrix (`tint`): without that, four
numbers a cell went into outlines, and all colours lay between orange and blue.

Later the decoder goes on alone (`decoder.py`).
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from data import HELD_OUT, Pictures, tensor
from diffusers import AutoencoderKL
from loop import Course, Loop, arguments, averaged, course_of
from PIL import Image
from scenes import draw, imagine, sheet
from torch import nn
from torch.nn.functional import avg_pool2d, l1_loss, mse_loss

WIDTHS, GROUPS = (16, 32, 96, 160), 8
NOISE = 0.3
"""The most noise that is put on a latent, in shares of its spread."""


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
    if (folder / "decoder.pt").exists():
        vae.decoder.load_state_dict(averaged(folder, "decoder", "decoder"))
    return vae.eval().requires_grad_(False)


def noisy(latent: torch.Tensor, most: float) -> torch.Tensor:
    """Latents of which half are a little off, some more and some less."""
    spread = latent.detach().std((0, 2, 3), keepdim=True)
    many = (len(latent), 1, 1, 1)
    amount = most * torch.rand(many, device=latent.device)
    chosen = torch.rand(many, device=latent.device) < 0.5
    return latent + amount * chosen * spread * torch.randn_like(latent)


def _edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def loss_of(redrawn: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """How far a redrawing is off: in colour and in its edges, which are what the eye follows, both at
    several scales.
    """
    total = l1_loss(redrawn, shown) + 2 * mse_loss(redrawn, shown)
    for _ in range(3):
        total = total + 0.5 * sum(
            l1_loss(a, b) for a, b in zip(_edges(redrawn), _edges(shown), strict=True)
        )
        redrawn, shown = avg_pool2d(redrawn, 2), avg_pool2d(shown, 2)
        total = total + l1_loss(redrawn, shown)
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

    def lesson(self, step: int) -> torch.Tensor:
        """Crops, aligned to 8 (pixel art's cells and a pencil's strokes are a latent's); every
        eighth time a whole picture, since a norm's statistics differ between the two.
        """
        dice, half = self.dice, self.size // 2
        whole = step % 8 == 7
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


class Yardstick:
    """Scenes never learnt from, to measure a redrawing with."""

    def __init__(self, size: int, device: torch.device) -> None:
        shown = np.stack([np.asarray(draw(imagine(HELD_OUT + k), size)) for k in range(24)])
        self.shown = tensor(shown).to(device)

    def measure(self, vae: AutoencoderKL, loop: Loop, sheet: Path) -> None:
        """Note how near and how sharp a VAE's redrawings are, and draw them."""
        quality, redrawn = decibels(vae, self.shown)
        loop.note({"decibels": round(quality, 2)})
        loop.note({"sharpness": round(sharpness(redrawn, self.shown), 3)})
        look(self.shown[:12], redrawn[:12], sheet)


def train(folder: Path, course: Course, *, size: int, batch: int) -> None:
    """The stage. Once there are latents, the coder stands still: a U-Net learns from them."""
    if (folder / "latents.scale").exists():
        return
    kept, vae = Pictures(folder, size), build(size=size)
    tint = nn.Conv2d(4, 3, 1)
    loop = Loop(folder, "vae", {"vae": vae, "tint": tint}, course)
    school = School(kept, size, batch, loop.step + 1_000_000 * course.follows)
    yardstick = Yardstick(size, loop.device)
    for step in loop.steps():
        shown = school.lesson(step).to(loop.device, memory_format=torch.channels_last)
        with loop.half():
            seen = vae.encode(shown).latent_dist
            latent = noisy(seen.sample(), NOISE)
            redrawn, tinted = vae.decode(latent).sample, tint(latent)
        spread = 0.5 * (seen.mean.pow(2) + seen.var - 1 - seen.logvar).float().mean()
        loss = loss_of(redrawn.float(), shown) + l1_loss(tinted.float(), avg_pool2d(shown, 8))
        loop.learn(loss + 1e-4 * spread)
        if step % 500 == 499 and not course.follows:
            average = build(size=size).to(loop.device)
            average.load_state_dict(loop.averaged("vae"))
            yardstick.measure(average, loop, folder / "vae.png")
    average = build(size=size).to(loop.device)
    average.load_state_dict(loop.averaged("vae"))
    for weights in (vae, average):  # the average last, since it is what is looked at
        even(weights, average, tensor(kept.store[:256]).to(loop.device))
    loop.ema |= {f"vae.{name}": p for name, p in average.state_dict().items()}
    loop.save()


@torch.no_grad()
def even(vae: AutoencoderKL, by: AutoencoderKL, shown: torch.Tensor) -> None:
    """Give each channel of the latents a mean of 0 and a spread of 1, as `by` sees pictures: what
    is divided behind the coder is multiplied before the decoder, and nothing else changes.
    """
    seen = torch.cat([by.encode(part).latent_dist.mode() for part in shown.split(16)])
    mean, spread = seen.mean((0, 2, 3)), seen.std((0, 2, 3))
    coded, decoded = vae.quant_conv, vae.post_quant_conv
    decoded.bias += decoded.weight.flatten(1) @ mean
    decoded.weight *= spread[:, None, None]
    twice = torch.cat([spread, torch.ones_like(spread)])
    coded.weight /= twice[:, None, None, None]
    coded.bias -= torch.cat([mean, 2 * spread.log()])
    coded.bias /= twice


def look(shown: torch.Tensor, redrawn: torch.Tensor, path: Path) -> None:
    """A sheet: what was shown, above what came back."""
    both = torch.cat([shown, redrawn]).add(1).mul(127.5).clamp(0, 255).byte()
    pixels = both.permute(0, 2, 3, 1).cpu().numpy()
    sheet([Image.fromarray(p) for p in pixels], len(shown)).save(path)


if __name__ == "__main__":
    words = arguments(__doc__, batch=4, lr=1.5e-3, minutes=45)
    said = words.parse_args()
    course = course_of(said, warmup=100, hold=0.4, decay=0.998, weight_decay=0.001)
    torch.manual_seed(random.randrange(1 << 30))
    train(said.folder, course, size=said.size, batch=said.batch)
