"""Traces: the same picture as without, x as the sum that it is, attention that adds up."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.attention_maps import AttentionMaps, record_attention
from sdcli.engine.denoise import predict_branches
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.passes import sampling_for_plan
from sdcli.engine.session import Session
from sdcli.engine.trace import record_drawing, record_noising
from sdcli.events import SilentListener
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.prompts.word_positions import PlacedWord
from sdcli.request import Draw, Redraw, Request


@pytest.fixture
def drawn(sd1: Path) -> Plan:
    asked = Request(Draw(), "a red fox", model=str(sd1), width=64, height=96, seed=3, cfg=3.0)
    return make_plan(replace(asked, steps=6, scheduler="heun", dtype="fp32"))


def test_a_traced_picture_is_the_same_to_the_bit(drawn: Plan):
    (alone,) = Session().run(drawn)
    seen = record_drawing(drawn, SilentListener(), [1, 3, 6], split=True, attention=True)
    assert seen.picture.image.tobytes() == alone.image.tobytes()
    assert [frame.step for frame in seen.closely] == [1, 3, 6]
    levels = sampling_for_plan(drawn).levels
    assert [frame.sigma for frame in seen.closely] == [levels[0], levels[2], levels[5]]
    assert all(len(frame.wanted) == 2 for frame in seen.closely)
    assert [one.word for one in seen.attended] == ["a", "red", "fox"]
    assert all(one.map.size == (8, 12) and 0 < one.peak < 1 for one in seen.attended)


def test_the_last_thing_seen_is_the_picture(drawn: Plan):
    seen = record_drawing(replace(drawn, scheduler="euler"), SilentListener(), [6])
    assert seen.film[-1].clean.tobytes() == seen.picture.image.tobytes()


def test_the_film_shows_more_steps_and_tells_the_picture_first(drawn: Plan):
    told: list[str] = []

    class Heard(SilentListener):
        def on_picture(self, picture: object) -> None:
            told.append("picture")

        def on_stage(self, text: str) -> None:
            told.append(text)

    seen = record_drawing(drawn, Heard(), [6, 2], film=range(1, 7), split=True)
    assert [frame.step for frame in seen.film] == [1, 2, 3, 4, 5, 6]
    assert [frame.step for frame in seen.closely] == [2, 6]
    assert told[-2:] == ["picture", "decoding the steps"]


def test_it_costs_one_drawing(drawn: Plan, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    def counted(predict, sampling, x, index, *others):
        asked.append(index)
        return predict_branches(predict, sampling, x, index, *others)

    monkeypatch.setattr("sdcli.engine.denoise.predict_branches", counted)
    record_drawing(drawn, SilentListener(), [1, 2, 3], split=True, attention=True)
    assert asked == list(range(11))  # Heun asks twice at each of six steps but the last


def test_every_noise_level_in_one_step(sd1: Path, tmp_path: Path):
    source = tmp_path / "a.png"
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(source)
    asked = Request(Redraw(source, None), "a fox", model=str(sd1), seed=3, steps=10, dtype="fp32")
    resolved = make_plan(replace(asked, scheduler="euler"))
    seen = record_noising(resolved, SilentListener(), [1, 5, 10])
    assert seen.picture is None
    assert [frame.step for frame in seen.closely] == [10, 5, 1]
    sigmas = [frame.sigma for frame in seen.closely]
    assert sigmas == sorted(sigmas)
    session = Session()
    pipe = session.load(resolved, SilentListener()).pipe
    with torch.inference_mode():
        clean = pipeline.encode_pixels(pipe, image_to_pixels(Image.open(source)))
        kept = pipeline.decode_latents(pipe, clean)
    # nearly nothing is added at the lowest level, and at the highest nothing of it is left
    near, far = (np.asarray(seen.closely[place].noisy, float) for place in (0, -1))
    original = ((kept[0].clamp(-1, 1) + 1) * 127.5).permute(1, 2, 0).numpy()
    assert np.abs(near - original).mean() < np.abs(far - original).mean()


def test_one_step_of_noise_is_many_small_ones():
    """x_t in one go has the mean and the variance of t steps of q(x_t | x_t-1)."""
    from sdcli.schedulers.noise_levels import make_noise_schedule

    sigmas = make_noise_schedule().sigmas
    left = [1 / (1 + sigma**2) for sigma in sigmas]
    mean, variance = 1.0, 0.0
    for now, was in zip(left, [1.0, *left[:-1]], strict=True):
        beta = 1 - now / was
        mean, variance = mean * math.sqrt(1 - beta), variance * (1 - beta) + beta
    assert mean == pytest.approx(math.sqrt(left[-1]))
    assert variance == pytest.approx(1 - left[-1])


def test_attention_adds_up_to_one_and_leaves_no_trace(drawn: Plan):
    session = Session()
    loaded = session.load(drawn, SilentListener())
    unet = loaded.pipe.unet
    usual = dict(unet.attn_processors)
    maps = AttentionMaps(12, 8)
    words = torch.randn(2, 77, unet.config.cross_attention_dim)
    with torch.inference_mode(), record_attention(unet, maps):
        for first in (True, False):
            unet(torch.randn(2, 4, 12, 8), 10, encoder_hidden_states=words)
            maps.end_step(first)
    assert unet.attn_processors == usual
    total = maps.map_of_word(PlacedWord("all", tuple(range(77))), 77)
    assert total.shape == (12, 8) and torch.allclose(total, torch.ones(12, 8), atol=1e-5)
    half = maps.map_of_word(PlacedWord("one", (3,)), 7)
    assert torch.allclose(
        half, sum(maps.map_of_word(PlacedWord("x", (p,)), 77) for p in range(3, 77, 7)), atol=1e-6
    )


@pytest.mark.parametrize("size", [(72, 88), (64, 64), (136, 64)])
def test_odd_sizes_are_mapped_too(drawn: Plan, size: tuple[int, int]):
    odd = replace(drawn, width=size[0], height=size[1], steps=1)
    (first, *_) = record_drawing(odd, SilentListener(), [1], attention=True).attended
    assert first.map.size == (size[0] // 8, size[1] // 8)
