"""Upscalers of random numbers in every spelling, and what they draw, written apart from the program
in plain arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import conv2d, leaky_relu, pixel_shuffle, pixel_unshuffle

Tensors = dict[str, torch.Tensor]
WIDTH, GROWTH, BLOCKS = 8, 4, 2


def _conv(tensors: Tensors, name: str, before: int, after: int, gain: float = 1.0) -> None:
    dice = torch.Generator().manual_seed(sum(map(ord, name)))
    spread = gain * (2 / (9 * before)) ** 0.5
    tensors[f"{name}.weight"] = spread * torch.randn(after, before, 3, 3, generator=dice)
    tensors[f"{name}.bias"] = 0.05 * torch.randn(after, generator=dice)


def rrdb(
    doublings: int = 2,
    gathers: int = 1,
    *,
    width: int = WIDTH,
    growth: int = GROWTH,
    blocks: int = BLOCKS,
) -> Tensors:
    """ESRGAN's network as BasicSR names it."""
    tensors: Tensors = {}
    _conv(tensors, "conv_first", 3 * gathers**2, width)
    for block in range(blocks):
        for trio in (1, 2, 3):
            for k in range(5):
                after = width if k == 4 else growth
                name = f"body.{block}.rdb{trio}.conv{k + 1}"
                _conv(tensors, name, width + k * growth, after, 0.5)
    for name in ("conv_body", *(f"conv_up{k + 1}" for k in range(doublings)), "conv_hr"):
        _conv(tensors, name, width, width)
    _conv(tensors, "conv_last", width, 3, 0.15)
    tensors["conv_last.bias"] += 0.5
    return tensors


def as_first_esrgan(tensors: Tensors) -> Tensors:
    """As ESRGAN's first files count its layers."""
    blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("body."))
    doublings = sum(f"conv_up{k}.weight" in tensors for k in (1, 2))
    last = 3 * doublings + 2  # a doubling is an upsampler, a convolution and a rectifier
    ends = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}
    ends |= {f"conv_up{k + 1}": f"model.{3 * k + 3}" for k in range(doublings)}
    ends |= {"conv_hr": f"model.{last}", "conv_last": f"model.{last + 2}"}
    return _renamed(tensors, ends, "model.1.sub", "RDB", ".0")


def as_second_esrgan(tensors: Tensors) -> Tensors:
    """As ESRGAN's own repository named them later."""
    ends = {"conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2"}
    return _renamed(tensors, ends | {"conv_hr": "HRconv"}, "RRDB_trunk", "RDB", "")


def _renamed(
    tensors: Tensors, ends: Mapping[str, str], body: str, block: str, tail: str
) -> Tensors:
    named: Tensors = {}
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        if module.startswith("body."):
            module = module.replace("body", body, 1).replace("rdb", block) + tail
        named[f"{ends.get(module, module)}.{kind}"] = tensor
    return named


def srvgg(scale: int = 4, *, width: int = WIDTH, layers: int = 3) -> Tensors:
    """Real-ESRGAN's compact network."""
    tensors: Tensors = {}
    for k in range(layers + 1):
        _conv(tensors, f"body.{2 * k}", width if k else 3, width)
        tensors[f"body.{2 * k + 1}.weight"] = torch.linspace(0.05, 0.3, width)
    _conv(tensors, f"body.{2 * layers + 2}", width, 3 * scale**2, 0.3)
    return tensors


def write(path: Path, tensors: Tensors) -> Path:
    """A file of them."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def draw_rrdb(tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """What ESRGAN's paper and BasicSR's names say that an RRDB makes of pixels."""

    def conv(name: str, y: torch.Tensor) -> torch.Tensor:
        return conv2d(y, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)

    gathers = int((tensors["conv_first.weight"].shape[1] / 3) ** 0.5)
    first = y = conv("conv_first", pixel_unshuffle(x, gathers))
    block = 0
    while f"body.{block}.rdb1.conv1.weight" in tensors:
        trio = y
        for part in (1, 2, 3):
            seen = [trio]
            for k in (1, 2, 3, 4):
                name = f"body.{block}.rdb{part}.conv{k}"
                seen.append(leaky_relu(conv(name, torch.cat(seen, 1)), 0.2))
            trio = trio + 0.2 * conv(f"body.{block}.rdb{part}.conv5", torch.cat(seen, 1))
        y, block = y + 0.2 * trio, block + 1
    y = first + conv("conv_body", y)
    k = 1
    while f"conv_up{k}.weight" in tensors:
        doubled = y.repeat_interleave(2, -1).repeat_interleave(2, -2)
        y, k = leaky_relu(conv(f"conv_up{k}", doubled), 0.2), k + 1
    return conv("conv_last", leaky_relu(conv("conv_hr", y), 0.2))


def draw_srvgg(tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    """What Real-ESRGAN's compact network makes of pixels."""
    y, k = x, 0
    while f"body.{k}.weight" in tensors:
        weight = tensors[f"body.{k}.weight"]
        if weight.ndim == 4:
            y = conv2d(y, weight, tensors[f"body.{k}.bias"], padding=1)
        else:
            y = torch.where(y < 0, y * weight[:, None, None], y)
        k += 1
    scale = int((y.shape[1] / 3) ** 0.5)
    return pixel_shuffle(y, scale) + x.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
