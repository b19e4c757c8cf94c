"""A second lesson for the U-Net: to say, from inside, what stands where and in which colour.

Noise taken away is a slow teacher of meaning: a red house that comes out brown costs it little. So
while it learns, one small layer reads the U-Net's features and must name the thing, the colour and
the place that the scene's own map knows (compare Yu et al., 2024, who let a diffusion model's
features meet those of a network that understands pictures). Only the lesson is kept: the layer is
thrown away.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from namer import HEADS, IGNORED, NOTHING, truth_of
from torch import nn
from torch.nn.functional import cross_entropy
from world import COLOURS, Scene


class Binding(nn.Module):
    """Reads what a U-Net's second upward block has made: `loss` after each of its answers."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        width = unet.config.block_out_channels[-2]
        self.norm = nn.GroupNorm(8, width)
        self.kinds = nn.Conv2d(width, NOTHING + 1, 1)
        self.colours = nn.Conv2d(width, len(COLOURS), 1)
        self.whole = nn.ModuleDict({name: nn.Linear(width, len(of)) for name, of in HEADS.items()})
        self._seen = torch.empty(0)
        unet.up_blocks[1].register_forward_hook(self._look)

    def _look(self, block: nn.Module, given: object, made: torch.Tensor) -> None:
        self._seen = made

    def read(self) -> dict[str, torch.Tensor]:
        """What the features of the last answer say: `kinds` and `colours` for each place, and one row
        for each question about the whole.
        """
        seen = self.norm(self._seen)
        pooled = seen.mean((2, 3))
        whole = {name: head(pooled) for name, head in self.whole.items()}
        return {"kinds": self.kinds(seen), "colours": self.colours(seen), **whole}

    def loss(self, scenes: list[Scene], whose: np.ndarray) -> torch.Tensor:
        """How wrong the features are about these scenes, whose maps are `whose`."""
        said = self.read()
        kinds = said["kinds"]
        total = torch.zeros((), device=kinds.device)
        for name, truth in truth_of(scenes, whose, kinds.shape[-1]).items():
            if bool((truth != IGNORED).any()):
                weight = 1.0 if name in ("kinds", "colours") else 0.2
                total = total + weight * cross_entropy(
                    said[name].float(), truth.to(kinds.device), ignore_index=IGNORED
                )
        return total
