"""Finished latents decoded into a picture."""

from __future__ import annotations

from functools import partial

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.fused_tiles import fused_tiling
from sdcli.engine.initial_latents import pixels_to_image
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.tiles import map_tiles
from sdcli.errors import SdcliError
from sdcli.events import Listener


def decode_image(
    loaded: LoadedModel, latents: torch.Tensor, listener: Listener, at_once: int = 0
) -> Image.Image:
    """The picture of latents; in tiles of `at_once` pixels a side, unless that is 0."""
    return pixels_to_image(decode_pixels(loaded, latents, listener, at_once))


@torch.inference_mode()
def decode_pixels(
    loaded: LoadedModel, latents: torch.Tensor, listener: Listener, at_once: int = 0
) -> torch.Tensor:
    """The pixels of latents in -1..1; once more with the VAE in fp32 where half precision fails."""
    pipe, cell = loaded.pipe, loaded.model.family.cell

    def decode() -> torch.Tensor:
        tiling = fused_tiling(at_once or max(latents.shape[-2:]) * cell, cell)
        if tiling.count(*latents.shape[-2:]) == 1:
            return pipeline.decode_latents(pipe, latents)
        decode_tile = partial(pipeline.decode_latents, pipe)
        return map_tiles(latents, tiling, cell, decode_tile, listener.on_progress)

    pixels = decode()
    if not _is_unusable(pixels):
        return pixels
    if pipe.vae.dtype is not torch.float32:
        listener.on_fallback("the VAE overflowed: decoding again in fp32")
        pipe.vae.to(torch.float32)
        loaded.fallbacks.append("VAE in fp32, for it overflowed")
        pixels = decode()
    if not torch.isfinite(pixels).all():
        raise SdcliError(
            "the VAE gives no numbers for this picture (NaN)",
            hint="the checkpoint's VAE is damaged; another one goes to `--vae`",
        )
    return pixels


def _is_unusable(pixels: torch.Tensor) -> bool:
    """NaN somewhere, or black all over."""
    return not torch.isfinite(pixels).all() or bool((pixels <= -1).all())
