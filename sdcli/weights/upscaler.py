"""What an upscaler's header tells: its network, how it is built, and by how much it enlarges.

Two networks are built here: RRDB, under the three spellings that ESRGAN's files have had, and SRVGG,
Real-ESRGAN's compact one. Every other one is `OTHER`: spandrel may know it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.weights.components import Component, gaps_named
from sdcli.weights.file_kinds import UNKNOWN, find_file_kind
from sdcli.weights.model_config import Shapes, count_children, tensor_side
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header, Tensor
from sdcli.weights.tensor_names import Part, numbers_after, rename_tensor

KIND = "upscaler"
RRDB, SRVGG, OTHER = "rrdb", "srvgg", "other"
TITLES: Mapping[str, str] = {
    RRDB: "ESRGAN (RRDB)",
    SRVGG: "Real-ESRGAN compact (SRVGG)",
    OTHER: "of another architecture",
}
# What trainers put before a network's names; the first that is there wins.
PREFIXES = ("params_ema.", "params.", "module.", "generator.", "netG.", "")
MOST_BLOCKS = 200
LARGEST_SCALE = 16
_BLOCK = re.compile(r"(?:body|RRDB_trunk|model\.1\.sub)\.(\d+)\.(?:rdb|RDB)(\d)\.conv(\d)(?:\.0)?")
_MIDDLE = {"trunk_conv": "conv_body", "HRconv": "conv_hr"}
_FIRST_BLOCK = "body.0.rdb1.conv1"
_UNET_DOOR = re.compile(r"(^|diffusion_model\.|unet\.)(input_blocks\.0\.0|conv_in)\.weight$")
_ROW = re.compile(r"body\.\d+\.(weight|bias)")


@dataclass(frozen=True)
class Upscaler:
    """An upscaler as its header describes it, its tensors under the names of our networks."""

    header: Header
    architecture: str
    component: Component
    scale: int | None = None  # None: nothing here tells
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> Path:
        """The file."""
        return self.header.path


def read_upscaler(path: Path) -> Upscaler:
    """The upscaler in a file; anything else is refused by what it is."""
    return upscaler_from_header(read_header(path))


def upscaler_from_header(header: Header) -> Upscaler:
    """The upscaler that a header describes."""
    row = find_file_kind(header)
    if is_drawing_upscaler(header):
        raise BadRequest(
            f"`{header.path.name}` is Stable Diffusion's x4 upscaler, which draws, and this takes a"
            " network that only enlarges",
            hint="`sdcli upscale PICTURE --with FILE` takes it; here an ESRGAN does",
        )
    if row.name not in (KIND, UNKNOWN.name) or not header.tensors:
        raise BadRequest(f"`{header.path.name}` is {row.title}, not an upscaler", hint=row.hint)
    if header.form == "torchscript":
        raise BadRequest(
            f"`{header.path.name}` is a program in TorchScript, and no code of a file is run here",
            hint="use the upscaler's .safetensors or .pth",
        )
    component = _component(header)
    with gaps_named(header.path, component):
        if f"{_FIRST_BLOCK}.weight" in component.shapes:
            config = _rrdb_config(header, component.shapes)
            scale = 2 ** config["doublings"] // config["gathers"]
            return _known(Upscaler(header, RRDB, component, scale, config))
        if "body.0.weight" in component.shapes and all(map(_ROW.fullmatch, component.shapes)):
            config = _srvgg_config(header, component.shapes)
            return Upscaler(header, SRVGG, component, config["scale"], config)
    return Upscaler(header, OTHER, component)


def is_drawing_upscaler(header: Header) -> bool:
    """Whether this is SD's x4 upscaler: a U-Net that sees a small picture beside the latents."""
    return any(_sees_small_picture(name, tensor) for name, tensor in header.tensors.items())


def _sees_small_picture(name: str, tensor: Tensor) -> bool:
    return bool(_UNET_DOOR.search(name)) and tensor.shape[1:2] == (7,)


def _known(found: Upscaler) -> Upscaler:
    """The same, if its network is ours to the last tensor: some RRDBs have more in their blocks."""
    names = set(_rrdb_names(found.config))
    foreign = any(name not in names for name in found.component.shapes)
    return Upscaler(found.header, OTHER, found.component) if foreign else found


