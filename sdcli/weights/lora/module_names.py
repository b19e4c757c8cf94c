"""One name for each module of a model, whatever its file calls it: diffusers', dots as underscores.

Every program names the same layer differently (`input_blocks.1.1`, `down_blocks.0.attentions.0`,
`lora_unet_down_blocks_0_attentions_0`); a LoRA finds its module through the name they all lead to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from sdcli.weights import tensor_names
from sdcli.weights.components import Component
from sdcli.weights.tensor_names import Part


class WeightName(NamedTuple):
    """A weight: `("unet", "mid_block_resnets_0_conv1", "weight")`."""

    component: str
    module: str
    part: str


@dataclass(frozen=True)
class WeightPlace:
    """Where a weight is: in its component's module, and in the file."""

    target: str
    shape: tuple[int, ...]
    source: Part


def underscored(name: str) -> str:
    """A module's name as kohya writes it: underscores for dots."""
    return name.replace(".", "_")


def weight_places(components: Mapping[str, Component]) -> dict[WeightName, WeightPlace]:
    """Every weight of a model's U-Net and text encoders."""
    places: dict[WeightName, WeightPlace] = {}
    for kind in (tensor_names.UNET, tensor_names.TEXT, tensor_names.TEXT_2):
        if component := components.get(kind):
            for target, source in component.parts.items():
                module, _, part = target.rpartition(".")
                places[WeightName(kind, underscored(module), part)] = WeightPlace(
                    target, component.shapes[target], source
                )
    return places


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """A weight's shape as a matrix: what comes out, and all that goes in."""
    return shape[0], prod(shape[1:])


RESNET = {underscored(theirs): ours for theirs, ours in tensor_names.RESNET.items()}
ENDS = {underscored(theirs): underscored(ours) for theirs, ours in tensor_names.UNET_ENDS.items()}
BLOCK = re.compile(r"(input|output)_blocks_(\d+)_(\d+)_(.+)")
MIDDLE = re.compile(r"middle_block_(\d+)_(.+)")


def diffusers_module_name(module: str, layers: int) -> str:
    """A U-Net module's name as diffusers has it, from either. `layers`: ResNets in a block."""
    if module in ENDS:
        return ENDS[module]
    if found := MIDDLE.fullmatch(module):
        place, rest = int(found[1]), found[2]
        if place == 1:
            return f"mid_block_attentions_0_{rest}"
        return f"mid_block_resnets_{place // 2}_{RESNET.get(rest, rest)}"
    if found := BLOCK.fullmatch(module):
        side, number, inside, rest = found[1], int(found[2]), int(found[3]), found[4]
        return (_down if side == "input" else _up)(number, inside, rest, layers)
    return module


def _down(number: int, inside: int, rest: str, layers: int) -> str:
    block, place = divmod(number - 1, layers + 1)
    if place == layers:
        return f"down_blocks_{block}_downsamplers_0_conv"
    if inside:
        return f"down_blocks_{block}_attentions_{place}_{rest}"
    return f"down_blocks_{block}_resnets_{place}_{RESNET.get(rest, rest)}"


def _up(number: int, inside: int, rest: str, layers: int) -> str:
    block, place = divmod(number, layers + 1)
    if rest == "conv":
        return f"up_blocks_{block}_upsamplers_0_conv"
    if inside:
        return f"up_blocks_{block}_attentions_{place}_{rest}"
    return f"up_blocks_{block}_resnets_{place}_{RESNET.get(rest, rest)}"


def count_resnets(names: Iterable[str]) -> int:
    """How many ResNets a down block has, from the names of a U-Net in either naming."""
    blocks: list[int] = []
    resnets: list[int] = []
    samplers: list[int] = []
    for name in names:
        if found := re.search(r"input_blocks[._](\d+)[._]0[._](op[._])?", name):
            (samplers if found[2] else blocks).append(int(found[1]))
        elif found := re.search(r"down_blocks[._]0[._]resnets[._](\d+)", name):
            resnets.append(int(found[1]))
    if resnets:
        return max(resnets) + 1
    return min(samplers) - 1 if samplers else max(blocks, default=2)
