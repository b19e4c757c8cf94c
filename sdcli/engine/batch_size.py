"""How many pictures go through the U-Net together where that is left to the machine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

import torch

MOST = 64
SHARE = 0.9  # of the free memory that a batch is planned to fill


class MemoryMeter(Protocol):
    """What a device says of its memory, in bytes."""

    def begin(self) -> None:
        """From now on the most that is taken counts."""
        ...

    def taken(self) -> int:
        """The most that was taken since, beside what was taken then."""
        ...

    def free(self) -> int:
        """What could be taken now."""
        ...


class CudaMeter:
    """The memory of a CUDA device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0

    def begin(self) -> None:
        """From now on the most that is taken counts."""
        torch.cuda.reset_peak_memory_stats(self._device)
        self._before = torch.cuda.memory_allocated(self._device)

    def taken(self) -> int:
        """The most that was taken since, beside what was taken then."""
        return torch.cuda.max_memory_allocated(self._device) - self._before

    def free(self) -> int:
        """What could be taken now: what the driver has, and what torch keeps for later."""
        free, _ = torch.cuda.mem_get_info(self._device)
        kept = torch.cuda.memory_reserved(self._device) - torch.cuda.memory_allocated(self._device)
        return free + kept


class BatchSize:
    """The size of the next batch: the one that was asked for or, with a meter, one picture first and
    then as many as fit by what that one took. What does not fit after all is halved elsewhere."""

    def __init__(self, size: int, meter: MemoryMeter | None = None) -> None:
        self.next = size
        self._meter = meter

    @contextmanager
    def measured(self, pictures: int) -> Generator[None]:
        """While so many pictures are drawn together."""
        if self._meter is None:
            yield
            return
        self._meter.begin()
        yield
        each = max(1, self._meter.taken() // pictures)
        self.next = max(1, min(MOST, int(SHARE * self._meter.free()) // each))
        self._meter = None  # asked once: batches that change their size round otherwise each time


def choose_batch_size(asked: int, device: torch.device) -> BatchSize:
    """The batches of a plan: 0 is for the device to say. On a CPU several together are no faster."""
    if asked:
        return BatchSize(asked)
    return BatchSize(1, CudaMeter(device) if device.type == "cuda" else None)
