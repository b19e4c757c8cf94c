"""ControlNets: networks beside the U-Net that see a map and add to what the U-Net sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from PIL import Image

from sdcli.engine.denoise import UnetInputs
from sdcli.engine.empty_module import EmptyModule
from sdcli.engine.packed_convolutions import pack_convolutions
from sdcli.engine.read_tensors import check_finite, load_component
from sdcli.engine.seamless import NONE, join_edges
from sdcli.errors import BadRequest
from sdcli.images.load import fit_picture, load_picture
from sdcli.images.preprocessors import PREPROCESSORS
from sdcli.plan import Control, Plan
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.controlnet import OWN, ControlFile, check_controlnet, controlnet_config
from sdcli.weights.tensor_names import UNET


def _empty(config: dict[str, Any]) -> Any:
    return ControlNetModel.from_config(config)


def build_controlnet(
    found: ControlFile, model: Checkpoint, dtype: torch.dtype, device: torch.device
) -> ControlNetModel:
    """The network of a file, in the working dtype on the device that draws."""
    frame = EmptyModule(
        found.header,
        found.component,
        _empty,
        controlnet_config(found, model),
    )
    if frame.ignored:
        raise BadRequest(
            f"`{found.header.path.name}` holds `{frame.ignored[0]}`, which no ControlNet has",
            hint="it is of a kind that sdcli does not know",
        )
    module: Any = frame.fill(dtype, device)
    for name, tensor in module.state_dict().items():
        check_finite(tensor, found.header.path, name)
    if found.difference:
        _add_unet_weights(module, model, dtype, device)
    return module


@torch.no_grad()
def _add_unet_weights(
    module: torch.nn.Module, model: Checkpoint, dtype: torch.dtype, device: torch.device
) -> None:
    """Add the model's own weights to a network that holds only its difference from them."""
    unet = model.components[UNET]
    weights = {
        name: weight
        for name, weight in module.named_parameters()
        if name in unet.parts and not name.startswith(OWN)
    }
    shapes = {name: weight.shape for name, weight in weights.items()}
    for name, own in load_component(model.header, unet, shapes, dtype, device).items():
        weights[name].add_(own)


def make_control_map(asked: Control, plan: Plan) -> Image.Image:
    """The map that is followed: the picture at the size drawn, or what its preprocessor makes of it."""
    picture = fit_picture(
        load_picture(asked.image.path, "control picture"), plan.width, plan.height
    )
    return PREPROCESSORS[asked.preprocessor].make_map(picture)


@dataclass(frozen=True)
class ControlGuide:
    """A ControlNet at work: its network, its map, how much and during which share of the steps."""

    network: ControlNetModel
    control_map: Image.Image
    pixels: torch.Tensor  # the map, [1, 3, h, w] in 0..1
    asked: Control

    def __call__(
        self, latents: torch.Tensor, timestep: torch.Tensor, share: float, inputs: UnetInputs
    ) -> dict[str, Any]:
        """What it adds to the U-Net's arguments at this step."""
        if not self.asked.start <= share < self.asked.end or not self.asked.weight:
            return {}
        network = self.network
        down, middle = network(
            latents.to(network.dtype),
            timestep,
            encoder_hidden_states=inputs.embeds,
            controlnet_cond=self.pixels.expand(len(latents), -1, -1, -1),
            conditioning_scale=self.asked.weight,
            added_cond_kwargs=inputs.added,
            return_dict=False,
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}


def make_guide(network: ControlNetModel, asked: Control, chart: Image.Image) -> ControlGuide:
    """A network made ready to follow a map."""
    pixels = torch.from_numpy(np.asarray(chart.convert("RGB"), dtype=np.float32) / 255)
    pixels = pixels.permute(2, 0, 1)[None].to(network.device, network.dtype)
    return ControlGuide(network, chart, pixels, asked)


class LoadedControlNets:
    """The ControlNets of one loaded model, each loaded once for as long as plans name it."""

    def __init__(
        self, model: Checkpoint, dtype: torch.dtype, device: torch.device, tiling: str = NONE
    ) -> None:
        self._model = model
        self._tiling = tiling
        self._dtype = dtype
        self._device = device
        self._built: dict[str, ControlNetModel] = {}

    def guides(self, plan: Plan) -> tuple[ControlGuide, ...]:
        """The plan's ControlNets at work on its maps."""
        wanted = {asked.file.sha256: asked.file.path for asked in plan.controls}
        self._built = {name: net for name, net in self._built.items() if name in wanted}
        for name, path in wanted.items():
            if name not in self._built:
                found = check_controlnet(path, self._model)
                network = build_controlnet(found, self._model, self._dtype, self._device)
                if self._tiling != NONE:
                    join_edges(network, self._tiling)
                pack_convolutions(network)
                self._built[name] = network
        return tuple(
            make_guide(self._built[asked.file.sha256], asked, make_control_map(asked, plan))
            for asked in plan.controls
        )
