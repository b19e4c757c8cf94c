"""The loss: how far the model's prediction is from what it should be, and how much that weighs.

All of it in fp32. `kept` is alpha-bar at each picture's timestep, the share of its variance that is
left; the signal-to-noise ratio is kept / (1 - kept).
"""

from __future__ import annotations

import torch
from torch import Tensor

from sdcli.schedulers.noise_levels import NoiseSchedule


def kept_shares(schedule: NoiseSchedule) -> Tensor:
    """Alpha-bar at every timestep."""
    sigmas = torch.tensor(schedule.sigmas, dtype=torch.float64)
    return (1 / (1 + sigmas.square())).float()


def add_noise(latents: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """The latents as they are at a timestep."""
    kept = kept.view(-1, 1, 1, 1)
    return kept.sqrt() * latents + (1 - kept).sqrt() * noise


def offset_noise(noise: Tensor, amount: float, dice: torch.Generator) -> Tensor:
    """Noise that is a little brighter or darker all over, each channel by itself."""
    if not amount:
        return noise
    return noise + amount * torch.randn(*noise.shape[:2], 1, 1, generator=dice)


def training_target(prediction: str, latents: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """What the model should say: the noise, the velocity (2202.00512), the picture."""
    if prediction == "x0":
        return latents
    if prediction == "v":
        kept = kept.view(-1, 1, 1, 1)
        return kept.sqrt() * noise - (1 - kept).sqrt() * latents
    return noise


def min_snr_weights(prediction: str, kept: Tensor, most: float) -> Tensor:
    """How much each picture weighs (Hang et al., 2303.09556): what is nearly clean no more than at a
    signal-to-noise ratio of `most`; 0 weighs all the same."""
    if not most:
        return torch.ones_like(kept)
    snr = kept / (1 - kept)
    least = snr.clamp(max=most)
    if prediction == "x0":
        return least
    return least / (snr + 1) if prediction == "v" else least / snr


def picture_losses(predicted: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """The mean square of each picture's error, of what is masked nothing."""
    error = (predicted.float() - target.float()).square()
    return (error if mask is None else error * mask).mean(dim=(1, 2, 3))
