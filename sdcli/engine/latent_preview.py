"""A quick look at unfinished latents: by a TAESD, or by a projection fitted to the model's VAE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image
from torch import Tensor

from sdcli.engine.build import build_vae
from sdcli.engine.initial_latents import pixels_to_image
from sdcli.engine.packed_convolutions import pack_convolutions
from sdcli.engine.pipeline import Pipeline, encode_pixels
from sdcli.images.load import CELL
from sdcli.weights.checkpoint import Checkpoint

SIDE = 16  # of the test card, in cells
COARSE = 5  # its colours are blurred from this many to a side: latents are no mosaic


class LatentPreview:
    """Latents into small pictures, fast enough for every step."""

    def __init__(
        self, pipe: Pipeline, model: Checkpoint, decoder: Path | None, device: torch.device
    ) -> None:
        self._tiny = _tiny(pipe, model, decoder, device)
        self._cell = model.family.cell
        self._colours = None if self._tiny is not None else fit_projection(pipe, self._cell)

    @torch.inference_mode()
    def __call__(self, latents: Tensor) -> Image.Image:
        """The picture these latents are on the way to, at its full size."""
        if self._tiny is not None:
            given = latents.to(self._tiny.device, self._tiny.dtype)
            pixels = self._tiny.decode(given / self._tiny.config.scaling_factor)[0]
            return pixels_to_image(pixels.float().cpu())
        assert self._colours is not None
        small = _with_one(latents.float().cpu()) @ self._colours
        view = pixels_to_image(small.permute(2, 0, 1)[None])
        size = view.width * self._cell, view.height * self._cell
        return view.resize(size, Image.Resampling.BICUBIC)


def _tiny(pipe: Pipeline, model: Checkpoint, decoder: Path | None, device: torch.device) -> Any:
    """A decoder of its own, or the pipeline's where that is a TAESD already."""
    if decoder is not None:
        taesd = build_vae(model, decoder, dtype=pipe.vae.dtype, device=device)
        pack_convolutions(taesd)
        return taesd
    return pipe.vae if isinstance(pipe.vae, AutoencoderTiny) else None


def fit_projection(pipe: Pipeline, cell: int = CELL) -> Tensor:
    """What a latent cell's numbers say of its colour: the best linear fit to a test card."""
    dice = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, COARSE, COARSE, generator=dice) * 2 - 1
    card = torch.nn.functional.interpolate(coarse, SIDE * cell, mode="bilinear")
    with torch.inference_mode():
        seen = _with_one(encode_pixels(pipe, card).float().cpu()).flatten(0, 1)
    cells = torch.nn.functional.avg_pool2d(card, cell)
    wanted = cells[0].permute(1, 2, 0).flatten(0, 1)
    return torch.linalg.lstsq(seen, wanted, driver="gelsd").solution


def _with_one(latents: Tensor) -> Tensor:
    """[1, c, h, w] as [h, w, c + 1]: the one more is for the middle of each colour."""
    numbers = latents[0].permute(1, 2, 0)
    return torch.cat([numbers, torch.ones_like(numbers[..., :1])], dim=-1)
