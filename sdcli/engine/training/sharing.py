"""Several processes that train one file, as `accelerate launch` starts them: each computes its share of
every batch, and all of them take the same step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from accelerate import PartialState
from accelerate.utils import gather, reduce
from torch import nn

from sdcli.training.batches import Example


class SharedSteps:
    """This process's part in the steps. One that is alone does all of it."""

    def __init__(self) -> None:
        state = PartialState()
        self._index, self._count = int(state.process_index), int(state.num_processes)

    def mine(self, examples: Sequence[Example]) -> list[Example]:
        """The pictures of a batch that this process computes; none where there are too few for all."""
        return list(examples[self._index :: self._count])

    def add_up(self, parameters: Sequence[nn.Parameter], value: float) -> float:
        """The gradients of all processes added up in each, and a number of each, too."""
        if self._count == 1:
            return value
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), gradients[0].new_tensor([value])])
        total = reduce(flat, "sum")
        assert isinstance(total, torch.Tensor)
        pieces = total.split([*(g.numel() for g in gradients), 1])
        for gradient, piece in zip(gradients, pieces, strict=False):
            gradient.copy_(piece.view_as(gradient))
        return float(pieces[-1])

    def largest(self, number: int) -> int:
        """The largest of the numbers that the processes have."""
        if self._count == 1:
            return number
        numbers = gather(torch.tensor([number], device=PartialState().device))
        assert isinstance(numbers, torch.Tensor)
        return int(numbers.max())
