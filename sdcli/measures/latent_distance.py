"""How far two pictures are apart before they are decoded: between their latents."""

from __future__ import annotations

import math

import numpy as np

from sdcli.measures.measure import Latents, Measure, against_latents, root_mean


def latent_rmse(one: Latents, other: Latents) -> float:
    """The root mean square difference."""
    difference = one.astype(np.float64) - other.astype(np.float64)
    return float(np.sqrt(np.mean(np.square(difference))))


def latent_distance(one: Latents, of: Latents) -> float:
    """The root mean square difference over the size of what it is measured against."""
    size = float(np.sqrt(np.mean(np.square(of.astype(np.float64)))))
    return latent_rmse(one, of) / max(size, math.ulp(1.0))


DISTANCE = Measure(
    name="share",
    title="distance",
    short="dist",
    unit="%",
    better="lower",
    needs="reference",
    form=".2f",
    function=against_latents(latent_distance),
    mean=root_mean,
)
RMSE = Measure(
    name="rmse",
    title="latent RMSE",
    short="RMSE",
    unit="",
    better="lower",
    needs="reference",
    form=".4f",
    function=against_latents(latent_rmse),
    mean=root_mean,
)
SPREAD = Measure(
    name="spread",
    title="spread of seeds",
    short="spread",
    unit="%",
    better="neither",
    needs="set",
    form=".0f",
    function=against_latents(latent_distance),
    mean=root_mean,
)
