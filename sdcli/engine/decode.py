"""Finished latents decoded into a picture."""

from __future__ import annotations

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.initial_latents import pixels_to_image
from sdcli.engine.loaded_model import LoadedModel
from sdcli.errors import SdcliError
from sdcli.events import Listener


def decode_image(loaded: LoadedModel, latents: torch.Tensor, listener: Listener) -> Image.Image:
    """The picture of latents."""
    return pixels_to_image(decode_pixels(loaded, latents, listener))


@torch.inference_mode()
def decode_pixels(loaded: LoadedModel, latents: torch.Tensor, listener: Listener) -> torch.Tensor:
    """The pixels of latents in -1..1; once more with the VAE in fp32 where half precision fails."""
    pipe = loaded.pipe
    pixels = pipeline.decode_latents(pipe, latents)
    if not _is_unusable(pixels):
        return pixels
    if pipe.vae.dtype is not torch.float32:
        listener.on_fallback("the VAE overflowed: decoding again in fp32")
        pipe.vae.to(torch.float32)
        loaded.fallbacks.append("VAE in fp32, for it overflowed")
        pixels = pipeline.decode_latents(pipe, latents)
    if not torch.isfinite(pixels).all():
        raise SdcliError(
            "the VAE gives no numbers for this picture (NaN)",
            hint="the checkpoint's VAE is damaged; another one goes to `--vae`",
        )
    return pixels


def _is_unusable(pixels: torch.Tensor) -> bool:
    """NaN somewhere, or black all over."""
    return not torch.isfinite(pixels).all() or bool((pixels <= -1).all())
