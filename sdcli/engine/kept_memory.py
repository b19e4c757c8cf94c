"""Memory kept from one step for the next on a CPU, where it would go back to the system: the same bits.

glibc gives a block of 32 MB and more back as soon as it is free. The next layer asks for one again, and
the system clears every page of it anew: at 512x512 SD 1.5 spends some per cent of a step on that.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from sdcli.hires import drawn_size
from sdcli.plan import Plan
from sdcli.weights.families import FAMILIES

if TYPE_CHECKING:  # a test of memory alone needs no torch
    from sdcli.engine.pipeline import Pipeline

ALWAYS_GIVEN_BACK = 32 * 2**20  # the most that glibc can be told to keep block by block
WIDENED = 8  # the widest layer of a transformer block, in channels of the block
BRANCHES = 2  # of the guidance
# malloc.h's names; its defaults, or what it makes of them by itself in a process that uses much.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}
USUAL = {MMAP_MAX: 65536, MMAP_THRESHOLD: ALWAYS_GIVEN_BACK, TRIM_THRESHOLD: 2 * ALWAYS_GIVEN_BACK}


def pays_to_keep(pipe: Pipeline, plan: Plan, pictures: int) -> bool:
    """Whether so many pictures in one call have layers that are given back and asked for again."""
    if pipe.compute_device.type != "cpu" or _glibc() is None:
        return False
    width, height = drawn_size(plan)
    cells = width * height // FAMILIES[plan.family].cell ** 2
    bytes_a_cell = pipe.unet.config.block_out_channels[0] * WIDENED * 4
    return cells * pictures * BRANCHES * bytes_a_cell >= ALWAYS_GIVEN_BACK


@contextmanager
def keep_memory() -> Generator[None]:
    """What is freed in the block is kept for what comes next in it, and given back at its end."""
    libc = _glibc()
    assert libc is not None
    _tell(libc, KEEPING)
    try:
        yield
    finally:
        _tell(libc, USUAL)
        libc.malloc_trim(0)


def _tell(libc: Any, settings: dict[int, int]) -> None:
    for name, value in settings.items():
        libc.mallopt(name, value)


@cache
def _glibc() -> Any:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
