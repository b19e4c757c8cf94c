"""A checkpoint's tensors into the modules of a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers.models.clip.configuration_clip import CLIPTextConfig, CLIPVisionConfig
from transformers.models.clip.modeling_clip import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
)

from sdcli.engine.empty_module import EmptyModule
from sdcli.weights.checkpoint import Checkpoint, require_components, vae_config
from sdcli.weights.components import is_taesd
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE, VISION
from sdcli.weights.vae import find_vae

Config = dict[str, Any]


@dataclass
class PipelineModules:
    """What a pipeline is made of. SDXL's refiner has only the second text encoder."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL | AutoencoderTiny
    text_encoder: CLIPTextModel | None
    text_encoder_2: CLIPTextModelWithProjection | None
    ignored: tuple[str, ...] = ()  # tensors of these components that no module takes


def make_text_encoder(config: Config) -> CLIPTextModel:
    """A text encoder whose hidden states are wanted."""
    return CLIPTextModel(CLIPTextConfig(**config))


def make_projected_text_encoder(config: Config) -> CLIPTextModelWithProjection:
    """A text encoder whose pooled output is wanted too."""
    return CLIPTextModelWithProjection(CLIPTextConfig(**config))


def make_image_encoder(config: Config) -> CLIPVisionModelWithProjection:
    """A CLIP's image tower, up to where pictures and words meet."""
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**config))


MAKERS: dict[str, Callable[[Config], Any]] = {
    UNET: lambda config: UNet2DConditionModel.from_config(config),
    VAE: lambda config: AutoencoderKL.from_config(config),
    TEXT: make_text_encoder,
    TEXT_2: make_projected_text_encoder,
    VISION: make_image_encoder,
    "taesd": lambda config: AutoencoderTiny.from_config(config),
}


def build_modules(
    checkpoint: Checkpoint,
    vae: Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> PipelineModules:
    """The modules of a checkpoint, with another VAE if one is named, ready to draw with."""
    require_components(checkpoint, other_vae=vae is not None)
    frames = {
        kind: EmptyModule(checkpoint.header, part, MAKERS[kind], checkpoint.config(kind))
        for kind, part in checkpoint.components.items()
        if kind != VAE
    }
    frames[VAE] = empty_vae(checkpoint, vae)
    for frame in frames.values():  # all, before a weight of any is read
        frame.check()
    made: dict[str, Any] = {kind: frame.fill(dtype, device) for kind, frame in frames.items()}
    ignored = [name for frame in frames.values() for name in frame.ignored]
    return PipelineModules(made[UNET], made[VAE], made.get(TEXT), made.get(TEXT_2), tuple(ignored))


def build_vae(
    checkpoint: Checkpoint,
    path: Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> torch.nn.Module:
    """The checkpoint's own VAE, or the one in a file."""
    return empty_vae(checkpoint, path).fill(dtype, device)


def empty_vae(checkpoint: Checkpoint, path: Path | None) -> EmptyModule:
    """A VAE without its weights yet: the checkpoint's own, or the one in a file."""
    if path is None:
        header, part = checkpoint.header, checkpoint.components[VAE]
        config = checkpoint.config(VAE)
    else:
        header, part = find_vae(path)
        config = vae_config(part, checkpoint.vae_scale) | dict(header.configs.get(VAE, {}))
    return EmptyModule(header, part, MAKERS["taesd" if is_taesd(part) else VAE], config)
