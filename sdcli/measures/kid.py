"""KID over what a CLIP sees: how far two sets of pictures are apart, sure at some hundreds of them."""

from __future__ import annotations

import math

import numpy as np

from sdcli.measures.kernels import Doubles, unbiased_discrepancy
from sdcli.measures.measure import SetMeasure, Vectors


def _cubic(one: Doubles, other: Doubles) -> Doubles:
    """The kernel of Binkowski and others 2018."""
    return (one @ other.T / one.shape[1] + 1) ** 3


def kid(one: Vectors, other: Vectors) -> float:
    """The unbiased estimate over all pairs, on vectors as long as the CLIP made them; not a number
    for a set of one."""
    if min(len(one), len(other)) < 2:
        return math.nan
    return unbiased_discrepancy(_cubic, one.astype(np.float64), other.astype(np.float64))


KID = SetMeasure(
    name="kid",
    title="KID",
    short="KID",
    unit="",
    better="lower",
    needs="sets",
    form=".5f",
    function=kid,
)
