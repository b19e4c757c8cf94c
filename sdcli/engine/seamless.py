"""Pictures that repeat without a seam: what a convolution sees beyond an edge is the opposite edge."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pad

NONE = "none"  # of the axes


def join_edges(module: nn.Module, axes: str) -> None:
    """Every convolution of a module sees the picture wrapped round, along `x`, `y` or `xy`.

    The edges are laid around what it is given, and it pads nothing itself: so it may be packed.
    """
    for each in module.modules():
        if isinstance(each, nn.Conv2d) and not isinstance(each.padding, str) and any(each.padding):
            high, wide = each.padding
            each.padding = (0, 0)
            each.register_forward_pre_hook(_Surround(wide, high, axes))


class _Surround:
    """Lays around a convolution's input what it would have padded, of the opposite edge or zeros."""

    def __init__(self, wide: int, high: int, axes: str) -> None:
        self.steps = [
            ((wide, wide, 0, 0), "circular" if "x" in axes else "constant"),
            ((0, 0, high, high), "circular" if "y" in axes else "constant"),
        ]

    def __call__(self, _module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """The input with its surroundings."""
        surrounded: Tensor = given[0]
        for sides, mode in self.steps:
            surrounded = pad(surrounded, sides, mode=mode)
        return (surrounded, *given[1:])
