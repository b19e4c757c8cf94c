"""A large picture through a network in tiles that overlap: each where it is farthest from its edges,
each fading into the next, so that no seam shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tiling:
    """How pictures are cut: `side` of a tile, of whose rim at each inner edge `dead` pixels are not
    used and `fade` more are mixed with the neighbour's. Tiles begin at multiples of `step`, but for the
    last one where the picture's own sides are none."""

    side: int
    dead: int
    fade: int
    step: int = 1

    @property
    def overlap(self) -> int:
        """How far neighbours reach into each other, at least."""
        return 2 * self.dead + self.fade

    def starts(self, length: int) -> list[int]:
        """Where tiles begin along a side of the picture."""
        last = max(0, length - self.side)
        stride = max(1, (self.side - self.overlap) // self.step) * self.step
        return [*range(0, last, stride), last]

    def count(self, height: int, width: int) -> int:
        """How many tiles a picture of this size is cut into."""
        return len(self.starts(height)) * len(self.starts(width))

    def weights(self, start: int, length: int, scale: int = 1) -> Tensor:
        """How much a tile counts at each pixel along a side, in pixels of a `scale` times larger
        picture: 1 inside, falling to 0 towards a neighbour."""
        side = min(self.side, length - start)
        place = (torch.arange(side * scale, dtype=torch.float32) + 0.5) / scale
        weight = torch.ones(side * scale)
        if start > 0:
            weight *= ((place - self.dead) / self.fade).clamp(0, 1)
        if start + side < length:
            weight *= ((side - place - self.dead) / self.fade).clamp(0, 1)
        return weight


def map_tiles(
    picture: Tensor,
    tiling: Tiling,
    scale: int,
    enlarge: Callable[[Tensor], Tensor],
    on_tile: Callable[[int, int], None],
) -> Tensor:
    """The picture [1, c, h, w] as `enlarge` makes it `scale` times larger, tile by tile, on the CPU
    in fp32. `on_tile` is told how many tiles of how many are done."""
    height, width = picture.shape[-2:]
    whole = torch.zeros(1, 3, height * scale, width * scale)
    total = torch.zeros(height * scale, width * scale)
    count = tiling.count(height, width)
    for done, (y, x) in enumerate(_corners(tiling, height, width), 1):
        tile = picture[..., y : y + tiling.side, x : x + tiling.side]
        large = enlarge(tile).float().cpu()
        weight = tiling.weights(y, height, scale)[:, None] * tiling.weights(x, width, scale)
        down = slice(y * scale, y * scale + large.shape[-2])
        across = slice(x * scale, x * scale + large.shape[-1])
        whole[..., down, across] += large * weight
        total[down, across] += weight
        on_tile(done, count)
    return whole / total


def _corners(tiling: Tiling, height: int, width: int) -> Iterator[tuple[int, int]]:
    for y in tiling.starts(height):
        for x in tiling.starts(width):
            yield y, x
