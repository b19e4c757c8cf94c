"""Upscalers of the architectures that are not built here, by spandrel, where that is installed.

The file is read by us, not by spandrel: of its tensors nothing but numbers comes in.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sdcli.engine.device import Machine
from sdcli.engine.read_tensors import load_tensors
from sdcli.errors import BadRequest
from sdcli.weights.upscaler import Upscaler

INSTALL = 'sdcli builds ESRGAN and Real-ESRGAN itself; for others `pip install "sdcli[spandrel]"`'
# What forty architectures make of a stranger's tensors.
MISFITS = (ValueError, RuntimeError, LookupError, TypeError, AttributeError, ArithmeticError)


class SpandrelNetwork(nn.Module):
    """A model of spandrel's as a network like ours: pixels of any size in 0 to 1, larger."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.module: nn.Module = model.model  # so that it is moved along

    def forward(self, x: Tensor) -> Tensor:
        """The picture, larger."""
        height, width = x.shape[-2:]
        wanted, scale = self.model.size_requirements, int(self.model.scale)
        sides = [
            max(side, wanted.minimum) + -max(side, wanted.minimum) % wanted.multiple_of
            for side in (height, width)
        ]
        sides = [max(sides)] * 2 if wanted.square else sides
        padding = (0, sides[1] - width, 0, sides[0] - height)
        found = self.model(functional.pad(x, padding, mode="replicate"))
        return found[..., : height * scale, : width * scale]


def load_network(upscaler: Upscaler, machine: Machine) -> tuple[nn.Module, int]:
    """The network of an upscaler and by how much it enlarges; BadRequest where spandrel is missing,
    does not know it either, or it is for something else."""
    name = upscaler.path.name
    try:
        spandrel = import_module("spandrel")
    except (ImportError, RuntimeError) as error:  # a torchvision for another torch
        raise BadRequest(
            f"`{name}` is an upscaler of an architecture that sdcli does not build itself, "
            f"and spandrel cannot be used ({str(error).splitlines()[0][:120]})",
            hint=INSTALL,
        ) from None
    try:
        model = spandrel.ModelLoader("cpu").load_from_state_dict(load_tensors(upscaler.path))
    except (spandrel.UnsupportedModelError, *MISFITS) as error:
        raise BadRequest(
            f"`{name}` is no upscaler that spandrel knows ({type(error).__name__})",
            hint="is it one at all? `sdcli show` says what its tensors tell",
        ) from None
    channels = getattr(model, "input_channels", 0), getattr(model, "output_channels", 0)
    if getattr(model, "purpose", "") not in ("SR", "Restoration") or channels != (3, 3):
        raise BadRequest(
            f"`{name}` does not enlarge pictures in colour: it is a model for "
            f"{getattr(model, 'purpose', 'something else')} from {channels[0]} channels to {channels[1]}",
            hint="use an upscaler",
        )
    half = machine.dtype is torch.float16 and not model.supports_half
    model.to(machine.device, torch.float32 if half else machine.dtype).eval()
    return SpandrelNetwork(model), int(model.scale)
