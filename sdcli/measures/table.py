"""Every measure there is, and all of them applied. A new one is a file with its row, and a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from sdcli.measures.latent_distance import DISTANCE, RMSE, SPREAD
from sdcli.measures.measure import Measure, Sample
from sdcli.measures.psnr import PSNR
from sdcli.measures.ssim import SSIM

MEASURES: tuple[Measure, ...] = (DISTANCE, RMSE, PSNR, SSIM, SPREAD)

Values = Mapping[str, float | None]  # by the names of the measures; None: it says nothing here


def measure_picture(sample: Sample, reference: Sample | None) -> Values:
    """Every measure of one picture; None for those that need a reference where there is none."""
    values: dict[str, float | None] = {}
    for measure in MEASURES:
        if measure.needs == "prompt":
            values[measure.name] = measure.function(sample, None)
        elif measure.needs == "reference":
            values[measure.name] = (
                None if reference is None else measure.function(sample, reference)
            )
    return values


def measure_set(samples: Sequence[Sample]) -> Values:
    """Every measure of the pictures of one setting against each other, over all pairs."""
    pairs = [*combinations(samples, 2)]
    return {
        measure.name: measure.mean([measure.function(one, other) for one, other in pairs])
        if pairs
        else None
        for measure in MEASURES
        if measure.needs == "set"
    }


def mean_values(values: Sequence[Values]) -> Values:
    """The values of several seeds as one of each measure; None where no seed has one."""
    means: dict[str, float | None] = {}
    for measure in MEASURES:
        known = [one for each in values if (one := each.get(measure.name)) is not None]
        if measure.needs != "set":
            means[measure.name] = measure.mean(known) if known else None
    return means
