"""Mean discrepancies between two sets, a block of pairs at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024  # rows of a kernel's matrix held at once: memory does not grow with the square
Doubles = NDArray[np.float64]
Kernel = Callable[[Doubles, Doubles], Doubles]  # [n, width], [m, width] -> [n, m]


def kernel_sum(kernel: Kernel, one: Doubles, other: Doubles) -> float:
    """The sum of the kernel over all pairs."""
    starts = range(0, len(one), BLOCK)
    return float(sum(kernel(one[at : at + BLOCK], other).sum() for at in starts))


def diagonal_sum(kernel: Kernel, one: Doubles) -> float:
    """The sum of the kernel over each with itself."""
    return float(sum(kernel(row[None], row[None])[0, 0] for row in one))


def biased_discrepancy(kernel: Kernel, one: Doubles, other: Doubles) -> float:
    """The squared mean discrepancy with every pair counted, also each with itself."""
    n, m = len(one), len(other)
    own = kernel_sum(kernel, one, one) / n**2 + kernel_sum(kernel, other, other) / m**2
    return own - 2 * kernel_sum(kernel, one, other) / (n * m)


def unbiased_discrepancy(kernel: Kernel, one: Doubles, other: Doubles) -> float:
    """The squared mean discrepancy without the pairs of each with itself; it may fall below 0."""
    n, m = len(one), len(other)
    ones = kernel_sum(kernel, one, one) - diagonal_sum(kernel, one)
    others = kernel_sum(kernel, other, other) - diagonal_sum(kernel, other)
    across = 2 * kernel_sum(kernel, one, other) / (n * m)
    return ones / (n * (n - 1)) + others / (m * (m - 1)) - across