def _rrdb_names(config: Mapping[str, Any]) -> Iterator[str]:
    modules = ["conv_first", "conv_body", "conv_hr", "conv_last"]
    modules += [f"conv_up{k + 1}" for k in range(config["doublings"])]
    for block in range(config["blocks"]):
        modules += [f"body.{block}.rdb{r}.conv{c}" for r in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    for module in modules:
        yield from (f"{module}.weight", f"{module}.bias")


def _component(header: Header) -> Component:
    """The tensors under the names that our networks have."""
    prefix = next(p for p in PREFIXES if any(name.startswith(p) for name in header.tensors))
    inner = {name.removeprefix(prefix): name for name in header.tensors if name.startswith(prefix)}
    table = _module_table({name.rpartition(".")[0] for name in inner})
    parts = {rename_tensor(name, table): Part(whole) for name, whole in inner.items()}
    shapes = {target: header.tensors[part.name].shape for target, part in parts.items()}
    return Component(KIND, prefix, parts, shapes, table)


def _module_table(modules: Collection[str]) -> dict[str, str]:
    """A file's module path -> our module path."""
    table: dict[str, str] = {}
    for module in modules:
        if block := _BLOCK.fullmatch(module):
            table[module] = f"body.{block[1]}.rdb{block[2]}.conv{block[3]}"
        elif module in _MIDDLE:
            table[module] = _MIDDLE[module]
        elif up := re.fullmatch(r"upconv(\d)", module):
            table[module] = f"conv_up{up[1]}"
    return table | (_numbered_table(modules) if "model.1.sub.0.RDB1.conv1.0" in modules else {})


def _numbered_table(modules: Collection[str]) -> dict[str, str]:
    """The ends of an RRDB of the first spelling, whose layers are counted: `model.3`, `model.6`..."""
    layers = [number for number in numbers_after([f"{m}." for m in modules], "model") if number > 1]
    roles = [*(f"conv_up{k + 1}" for k in range(len(layers) - 2)), "conv_hr", "conv_last"]
    table = {f"model.{number}": role for number, role in zip(layers, roles, strict=False)}
    trunk = max(numbers_after([f"{m}." for m in modules], "model.1.sub"))
    return table | {"model.0": "conv_first", f"model.1.sub.{trunk}": "conv_body"}


def _rrdb_config(header: Header, shapes: Shapes) -> dict[str, Any]:
    """The arguments of `engine.upscaler_networks.Rrdb`."""
    channels = tensor_side(shapes, "conv_first.weight", 1)
    gathers = _root_of_third(channels)
    drawn = tensor_side(shapes, "conv_last.weight")
    doublings = sum(f"conv_up{k}.weight" in shapes for k in (1, 2, 3, 4))
    if gathers is None or drawn != 3 or 2**doublings % gathers or 2**doublings < gathers:
        raise _not_in_colour(header, channels, drawn)
    return {
        "width": tensor_side(shapes, "conv_first.weight"),
        "growth": tensor_side(shapes, f"{_FIRST_BLOCK}.weight"),
        "blocks": count_children(shapes, "body", MOST_BLOCKS),
        "doublings": doublings,
        "gathers": gathers,
    }


def _srvgg_config(header: Header, shapes: Shapes) -> dict[str, Any]:
    """The arguments of `engine.upscaler_networks.Srvgg`: a convolution, a rectifier, and so on."""
    last = max(numbers_after(shapes, "body"))
    channels, drawn = (
        tensor_side(shapes, "body.0.weight", 1),
        tensor_side(shapes, f"body.{last}.weight"),
    )
    scale = _root_of_third(drawn)
    if channels != 3 or scale is None or scale > LARGEST_SCALE:
        raise _not_in_colour(header, channels, drawn)
    return {
        "width": tensor_side(shapes, "body.0.weight"),
        "layers": min(last // 2 - 1, MOST_BLOCKS),
        "scale": scale,
    }


def _root_of_third(channels: int) -> int | None:
    """How many pixels a side become so many channels of a picture in colour."""
    side = math.isqrt(channels // 3)
    return side if side and 3 * side**2 == channels else None


def _not_in_colour(header: Header, channels: int, drawn: int) -> BadRequest:
    return BadRequest(
        f"`{header.path.name}` is an upscaler from {channels} channels to {drawn}, "
        "which is no picture in colour",
        hint="use one for pictures in colour",
    )
