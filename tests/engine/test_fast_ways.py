"""Each way to be faster takes its road, and does to the picture what its class promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sdcli.engine.denoise import UnetCall, call_unet
from sdcli.engine.packed_linear import PackedLinear
from sdcli.engine.packed_module import can_pack
from sdcli.engine.session import Session
from sdcli.engine.step_cache import EVERY, cache_steps
from sdcli.errors import BadRequest
from sdcli.events import SilentListener
from sdcli.options.fast_ways import (
    ANOTHER_PICTURE,
    CUDA_GRAPHS,
    FAST_WAYS,
    NAMED,
    ROUNDING,
    SAME_BITS,
)
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

needs_packing = pytest.mark.skipif(not can_pack(), reason="this torch packs no weights")

MOST_ON_AVERAGE = 0.5  # grey levels, over 20 pictures, of a way that is the same to rounding


def plan_of(model: Path | None = None, **said: Any) -> Plan:
    usual = {"steps": 6, "width": 64, "height": 64, "seed": 1, "device": "cpu", "dtype": "fp32"}
    named = None if model is None else str(model)
    return make_plan(Request(Draw(), "a red house by the sea", model=named, **usual | said))


def draw(plan: Plan, session: Session | None = None) -> Picture:
    return next(iter((session or Session()).run(plan)))


def apart(one: Picture, other: Picture) -> float:
    pair = [np.asarray(picture.image, dtype=np.float64) for picture in (one, other)]
    return float(np.abs(pair[0] - pair[1]).mean())


ON_A_CPU = [name for name in NAMED if FAST_WAYS[name].kind == ROUNDING and name != CUDA_GRAPHS]


@needs_packing
@pytest.mark.parametrize("name", ON_A_CPU)
def test_what_is_the_same_to_rounding_is_so_over_20_pictures(name: str) -> None:
    exact = plan_of(count=20)
    with Session() as session:
        plain = list(session.run(exact))
        fast = list(session.run(replace(exact, fast=(name,))))
    distances = [apart(*pair) for pair in zip(plain, fast, strict=True)]
    assert sum(distances) / 20 <= MOST_ON_AVERAGE
    assert all(f"{name}: same to rounding" in picture.provenance.ways for picture in fast)


@pytest.mark.parametrize("name", ["guidance-interval", "step-cache"])
def test_another_picture_is_drawn_and_says_so(name: str, sd1: Path) -> None:
    exact = plan_of(sd1, cfg=7.0, scheduler="euler-karras", steps=9)
    plain, fast = draw(exact), draw(replace(exact, fast=(name,)))
    assert apart(plain, fast) > 0
    assert fast.provenance.ways[-1] == f"{name}: another picture"
    assert fast.plan.fast == (name,)


def test_a_taesd_decodes_where_it_is_named(sd1: Path, own_folders: Path) -> None:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    with pytest.raises(BadRequest, match="which is not in the folder of models"):
        plan_of(sd1, fast=("taesd",))
    path = own_folders / "models" / "taesd.safetensors"
    save_file(AutoencoderTiny().state_dict(), path)
    plan = plan_of(sd1, fast=("taesd",))
    assert plan.vae.path == path
    drawn = draw(plan)
    assert drawn.provenance.ways[-1] == "taesd: another picture"
    assert apart(drawn, draw(plan_of(sd1))) > 0
    with pytest.raises(BadRequest, match="is a whole VAE"):
        plan_of(sd1, fast=("taesd",), vae=str(sd1))
    with pytest.raises(BadRequest, match="the built-in model's latents"):
        plan_of(fast=("taesd",))


def test_every_name_that_draws_another_picture_is_tested_here() -> None:
    tested = {"guidance-interval", "step-cache", "taesd"}
    assert tested == {name for name in NAMED if FAST_WAYS[name].kind == ANOTHER_PICTURE}


def test_nothing_but_the_same_bits_is_on_by_itself(sd1: Path) -> None:
    for way in draw(plan_of(sd1)).provenance.ways:
        assert way.endswith(SAME_BITS)


@needs_packing
def test_linear_layers_are_packed_once_and_loras_find_them_plain(sd1: Path) -> None:
    with Session() as session:
        plan = plan_of(sd1, fast=("packed-linear",))
        draw(plan, session)
        unet = session.load(plan, SilentListener()).pipe.unet
        kinds = {type(each) for each in unet.modules() if isinstance(each, nn.Linear)}
        assert kinds == {PackedLinear}
        query = unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q
        assert query.weight.is_mkldnn
        before = query.weight
        draw(plan, session)
        assert query.weight is before
        state = unet.state_dict()
    plain = session.load(plan_of(sd1), SilentListener()).pipe.unet.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in plain.items())


def calls_of_unet(session: Session, plan: Plan) -> tuple[Any, list[torch.Size]]:
    """The plan's U-Net, and the shapes of the latents of all its whole calls from now on."""
    unet = session.load(plan, SilentListener()).pipe.unet
    shapes: list[torch.Size] = []
    unet.register_forward_pre_hook(lambda _, given: shapes.append(given[0].shape))
    return unet, shapes


def test_guidance_is_asked_for_only_inside_the_interval(sd1: Path) -> None:
    plan = plan_of(sd1, cfg=7.0, scheduler="euler-karras", steps=12, fast=("guidance-interval",))
    with Session() as session:
        _, shapes = calls_of_unet(session, plan)
        sigmas: list[float] = []

        class Recorder(SilentListener):
            def on_step(self, step: Any) -> None:
                sigmas.append(step.sigma)

        next(iter(session.run(plan, Recorder())))
    assert [shape[0] for shape in shapes] == [2 if 0.28 < s <= 5.42 else 1 for s in sigmas]
    assert {1, 2} == {shape[0] for shape in shapes}


@pytest.mark.parametrize("layout", ["sd1", "sdxl", "sd2-v"])
def test_every_third_call_is_whole(layout: str, checkpoints: Callable[[str], Path]) -> None:
    plan = plan_of(checkpoints(layout), steps=7, scheduler="euler", fast=("step-cache",))
    with Session() as session:
        _, shapes = calls_of_unet(session, plan)
        draw(plan, session)
    assert len(shapes) == 3  # of the calls 0 to 6


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
@torch.inference_mode()
def test_outer_layers_around_fresh_deep_ones_are_the_whole_u_net(
    layout: str, checkpoints: Callable[[str], Path]
) -> None:
    """The same latents again: then what was kept is what would be computed."""
    plan = plan_of(checkpoints(layout))
    with Session() as session:
        loaded = session.load(plan, SilentListener())
        inputs = session.prepare(plan, loaded, SilentListener())
    predict = cache_steps(loaded.pipe)
    latents = torch.randn(inputs.branches, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    calls = [
        UnetCall(n, latents, torch.tensor(500.0), inputs.embeds, inputs.added, {})
        for n in range(EVERY)
    ]
    first, second, third = map(predict, calls)
    assert torch.equal(first, call_unet(loaded.pipe)(calls[0]))
    assert torch.allclose(second, first, atol=1e-6) and torch.equal(second, third)
