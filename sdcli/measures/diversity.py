"""How different the pictures of a set are: their mean distance where a CLIP sees them."""

from __future__ import annotations

import math

from sdcli.measures.measure import SetMeasure, Vectors, unit_vectors


def diversity(pictures: Vectors, _same: Vectors) -> float:
    """The mean of 1 - cosine over all pairs; not a number for a single picture."""
    count = len(pictures)
    if count < 2:
        return math.nan
    whole = unit_vectors(pictures).sum(axis=0)  # the pairs' cosines are in its square
    return float(1 - (whole @ whole - count) / (count * (count - 1)))


DIVERSITY = SetMeasure(
    name="diversity",
    title="diversity",
    short="diversity",
    unit="",
    better="neither",
    needs="set",
    form=".4f",
    function=diversity,
)
