"""A checkpoint's tensors into modules: built without memory, then given the tensors of the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import (
    CLIPTextEmbeddings,
    CLIPTextModel,
    CLIPTextModelWithProjection,
)

from sdcli.checkpoint import Checkpoint, require, vae_config
from sdcli.components import Component, is_taesd
from sdcli.engine.weights import load_component
from sdcli.errors import BadRequest
from sdcli.header import Header
from sdcli.names import JUNK, TEXT, TEXT_2, UNET, VAE
from sdcli.vae import find_vae

Config = dict[str, Any]


@dataclass
class Modules:
    """What a pipeline is made of. SDXL's refiner has only the second text encoder."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL | AutoencoderTiny
    text_encoder: CLIPTextModel | None
    text_encoder_2: CLIPTextModelWithProjection | None
    ignored: tuple[str, ...] = ()  # tensors of these components that no module takes


def text_model(config: Config) -> CLIPTextModel:
    """A text encoder whose hidden states are wanted."""
    return CLIPTextModel(CLIPTextConfig(**config))


def projected_text_model(config: Config) -> CLIPTextModelWithProjection:
    """A text encoder whose pooled output is wanted too."""
    return CLIPTextModelWithProjection(CLIPTextConfig(**config))


MAKERS: dict[str, Callable[[Config], Any]] = {
    UNET: lambda config: UNet2DConditionModel.from_config(config),
    VAE: lambda config: AutoencoderKL.from_config(config),
    TEXT: text_model,
    TEXT_2: projected_text_model,
    "taesd": lambda config: AutoencoderTiny.from_config(config),
}


def build(
    checkpoint: Checkpoint,
    vae: Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Modules:
    """The modules of a checkpoint, with another VAE if one is named, ready to draw with."""
    require(checkpoint, other_vae=vae is not None)
    made: dict[str, Any] = {}
    ignored: list[str] = []
    for kind in (UNET, TEXT, TEXT_2):
        if kind in checkpoint.components:
            component = checkpoint.components[kind]
            module, extra = assemble(
                checkpoint.header, component, MAKERS[kind], checkpoint.config(kind), dtype, device
            )
            made[kind] = module
            ignored += extra
    made[VAE] = build_vae(checkpoint, vae, dtype=dtype, device=device)
    return Modules(made[UNET], made[VAE], made.get(TEXT), made.get(TEXT_2), tuple(ignored))


def build_vae(
    checkpoint: Checkpoint,
    path: Path | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> torch.nn.Module:
    """The checkpoint's own VAE, or the one in a file."""
    if path is None:
        component, config, header = (
            checkpoint.components[VAE],
            checkpoint.config(VAE),
            checkpoint.header,
        )
    else:
        header, component = find_vae(path)
        config = vae_config(component, checkpoint.vae_scale) | dict(header.configs.get(VAE, {}))
    maker = MAKERS["taesd" if is_taesd(component) else VAE]
    module, _ = assemble(header, component, maker, config, dtype, device)
    return module


def assemble(
    header: Header,
    component: Component,
    maker: Callable[[Config], torch.nn.Module],
    config: Config,
    dtype: torch.dtype,
    device: torch.device | str,
) -> tuple[torch.nn.Module, list[str]]:
    """A module holding a component's tensors, and the names of those it has no place for."""
    module = empty(maker, config)
    state = module.state_dict()
    wanted = {name.removeprefix("text_model."): name for name in state}
    shapes = {name: state[key].shape for name, key in wanted.items()}
    check(header, component, shapes)
    tensors = load_component(header, component, shapes, dtype, device)
    module.load_state_dict(
        {wanted[name]: tensor for name, tensor in tensors.items()}, strict=True, assign=True
    )
    extra = [part.name for target, part in component.parts.items() if target not in shapes]
    module.requires_grad_(False).to(device).eval()
    return module, [name for name in extra if not JUNK.match(name)]


def empty(maker: Callable[[Config], Any], config: Config) -> torch.nn.Module:
    """A module without memory for its weights: it has their names and shapes."""
    with torch.device("meta"):
        module = maker(config)
    for part in module.modules():
        if isinstance(part, CLIPTextEmbeddings):  # the one buffer that no file holds
            part.position_ids = torch.arange(part.position_embedding.num_embeddings)[None]
    return module


def check(header: Header, component: Component, shapes: dict[str, torch.Size]) -> None:
    """Nothing, or an error that names the first tensor that is missing or of another shape."""
    path = header.path.name
    if missing := [name for name in shapes if name not in component.parts]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadRequest(
            f"`{path}` lacks the tensor `{component.spelled(missing[0])}`{more}",
            hint="the file is damaged or of a kind that sdcli does not know",
        )
    for name, shape in shapes.items():
        found = component.shapes[name]
        if [side for side in found if side != 1] != [side for side in shape if side != 1]:
            raise BadRequest(
                f"`{path}` has `{component.parts[name].name}` of {list(found)}, not {list(shape)}",
                hint="the file is damaged or of a kind that sdcli does not know",
            )
