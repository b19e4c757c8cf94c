"""Linear layers on a CPU computed by oneDNN from weights reordered once: the same to rounding.

torch gives them to MKL, which packs the weight at every call, and on AMD's processors is the slower of
the two: half as much again was measured.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sdcli.engine.packed_module import PackedModule, become, can_pack, is_packable

FEWEST_ROWS = 16  # below, as for the timestep, there is nothing to gain


class PackedLinear(PackedModule, nn.Linear):
    """A linear layer that packs its weight at its first call of many rows."""

    def forward(self, input: Tensor) -> Tensor:
        """What `nn.Linear` computes, to rounding."""
        if torch.is_grad_enabled():
            self.unpack()
            return super().forward(input)
        if not self.is_packed:
            rows = input.numel() // input.shape[-1]
            if rows < FEWEST_ROWS:
                return super().forward(input)
            self.repack(lambda weight: torch.ops.mkldnn._reorder_linear_weight(weight, rows))
        return torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")


def pack_linear_layers(module: nn.Module) -> None:
    """Every linear layer of a module on the CPU will pack itself when it is called."""
    if not can_pack():
        return
    for each in module.modules():
        if type(each) is nn.Linear and is_packable(each):
            become(each, PackedLinear)
