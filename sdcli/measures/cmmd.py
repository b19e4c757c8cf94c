"""CMMD: how far two sets of pictures are apart where a CLIP sees them (Jayasumana and others 2024)."""

from __future__ import annotations

import numpy as np

from sdcli.measures.kernels import Doubles, biased_discrepancy
from sdcli.measures.measure import SetMeasure, Vectors, unit_vectors

# The paper's: the width of the Gaussian kernel, and what makes the number readable.
SIGMA = 10
SCALE = 1000


def _gaussian(one: Doubles, other: Doubles) -> Doubles:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    return np.exp(-squares / (2 * SIGMA**2))


def cmmd(one: Vectors, other: Vectors) -> float:
    """The distance as the paper's own program reckons it: every pair counts, each with itself too."""
    return SCALE * biased_discrepancy(_gaussian, unit_vectors(one), unit_vectors(other))


CMMD = SetMeasure(
    name="cmmd",
    title="CMMD",
    short="CMMD",
    unit="",
    better="lower",
    needs="sets",
    form=".4f",
    function=cmmd,
)
