"""Where the loop starts, for each task: latents, the step to begin with, what must be kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
import torch
from PIL import Image

from sdcli.engine.denoise import MaskedOriginal
from sdcli.engine.noise import Noise
from sdcli.engine.pipeline import Pipeline, encode_pixels
from sdcli.engine.sampler import Sampling
from sdcli.images.load import CELL, fit_picture, load_mask, load_picture
from sdcli.images.only_masked import CutOut, cut_out_masked
from sdcli.images.outpaint import Borders, new_part, widen
from sdcli.images.overlay import FADED, Overlay
from sdcli.images.small_picture import SmallPicture, load_small_picture
from sdcli.plan import Draw, Edit, Enlarge, Outpaint, Plan, Redraw, Repaint
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.weights.families import FAMILIES


@dataclass(frozen=True)
class DenoisingStart:
    """What the loop starts from, and what the finished picture is laid over, if anything."""

    x: torch.Tensor
    first_evaluation: int = 0
    keep: MaskedOriginal | None = None
    # More channels of the U-Net: one row, or one for each picture.
    extra_channels: torch.Tensor | None = None
    overlay: Overlay | SmallPicture | None = None


def prepare_start(
    plan: Plan, pipe: Pipeline, sampling: Sampling, noise_source: Noise, pictures: int = 1
) -> DenoisingStart:
    """The start of the pictures of a plan that are drawn together: x is [pictures, 4, h, w].

    The first draw from `noise_source` is the pictures' own noise, but for an enlarging, which
    begins with that of the picture it sees, as in diffusers.
    """
    device, cell = pipe.compute_device, FAMILIES[plan.family].cell
    shape = (pictures, pipe.vae.config.latent_channels, plan.height // cell, plan.width // cell)
    if isinstance(plan.task, Enlarge):
        return _start_enlarging(plan, plan.task, sampling, noise_source, shape, device)
    noise = noise_source.randn(shape).to(device)
    match plan.task:
        case Draw():
            beside = (
                _inpainting_channels(pipe, plan, None, None) if _unet_channels(pipe) == 9 else None
            )
            return DenoisingStart(sampling.scale_noise(noise), extra_channels=beside)
        case Redraw(file, strength):
            original = load_picture(file.path)
            latents = encode_pixels(
                pipe, image_to_pixels(fit_picture(original, plan.width, plan.height))
            )
            begin = sampling.begin_at(strength)
            beside = (
                _inpainting_channels(pipe, plan, original, None)
                if _unet_channels(pipe) == 9
                else None
            )
            x = _noise_over(latents.float(), noise, sampling, begin, strength)
            overlay = _overlay(plan, plan.task, original)
            return DenoisingStart(x, begin, extra_channels=beside, overlay=overlay)
        case Repaint() | Outpaint():
            return _start_repaint(plan, plan.task, pipe, sampling, noise)
        case Edit(file):
            original = load_picture(file.path)
            fitted = fit_picture(original, plan.width, plan.height)
            beside = (
                encode_pixels(pipe, image_to_pixels(fitted)) / pipe.latent_scale
            )  # this kind was trained unscaled
            return DenoisingStart(
                sampling.scale_noise(noise), extra_channels=beside, overlay=Overlay(original)
            )
        case _:
            assert_never(plan.task)


def _start_repaint(
    plan: Plan, task: Repaint | Outpaint, pipe: Pipeline, sampling: Sampling, noise: torch.Tensor
) -> DenoisingStart:
    original, painted, shown = _picture_and_masks(task)
    size = plan.width, plan.height
    cut_out = None
    if task.only_masked >= 0:
        cut_out = replace(cut_out_masked(original, painted, task.only_masked, *size), mask=shown)
        original, painted, shown = cut_out.part, cut_out.part_mask, cut_out.cut(shown)
    fitted = fit_picture(original, *size)
    fitted_mask, shown = (_fit_mask(mask, *size) for mask in (painted, shown))
    latents = encode_pixels(pipe, image_to_pixels(fitted)).float()
    cells = grown_mask(latent_mask(fitted_mask), task.grow).to(noise.device)
    begin = sampling.begin_at(task.strength)
    inpainter = _unet_channels(pipe) == 9
    return DenoisingStart(
        x=_noise_over(latents, noise, sampling, begin, task.strength),
        first_evaluation=begin,
        keep=MaskedOriginal(latents, cells),
        extra_channels=_inpainting_channels(pipe, plan, fitted, fitted_mask) if inpainter else None,
        overlay=_overlay(plan, task, original, shown, cut_out),
    )


def _start_enlarging(
    plan: Plan,
    task: Enlarge,
    sampling: Sampling,
    noise_source: Noise,
    shape: tuple[int, int, int, int],
    device: torch.device,
) -> DenoisingStart:
    """Noise alone, beside it the small picture, as noisy as the plan says: a latent for each pixel."""
    small = load_small_picture(task.image.path, task.scale)
    pixels = image_to_pixels(small.with_full_cells())
    sigma = make_noise_schedule(*FAMILIES[plan.family].betas).sigmas[task.noise_level]
    pictures, _, height, width = shape
    noise = noise_source.randn((pictures, 3, height, width))
    seen = (pixels + noise.to(pixels.device) * sigma) / math.hypot(sigma, 1)
    return DenoisingStart(
        sampling.scale_noise(noise_source.randn(shape).to(device)),
        extra_channels=seen.to(device),
        overlay=small,
    )


def _picture_and_masks(
    task: Repaint | Outpaint,
) -> tuple[Image.Image, Image.Image, Image.Image]:
    """What is drawn over, where it is painted, and where that is shown: in an outpainting it is
    faded over into the old picture, which is none of what is painted."""
    picture = load_picture(task.image.path)
    if isinstance(task, Repaint):
        mask = load_mask(task.mask.path)
        return picture, mask, mask
    borders = Borders(task.left, task.up, task.right, task.down)
    canvas = widen(picture, borders, task.fill)
    painted, shown = (new_part(canvas.size, borders, reach) for reach in (0, task.feather))
    return canvas, painted, shown


def _fit_mask(mask: Image.Image, width: int, height: int) -> Image.Image:
    return fit_picture(mask, width, height).point([255 * (level > 127) for level in range(256)])


def _overlay(
    plan: Plan,
    task: Redraw | Repaint | Outpaint,
    original: Image.Image,
    mask: Image.Image | None = None,
    cut_out: CutOut | None = None,
) -> Overlay:
    """What a finished picture is laid over. At strength 0 no step is taken and nothing of the
    original is lost to the VAE (the first version's rules lost that much)."""
    rules = FADED if isinstance(task, Outpaint) else task.rules
    if task.strength == 0 and rules > 1:
        mask = Image.new("L", (plan.width, plan.height), 0)
        cut_out = cut_out and cut_out.unchanged()
    feather = 0 if isinstance(task, Redraw) else task.feather
    return Overlay(original, mask, feather, rules, cut_out)


def _noise_over(
    latents: torch.Tensor, noise: torch.Tensor, sampling: Sampling, begin: int, strength: float
) -> torch.Tensor:
    """Noise over a picture. At strength 1 nothing of it shines through; elsewhere a trace would."""
    return (
        sampling.scale_noise(noise) if strength == 1 else sampling.add_noise(latents, noise, begin)
    )


def _unet_channels(pipe: Pipeline) -> int:
    return int(pipe.unet.config.in_channels)


def _inpainting_channels(
    pipe: Pipeline, plan: Plan, picture: Image.Image | None, mask: Image.Image | None
) -> torch.Tensor:
    """The five more channels of an inpainting U-Net: the mask, and what is not under it.

    Without a mask everything is to be painted, over mid-grey, as AUTOMATIC1111 has it.
    """
    size = plan.width, plan.height
    whole = Image.new("L", size, 255) if mask is None else mask
    grey = Image.new("RGB", size, (128, 128, 128))
    if mask is None and picture is not None:
        seen = fit_picture(picture, *size)
    else:
        seen = grey if picture is None else Image.composite(grey, picture, whole)
    latents = encode_pixels(pipe, image_to_pixels(seen))
    return torch.cat([latent_mask(whole).to(latents), latents], dim=1)


def image_to_pixels(image: Image.Image) -> torch.Tensor:
    """An RGB picture as [1, 3, h, w] in -1..1."""
    array = np.asarray(image.convert("RGB"), dtype=np.float32)
    return torch.from_numpy(array / 127.5 - 1).permute(2, 0, 1)[None]


def pixels_to_image(tensor: torch.Tensor) -> Image.Image:
    """[1, 3, h, w] in -1..1 as an RGB picture."""
    levels = ((tensor[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy(), "RGB")


def latent_mask(mask: Image.Image) -> torch.Tensor:
    """A mask in latent cells: a cell that the white touches anywhere may be painted."""
    array = np.asarray(mask, dtype=np.float32) / 255
    return torch.nn.functional.max_pool2d(torch.from_numpy(array)[None, None], CELL)


def grown_mask(cells: torch.Tensor, pixels: int) -> torch.Tensor:
    """A mask in latent cells that reaches so many pixels further: the nearer half of them is drawn
    as freely as what is masked, since what stood there is in those cells, too; the rest less and
    less."""
    rings = -(-pixels // CELL)
    free = -(-rings // 2)
    grown = cells
    for ring in range(1, rings + 1):
        cells = torch.nn.functional.max_pool2d(cells, 3, stride=1, padding=1)
        share = 1.0 if ring <= free else 1 - (ring - free) / (rings - free + 1)
        grown = torch.maximum(grown, cells * share)
    return grown
