"""Every measure there is. A new one is a file with its row, and a name here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from sdcli.measures.aesthetic import AESTHETIC
from sdcli.measures.clip_score import CLIP, CLIP_COSINE, CLIP_HESSEL
from sdcli.measures.cmmd import CMMD
from sdcli.measures.diversity import DIVERSITY
from sdcli.measures.hpsv2 import HPSV2
from sdcli.measures.kid import KID
from sdcli.measures.latent_distance import DISTANCE, RMSE, SPREAD
from sdcli.measures.measure import Measure, Sample, SetMeasure
from sdcli.measures.pickscore import PICKSCORE
from sdcli.measures.psnr import PSNR
from sdcli.measures.sharpness import SHARPNESS
from sdcli.measures.ssim import SSIM

# What `compare-schedulers` always measures.
COMPARED: tuple[Measure, ...] = (DISTANCE, RMSE, PSNR, SSIM, SPREAD)
# What `--measure` takes, by name.
CHOICE: Mapping[str, Measure | SetMeasure] = {
    measure.name: measure
    for measure in (
        *(CLIP, CLIP_COSINE, CLIP_HESSEL, HPSV2, PICKSCORE, AESTHETIC, SHARPNESS, PSNR, SSIM),
        *(DIVERSITY, CMMD, KID),
    )
}

Values = Mapping[str, float | None]  # by the names of the measures; None: it says nothing here


def measure_picture(sample: Sample, reference: Sample | None) -> Values:
    """Every measure of one picture; None for those that need a reference where there is none."""
    values: dict[str, float | None] = {}
    for measure in COMPARED:
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
        for measure in COMPARED
        if measure.needs == "set"
    }


def mean_values(values: Sequence[Values]) -> Values:
    """The values of several seeds as one of each measure; None where no seed has one."""
    means: dict[str, float | None] = {}
    for measure in COMPARED:
        known = [one for each in values if (one := each.get(measure.name)) is not None]
        if measure.needs != "set":
            means[measure.name] = measure.mean(known) if known else None
    return means
