"""LAION's aesthetic predictor: what people would give a picture, of 10, as a head on a CLIP says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sdcli.measures.measure import Measure, Seen, Vectors, by_judge, unit_vectors

JUDGE = "aesthetic"
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]  # weight [out, in], bias [out]


def rate(pictures: Vectors, head: Sequence[Layer]) -> NDArray[np.float64]:
    """What a head says of pictures as its CLIP sees them: one linear layer after another, on vectors
    of length 1."""
    state = unit_vectors(pictures)
    for weight, bias in head:
        state = state @ weight.astype(np.float64).T + bias.astype(np.float64)
    return state[:, 0]


def _rating(seen: Seen) -> float:
    assert seen.rating is not None
    return seen.rating


AESTHETIC = Measure(
    name="aesthetic",
    title="aesthetic",
    short="aesth.",
    unit="of 10",
    better="higher",
    needs="picture",
    form=".2f",
    function=by_judge(JUDGE, _rating),
    judge=JUDGE,
)
