"""The networks of upscalers, under the names that their files use: RRDB, which is ESRGAN and
Real-ESRGAN, and SRVGG, Real-ESRGAN's compact one. Pixels go in and come out in 0 to 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2  # of RRDB's leaky rectifiers
SHARE = 0.2  # of what a block adds


def _conv(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1)


def _rectified(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what all before it have found."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for k in range(4):
            self.add_module(f"conv{k + 1}", _conv(width + k * growth, growth))
        self.conv5 = _conv(width + 4 * growth, width)

    def forward(self, x: Tensor) -> Tensor:
        """The features, and a share of what was found in them."""
        found = x
        for k in range(4):
            found = torch.cat((found, _rectified(self.get_submodule(f"conv{k + 1}")(found))), 1)
        return x + SHARE * self.conv5(found)


class DenseTrio(nn.Module):
    """Three dense blocks in a row, inside a residual: an RRDB."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(width, growth)
        self.rdb2 = DenseBlock(width, growth)
        self.rdb3 = DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        """The features, and a share of what was found in them."""
        return x + SHARE * self.rdb3(self.rdb2(self.rdb1(x)))


class Rrdb(nn.Module):
    """ESRGAN's network. `gathers` pixels of each side become channels at its door, which is how
    Real-ESRGAN's x2 and x1 are made of the same network; `doublings` is how often it enlarges."""

    def __init__(
        self, width: int, growth: int, blocks: int, doublings: int, gathers: int = 1
    ) -> None:
        super().__init__()
        self.gathers, self.doublings = gathers, doublings
        self.conv_first = _conv(3 * gathers**2, width)
        self.body = nn.Sequential(*(DenseTrio(width, growth) for _ in range(blocks)))
        self.conv_body = _conv(width, width)
        for k in range(doublings):
            self.add_module(f"conv_up{k + 1}", _conv(width, width))
        self.conv_hr = _conv(width, width)
        self.conv_last = _conv(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """The picture, larger. Its sides must be multiples of `gathers`."""
        first = self.conv_first(functional.pixel_unshuffle(x, self.gathers))
        found = first + self.conv_body(self.body(first))
        for k in range(self.doublings):
            doubled = functional.interpolate(found, scale_factor=2, mode="nearest")
            found = _rectified(self.get_submodule(f"conv_up{k + 1}")(doubled))
        return self.conv_last(_rectified(self.conv_hr(found)))


class Srvgg(nn.Module):
    """Real-ESRGAN's compact network: convolutions in a row at the small size, whose last channels
    are the pixels that are added to the picture's own, each repeated."""

    def __init__(self, width: int, layers: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        steps: list[nn.Module] = [_conv(3, width), nn.PReLU(width)]
        for _ in range(layers):
            steps += [_conv(width, width), nn.PReLU(width)]
        self.body = nn.Sequential(*steps, _conv(width, 3 * scale**2))

    def forward(self, x: Tensor) -> Tensor:
        """The picture, larger."""
        repeated = functional.interpolate(x, scale_factor=self.scale, mode="nearest")
        return repeated + functional.pixel_shuffle(self.body(x), self.scale)


def make_rrdb(config: dict[str, Any]) -> Rrdb:
    """ESRGAN's network of a config."""
    return Rrdb(**config)


def make_srvgg(config: dict[str, Any]) -> Srvgg:
    """The compact network of a config."""
    return Srvgg(**config)
