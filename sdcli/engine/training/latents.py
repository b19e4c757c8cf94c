"""Pictures as the U-Net learns from them: through the VAE once, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sdcli.engine.initial_latents import image_to_pixels
from sdcli.errors import SdcliError
from sdcli.training.batches import Example
from sdcli.training.fit import fit_to_bucket
from sdcli.training.settings import TrainingSettings


@dataclass(frozen=True)
class EncodedPicture:
    """What the VAE says of a picture, [channels, h, w]: a mean and how unsure it is; what counts."""

    mean: Tensor
    spread: Tensor
    mask: Tensor | None  # [1, h, w]
    left: int
    top: int

    def sample(self, dice: torch.Generator) -> Tensor:
        """One of the latents that the picture may be."""
        return self.mean + self.spread * torch.randn(self.mean.shape, generator=dice)


class LatentCache:
    """The latents of a training's pictures. The VAE computes in fp32: SDXL's overflows in fp16."""

    def __init__(self, vae: Any, device: torch.device, settings: TrainingSettings) -> None:
        self._vae, self._device, self._settings = vae, device, settings
        self._known: dict[tuple[str, bool], EncodedPicture] = {}

    def get(self, example: Example) -> EncodedPicture:
        """The picture of an example; what is cut at random is encoded anew each time."""
        if self._settings.crop == "random":
            return self._encode(example)
        key = example.picture.file.sha256, example.flipped
        if key not in self._known:
            self._known[key] = self._encode(example)
        return self._known[key]

    @torch.no_grad()
    def _encode(self, example: Example) -> EncodedPicture:
        fitted = fit_to_bucket(
            example.picture,
            example.across,
            example.down,
            flipped=example.flipped,
            masked=self._settings.masks,
        )
        pixels = image_to_pixels(fitted.image).to(self._device, self._vae.dtype)
        found = self._vae.encode(pixels)
        if hasattr(found, "latents"):  # TAESD is never unsure
            mean, spread = found.latents, torch.zeros_like(found.latents)
        else:
            mean, spread = found.latent_dist.mean, found.latent_dist.std
        shift = getattr(self._vae.config, "shift_factor", None) or 0.0
        scale = float(self._vae.config.scaling_factor)
        mean, spread = ((mean - shift) * scale)[0].float().cpu(), (spread * scale)[0].float().cpu()
        if not torch.isfinite(mean).all():
            raise SdcliError(
                f"the VAE gives no numbers for `{example.picture.file.path.name}` (NaN)",
                hint="take it out of the folder, or name another VAE with `--vae`",
            )
        mask = None if fitted.mask is None else _latent_mask(fitted.mask, mean.shape[-2:])
        return EncodedPicture(mean, spread, mask, fitted.left, fitted.top)


def _latent_mask(mask: Image.Image, size: torch.Size) -> Tensor:
    """How much of each latent cell counts."""
    array = np.asarray(mask, dtype=np.float32) / 255
    pixels = torch.from_numpy(array)[None, None]
    return torch.nn.functional.adaptive_avg_pool2d(pixels, (size[0], size[1]))[0]
