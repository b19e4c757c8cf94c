"""Measures of what CLIPs see, each against a reckoning of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import laplace

from sdcli.measures import kernels
from sdcli.measures.aesthetic import rate
from sdcli.measures.clip_score import CLIP, CLIP_COSINE, CLIP_HESSEL
from sdcli.measures.cmmd import cmmd
from sdcli.measures.diversity import diversity
from sdcli.measures.hpsv2 import HPSV2
from sdcli.measures.kid import kid
from sdcli.measures.measure import Sample, Seen
from sdcli.measures.pickscore import PICKSCORE
from sdcli.measures.sharpness import sharpness


def vectors(count: int, seed: int, width: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.3, 2, (count, width)).astype(np.float32)


def unit(some: np.ndarray) -> np.ndarray:
    return some / np.linalg.norm(some.astype(np.float64), axis=1)[:, None]


def test_cmmd_is_the_mean_of_a_gaussian_over_every_pair():
    one, other = vectors(7, 1), vectors(5, 2)

    def mean(a, b):
        pairs = [math.exp(-sum((x - y) ** 2) / 200) for x in unit(a) for y in unit(b)]
        return sum(pairs) / len(pairs)

    wanted = 1000 * (mean(one, one) + mean(other, other) - 2 * mean(one, other))
    assert cmmd(one, other) == pytest.approx(wanted, rel=1e-6)
    assert cmmd(one, one) == pytest.approx(0, abs=1e-9)


def test_kid_leaves_out_each_with_itself():
    one, other = vectors(6, 3), vectors(4, 4)

    def kernel(x, y):
        return (float(np.dot(x.astype(float), y.astype(float))) / len(x) + 1) ** 3

    def own(some):
        pairs = [kernel(a, b) for i, a in enumerate(some) for j, b in enumerate(some) if i != j]
        return sum(pairs) / len(pairs)

    across = np.mean([kernel(a, b) for a in one for b in other])
    assert kid(one, other) == pytest.approx(own(one) + own(other) - 2 * across, rel=1e-6)
    assert math.isnan(kid(one[:1], other))


def test_a_kernel_taken_block_by_block_is_the_same(monkeypatch: pytest.MonkeyPatch):
    one, other = vectors(9, 5), vectors(8, 6)
    whole = cmmd(one, other), kid(one, other)
    monkeypatch.setattr(kernels, "BLOCK", 2)
    assert (cmmd(one, other), kid(one, other)) == pytest.approx(whole, rel=1e-9)


def test_diversity_is_the_mean_over_the_pairs():
    some = vectors(5, 7)
    pairs = [1 - float(a @ b) for i, a in enumerate(unit(some)) for b in unit(some)[i + 1 :]]
    assert diversity(some, some) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert math.isnan(diversity(some[:1], some[:1]))


def test_a_rating_is_what_the_layers_make_of_a_vector_of_length_one():
    dice = np.random.default_rng(8)
    sides = [(24, 10), (10, 4), (4, 1)]
    head = [(dice.normal(size=(o, i)).astype(np.float32), dice.normal(size=o).astype(np.float32))
            for i, o in sides]  # fmt: skip
    some = vectors(3, 9)
    for row, found in zip(unit(some), rate(some, head), strict=True):
        for weight, bias in head:
            row = [sum(w * x for w, x in zip(line, row, strict=True)) + b
                   for line, b in zip(weight, bias, strict=True)]  # fmt: skip
        assert found == pytest.approx(row[0], rel=1e-5)


def test_sharpness_is_the_variance_of_the_laplacian():
    levels = np.random.default_rng(10).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    image = Image.fromarray(levels)
    grey = np.asarray(image.convert("L"), dtype=float)
    assert sharpness(image) == pytest.approx(laplace(grey, mode="mirror").var())
    assert sharpness(Image.new("RGB", (1, 1))) == 0


def test_one_cosine_on_every_scale():
    picture, words = np.array([3.0, 4.0], np.float32), np.array([0.0, 2.0], np.float32)
    seen = {name: Seen(picture, words, scale=100.0) for name in ("clip", "hpsv2", "pickscore")}
    sample = Sample(Image.new("RGB", (8, 8)), prompt="a fox", seen=seen)
    rows = (CLIP, CLIP_COSINE, CLIP_HESSEL, HPSV2, PICKSCORE)
    assert [row.function(sample, None) for row in rows] == pytest.approx([80, 0.8, 2.0, 0.8, 80])
    away = {"clip": Seen(picture, -words)}
    turned = Sample(sample.image, prompt="a fox", seen=away)
    assert CLIP.function(turned, None) == 0 and CLIP_COSINE.function(turned, None) < 0
