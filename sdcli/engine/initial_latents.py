"""Where the loop starts, for each task: latents, the step to begin with, what must be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from PIL import Image

from sdcli.engine.denoise import Keep
from sdcli.engine.noise import Noise
from sdcli.engine.pipeline import Pipeline, encode
from sdcli.engine.sampler import Sampling
from sdcli.images import load as images
from sdcli.plan import Draw, Edit, Plan, Redraw, Repaint


@dataclass(frozen=True)
class Start:
    """What the loop starts from, and what the finished picture is laid over."""

    x: torch.Tensor
    begin: int = 0
    keep: Keep | None = None
    beside: torch.Tensor | None = None  # more U-Net channels, one row
    original: Image.Image | None = None  # the picture handed in, at its own size
    share: Image.Image | None = None  # how much of the new picture shows over it


def start(plan: Plan, pipe: Pipeline, sampling: Sampling, dice: Noise) -> Start:
    """The start of one picture. The first noise that `dice` throws is the picture's own."""
    device = pipe.place
    shape = (1, pipe.vae.config.latent_channels, plan.height // 8, plan.width // 8)
    noise = dice.randn(shape).to(device)
    match plan.task:
        case Draw():
            beside = _masked(pipe, plan, None, None) if _channels(pipe) == 9 else None
            return Start(sampling.initial(noise), beside=beside)
        case Redraw(file, strength):
            original = images.picture(file.path)
            latents = encode(pipe, pixels(images.fit(original, plan.width, plan.height)))
            begin = sampling.begin(strength)
            beside = _masked(pipe, plan, original, None) if _channels(pipe) == 9 else None
            x = _over(latents.float(), noise, sampling, begin, strength)
            return Start(x, begin, beside=beside, original=original)
        case Repaint():
            return _repaint(plan, plan.task, pipe, sampling, noise)
        case Edit(file):
            original = images.picture(file.path)
            fitted = images.fit(original, plan.width, plan.height)
            beside = encode(pipe, pixels(fitted)) / pipe.scale  # this kind was trained unscaled
            return Start(sampling.initial(noise), beside=beside, original=original)
        case _:
            assert_never(plan.task)


def _repaint(
    plan: Plan, task: Repaint, pipe: Pipeline, sampling: Sampling, noise: torch.Tensor
) -> Start:
    original = images.picture(task.image.path)
    mask = images.mask(task.mask.path)
    size = plan.width, plan.height
    fitted, fitted_mask = images.fit(original, *size), images.fit(mask, *size)
    fitted_mask = fitted_mask.point([255 * (level > 127) for level in range(256)])
    latents = encode(pipe, pixels(fitted)).float()
    cells = cell_mask(fitted_mask).to(noise.device)
    begin = sampling.begin(task.strength)
    inpainter = _channels(pipe) == 9
    return Start(
        x=_over(latents, noise, sampling, begin, task.strength),
        begin=begin,
        keep=Keep(latents, cells),
        beside=_masked(pipe, plan, fitted, fitted_mask) if inpainter else None,
        original=original,
        share=images.feathered(fitted_mask, task.feather),
    )


def _over(
    latents: torch.Tensor, noise: torch.Tensor, sampling: Sampling, begin: int, strength: float
) -> torch.Tensor:
    """Noise over a picture. At strength 1 nothing of it shines through; elsewhere a trace would."""
    return sampling.initial(noise) if strength == 1 else sampling.noised(latents, noise, begin)


def _channels(pipe: Pipeline) -> int:
    return int(pipe.unet.config.in_channels)


def _masked(
    pipe: Pipeline, plan: Plan, picture: Image.Image | None, mask: Image.Image | None
) -> torch.Tensor:
    """The five more channels of an inpainting U-Net: the mask, and what is not under it.

    Without a mask everything is to be painted, over mid-grey, as AUTOMATIC1111 has it.
    """
    size = plan.width, plan.height
    whole = Image.new("L", size, 255) if mask is None else mask
    grey = Image.new("RGB", size, (128, 128, 128))
    if mask is None and picture is not None:
        seen = images.fit(picture, *size)
    else:
        seen = grey if picture is None else Image.composite(grey, picture, whole)
    latents = encode(pipe, pixels(seen))
    return torch.cat([cell_mask(whole).to(latents), latents], dim=1)


def pixels(image: Image.Image) -> torch.Tensor:
    """An RGB picture as [1, 3, h, w] in -1..1."""
    array = np.asarray(image.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(array / 127.5 - 1).permute(2, 0, 1)[None]


def image(tensor: torch.Tensor) -> Image.Image:
    """[1, 3, h, w] in -1..1 as an RGB picture."""
    levels = ((tensor[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy(), "RGB")


def cell_mask(mask: Image.Image) -> torch.Tensor:
    """A mask in latent cells: a cell that the white touches anywhere may be painted."""
    array = np.asarray(mask, dtype=np.float32) / 255
    return torch.nn.functional.max_pool2d(torch.from_numpy(array)[None, None], images.CELL)
