"""Finished latents into a picture: decoded, and laid over the picture it started from."""

from __future__ import annotations

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.initial_latents import DenoisingStart, pixels_to_image
from sdcli.engine.loaded_model import LoadedModel
from sdcli.errors import SdcliError
from sdcli.events import Listener
from sdcli.images import load as images


@torch.inference_mode()
def decode_image(loaded: LoadedModel, latents: torch.Tensor, listener: Listener) -> Image.Image:
    """The picture of latents; once more with the VAE in fp32 where half precision fails."""
    pipe = loaded.pipe
    pixels = pipeline.decode_latents(pipe, latents)
    if not _is_unusable(pixels):
        return pixels_to_image(pixels)
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
    return pixels_to_image(pixels)


def _is_unusable(pixels: torch.Tensor) -> bool:
    """NaN somewhere, or black all over."""
    return not torch.isfinite(pixels).all() or bool((pixels <= -1).all())


def paste_over_original(decoded: Image.Image, start: DenoisingStart) -> Image.Image:
    """The decoded picture over the one it started from: outside the mask not a bit is changed."""
    if start.original is None:
        return decoded
    original = start.original
    if start.mask is not None:
        decoded = images.composite(decoded, images.fit(original, *decoded.size), start.mask)
    if all(0 <= a - b < images.CELL for a, b in zip(decoded.size, original.size, strict=True)):
        return decoded.crop((0, 0, *original.size))  # the edge that `fit` had repeated
    return decoded
