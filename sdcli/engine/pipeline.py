"""The modules of one checkpoint, held by a diffusers pipeline for its offloading and slicing."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline


class Pipeline(DiffusionPipeline):
    """Text encoders, U-Net and VAE. The loop that uses them is `denoise.denoise`.

    One class serves every task and family: what differs between diffusers' pipelines is what
    goes into the U-Net, and that is said by the plan.
    """

    model_cpu_offload_seq = "text_encoder->text_encoder_2->unet->vae"
    _optional_components = ["text_encoder", "text_encoder_2"]

    def __init__(self, unet: Any, vae: Any, text_encoder: Any, text_encoder_2: Any) -> None:
        super().__init__()
        self.register_modules(
            unet=unet, vae=vae, text_encoder=text_encoder, text_encoder_2=text_encoder_2
        )

    @property
    def compute_device(self) -> torch.device:
        """Where it computes, also while its modules lie elsewhere."""
        return torch.device(self._execution_device)

    @property
    def latent_scale(self) -> float:
        """What the VAE's latents are multiplied by to have unit variance."""
        return float(self.vae.config.scaling_factor)


def encode_pixels(pipe: Pipeline, pixels: torch.Tensor) -> torch.Tensor:
    """The latents of pixels in -1..1: the mean of the VAE's posterior, so no dice are thrown."""
    vae = pipe.vae
    latents = vae.encode(pixels.to(pipe.compute_device, vae.dtype))
    # TAESD gives latents, AutoencoderKL a distribution of them.
    mean = latents.latents if hasattr(latents, "latents") else latents.latent_dist.mode()
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return (mean - shift) * pipe.latent_scale


def decode_latents(pipe: Pipeline, latents: torch.Tensor) -> torch.Tensor:
    """The pixels in -1..1 of latents, in fp32 on the CPU."""
    vae = pipe.vae
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return (
        vae.decode((latents / pipe.latent_scale + shift).to(vae.dtype), return_dict=False)[0]
        .float()
        .cpu()
    )
