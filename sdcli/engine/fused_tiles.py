"""Pictures larger than a model draws: the U-Net looks at overlapping tiles, and at every step what it
predicts of them is fused, so that no seam can form (MultiDiffusion, Bar-Tal et al., 2302.08113)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sdcli.engine.denoise import Predict, UnetCall
from sdcli.engine.tiles import Tiling
from sdcli.images.load import CELL

DEEPEST = 8  # cells of a latent that are one in the U-Net's deepest level, and in a ControlNet's


def fused_tiling(pixels: int, cell: int) -> Tiling:
    """Tiles of so many pixels a side, in latents of which one is `cell` pixels wide. Neighbours share a
    quarter of a tile, over which one fades into the other."""
    side = pixels // cell
    return Tiling(side, 0, side // 4, DEEPEST)


def fuse_tiles(predict: Predict, pixels: int, cell: int = CELL) -> Predict:
    """The U-Net's call for latents of any size, in tiles of so many pixels a side."""
    tiling = fused_tiling(pixels, cell)
    side = tiling.side

    def predict_in_tiles(call: UnetCall) -> Tensor:
        height, width = call.latents.shape[-2:]
        down, across = tiling.starts(height), tiling.starts(width)
        if len(down) == len(across) == 1:
            return predict(call)
        fused: Tensor | None = None
        total = torch.zeros(height, width, device=call.latents.device)
        for y in down:
            for x in across:
                found = predict(_tile_of(call, y, x, side))
                weight = tiling.weights(y, height)[:, None] * tiling.weights(x, width)
                weight = weight.to(found.device)
                if fused is None:
                    fused = found.new_zeros((*found.shape[:2], height, width), dtype=weight.dtype)
                fused[..., y : y + side, x : x + side] += found * weight
                total[y : y + side, x : x + side] += weight
        assert fused is not None
        return fused / total

    return predict_in_tiles


def _tile_of(call: UnetCall, y: int, x: int, side: int) -> UnetCall:
    """The call for one tile, with that part of what ControlNets say."""
    height = call.latents.shape[-2]

    def cut(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return tuple(cut(each) for each in value)
        times = height // value.shape[-2]
        top, left, share = y // times, x // times, side // times
        return value[..., top : top + share, left : left + share]

    return replace(
        call,
        latents=call.latents[..., y : y + side, x : x + side],
        residuals={name: cut(value) for name, value in call.residuals.items()},
    )
