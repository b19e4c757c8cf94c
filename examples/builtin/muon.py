"""Muon: momentum whose every matrix is made orthogonal before it is applied (Jordan et al., 2024).

All directions of a weight matrix then learn at the same speed, and not only the few that the
gradient favours. On two cores it bought about twice the progress per step for a third more work.
Vectors and embeddings stay with AdamW.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch


def orthogonal(matrices: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """The nearest orthogonal matrices, roughly: a Newton-Schulz iteration on a stack [k, m, n].

    Each round is `x = (a + b g + c g g) x` with the Gram matrix `g = x xT`. Where x is much wider
    than high, the rounds are multiplied up in Gram space, which is small, and applied to x once: a
    third of the work. Elsewhere half precision halves it, and is precise enough (cosine 0.9999).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    turned = x.shape[1] > x.shape[2]
    x = x.mT.contiguous() if turned else x
    if x.shape[2] < 4 * x.shape[1]:
        x = x.bfloat16()
        for _ in range(rounds):
            gram = x @ x.mT
            x = a * x + torch.baddbmm(b * gram, gram, gram, alpha=c) @ x
        return (x.mT if turned else x).to(matrices.dtype)
    gram, total = x @ x.mT, None
    for k in range(rounds):
        turn = torch.baddbmm(b * gram, gram, gram, alpha=c)
        turn.diagonal(dim1=1, dim2=2).add_(a)
        total = turn if total is None else turn @ total
        gram = turn @ gram @ turn if k < rounds - 1 else gram
    x = total @ x
    return x.mT if turned else x


class Muon(torch.optim.Optimizer):
    """Muon for matrices and convolutions, with steps as large as AdamW's, so that one learning
    rate fits both.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """One step; matrices of one shape are made orthogonal together."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[torch.Tensor]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[(p.shape[0], p[0].numel())].append(p)
            for (rows, columns), params in alike.items():
                pushes = []
                for p in params:
                    held = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    held.lerp_(p.grad, 1 - group["momentum"])
                    pushes.append(p.grad.lerp(held, group["momentum"]).reshape(rows, columns))
                turns = orthogonal(torch.stack(pushes))
                size = 0.2 * max(rows, columns) ** 0.5
                for p, turn in zip(params, turns, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(turn.reshape(p.shape), alpha=-group["lr"] * size)


def suits(p: torch.Tensor) -> bool:
    """Whether a parameter is a matrix that Muon is for."""
    return p.ndim in (2, 4) and min(p.shape[0], p[0].numel()) >= 16
