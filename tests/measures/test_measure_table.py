"""Every measure applied: what it needs, what it says where that lacks, how seeds become one number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from sdcli.measures.latent_distance import latent_distance, latent_rmse
from sdcli.measures.measure import Sample
from sdcli.measures.table import COMPARED, mean_values, measure_picture, measure_set


def sample(level: float) -> Sample:
    latents = np.full((1, 4, 2, 2), level, np.float32)
    return Sample(Image.new("RGB", (16, 16), (int(level * 10),) * 3), latents, "a fox")


def test_every_measure_has_a_name_and_a_heading_of_its_own():
    assert len({one.name for one in COMPARED}) == len(COMPARED)
    assert len({one.heading for one in COMPARED}) == len(COMPARED)


def test_a_picture_is_measured_against_its_reference_or_not_at_all():
    values = measure_picture(sample(3), sample(4))
    assert values["rmse"] == 1 and values["share"] == pytest.approx(1 / 4)
    assert values["psnr"] == pytest.approx(20 * math.log10(255 / 10))
    assert set(measure_picture(sample(3), None).values()) == {None}
    assert "spread" not in values


def test_a_set_is_measured_pair_by_pair_as_a_root_mean():
    pairs = [(3, 4), (3, 5), (4, 5)]
    squares = [latent_distance(sample(a).latents, sample(b).latents) ** 2 for a, b in pairs]
    found = measure_set([sample(3), sample(4), sample(5)])
    assert found == {"spread": pytest.approx(math.sqrt(sum(squares) / 3))}
    assert measure_set([sample(3)]) == {"spread": None}


def test_seeds_are_averaged_each_measure_in_its_way():
    means = mean_values([{"share": 0.3, "psnr": 20.0}, {"share": 0.4, "psnr": 30.0, "ssim": None}])
    assert means["share"] == pytest.approx(0.125**0.5) and means["psnr"] == 25
    assert means["ssim"] is None and means["rmse"] is None and "spread" not in means


def test_latent_distances():
    one = np.array([3.0, 4.0], np.float32)
    assert latent_distance(one, one) == 0
    assert latent_distance(np.zeros(2, np.float32), one) == pytest.approx(1)
    assert math.isfinite(latent_distance(one, np.zeros(2, np.float32)))
    assert latent_rmse(one, np.zeros(2, np.float32)) == pytest.approx(math.sqrt(12.5))
