"""Looks from near: the part of a picture around one of its things, under a caption that says no
other.

Four fifths of a picture are ground, and as much of a step's price. What a thing looks like can be
learnt from the part that it is in, for less than half.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from world import Scene

Whole = TypeVar("Whole", np.ndarray, torch.Tensor)
SIDE = 2 / 3
"""Of the whole picture's, and as large as a thing may be to be looked at so."""


@dataclass(frozen=True)
class Closeup:
    """A scene whose thing number `which` is looked at, and the corner and the side of the part that
    is seen, in shares of the picture.
    """

    seed: int
    scene: Scene
    which: int
    x: float
    y: float
    side: float

    @property
    def words_of(self) -> Scene:
        """A scene that says what is seen, and nothing more."""
        thing = self.scene.things[self.which]
        alone = replace(thing, spots=thing.spots[:1])
        return replace(self.scene, things=(alone,), relation="")

    def cut(self, whole: Whole) -> Whole:
        """The part of a map or a latent, whose last two sides are the picture's."""
        side, left, top = (round(share * whole.shape[-1]) for share in (self.side, self.x, self.y))
        return whole[..., top : top + side, left : left + side]


def look_closer(seed: int, scene: Scene, cells: int, dice: random.Random) -> Closeup | None:
    """A look at one of a scene's things, of whole cells of a latent that has so many a side, four by
    four, as a U-Net halves them; None where the things are too large for it.
    """
    spots = [
        (k, spot)
        for k, thing in enumerate(scene.things)
        for spot in thing.spots
        if spot.side <= SIDE
    ]
    if not spots:
        return None
    which, spot = dice.choice(spots)
    side = 4 * round(SIDE * cells / 4) / cells
    x, y = (
        round(min(max(middle - side / 2 + dice.uniform(-0.08, 0.08), 0), 1 - side) * cells) / cells
        for middle in (spot.x, spot.y)
    )
    return Closeup(seed, scene, which, x, y, side)
