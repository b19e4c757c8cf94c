"""Several processes, one model: each learns alone for a few steps, then all meet in a file (local
SGD, Stich, 2019).

A process with one thread needs no barrier, so this keeps two busy cores busy where two threads in
step would wait for each other. The leader keeps the checkpoint; a follower may come and go at any
time.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

import numpy as np
import torch


class Pool:
    """The weights that all processes share. The two numbers behind them are the leader's
    progress and its steps.
    """

    def __init__(
        self, path: Path, params: list[torch.Tensor], *, leads: bool, share: float
    ) -> None:
        self.params, self.leads, self.share = params, leads, share
        self.lock = path.with_suffix(".lock").open("w")
        self.size = sum(p.numel() for p in params)
        fresh = leads and not path.exists()
        self.kept = np.memmap(path, np.float32, "w+" if fresh else "r+", shape=(self.size + 2,))
        if leads:
            self.kept[: self.size] = self._flat().numpy()
        else:
            self._take(torch.from_numpy(np.array(self.kept[: self.size])))
        self.anchor = self._flat()

    def _flat(self) -> torch.Tensor:
        return torch.cat([p.detach().reshape(-1).cpu() for p in self.params])

    def _take(self, flat: torch.Tensor) -> None:
        at = 0
        with torch.no_grad():
            for p in self.params:
                p.copy_(flat[at : at + p.numel()].view(p.shape))
                at += p.numel()

    @property
    def progress(self) -> float:
        """How far the leader is."""
        return float(self.kept[self.size])

    def meet(self, progress: float) -> None:
        """Add what was learnt since the last meeting, and take what everyone learnt."""
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            self.kept[: self.size] += self.share * (self._flat() - self.anchor).numpy()
            self.anchor = torch.from_numpy(np.array(self.kept[: self.size]))
            if self.leads:
                self.kept[self.size] = progress
        finally:
            fcntl.flock(self.lock, fcntl.LOCK_UN)
        self._take(self.anchor)
