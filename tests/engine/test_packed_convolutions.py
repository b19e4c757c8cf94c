"""Weights reordered once: never at a later call, never beside the plain ones, and to the same bits."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from sdcli.engine import packed_convolutions
from sdcli.engine.packed_convolutions import PackedConvolution, pack_convolutions
from sdcli.engine.packed_module import can_pack, restore_modules
from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Lora, Request
from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import loras

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_pack(), reason="this torch packs no weights"),
]


def call_until_packed(module: nn.Module) -> torch.Tensor:
    """What the module was given, at the second call of which it packs."""
    given = torch.randn(2, 4, 64, 64)
    module(given)
    module(given)
    return given


SHAPES = ((2, 4, 16, 16), (1, 4, 16, 16), (1, 4, 64, 64), (2, 4, 24, 16), (2, 4, 16, 16))


def stack() -> nn.Sequential:
    """Convolutions of the kinds that a U-Net has, their weights as they are read from a file."""
    made = nn.Sequential(
        nn.Conv2d(4, 32, 3, padding=1),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(64, 48, 1),
        nn.Conv2d(48, 4, 3, padding=1, bias=False),
    )
    return made.requires_grad_(False).to(memory_format=torch.channels_last)


@pytest.fixture
def pair() -> tuple[nn.Sequential, nn.Sequential]:
    """The same convolutions, packed and as torch has them."""
    plain = stack()
    packed = copy.deepcopy(plain)
    pack_convolutions(packed)
    return packed, plain


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """One thread and two: torch chooses its kernels by their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@torch.inference_mode()
def test_same_bits_at_every_shape(threads: int, pair: tuple[nn.Module, nn.Module]) -> None:
    packed, plain = pair
    for shape in SHAPES:
        for _ in range(3):  # before it is packed for this shape, while it is, and after
            given = torch.randn(shape)
            mine, theirs = packed(given), plain(given)
            assert torch.equal(mine, theirs)
            assert mine.stride() == theirs.stride()  # what comes after rounds by how they lie


@torch.inference_mode()
def test_no_weight_is_reordered_once_it_is_packed(
    threads: int, pair: tuple[nn.Module, nn.Module]
) -> None:
    packed, _ = pair
    given = call_until_packed(packed)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        packed(given)
    calls = {event.key: event.count for event in seen.key_averages()}
    # By one thread torch computes a 1x1 convolution without oneDNN.
    assert calls["mkldnn::_convolution_pointwise"] == (3 if threads == 1 else 4)
    reorders = {"aten::mkldnn_convolution", "aten::to_mkldnn", "aten::mkldnn_reorder_conv2d_weight"}
    assert not reorders & set(calls)


@torch.inference_mode()
def test_a_weight_is_never_held_twice(pair: tuple[nn.Module, nn.Module]) -> None:
    packed, _ = pair
    wide = [packed[0], packed[1], packed[4]]
    plain = [weakref.ref(each.weight) for each in wide]
    assert all(weight() is not None for weight in plain)
    call_until_packed(packed)
    gc.collect()
    assert all(weight() is None for weight in plain)
    assert all(each.weight.is_mkldnn for each in wide)


@torch.inference_mode()
def test_what_is_read_saved_or_moved_is_plain(pair: tuple[nn.Module, nn.Module]) -> None:
    packed, plain = pair
    given = call_until_packed(packed)
    state = packed.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in plain.state_dict().items())
    call_until_packed(packed)
    packed.to(torch.bfloat16)
    plain.to(torch.bfloat16)
    assert torch.equal(packed(given.bfloat16()), plain(given.bfloat16()))
    restore_modules(packed)
    assert not any(isinstance(each, PackedConvolution) for each in packed)
    assert torch.equal(packed(given.bfloat16()), plain(given.bfloat16()))


def test_gradients_pass_through(pair: tuple[nn.Module, nn.Module]) -> None:
    packed, plain = pair
    with torch.no_grad():
        given = call_until_packed(packed)
    slopes = []
    for module in (packed, plain):
        point = given.clone().requires_grad_()
        module(point).square().sum().backward()
        slopes.append(point.grad)
    assert torch.equal(*slopes)


@torch.inference_mode()
def test_pictures_that_wrap_round(pair: tuple[nn.Module, nn.Module]) -> None:
    packed, plain = pair
    given = call_until_packed(packed)
    for module in (packed, plain):
        module[0].padding_mode = "circular"
    assert torch.equal(packed(given), plain(given))


@torch.inference_mode()
def test_one_call_packs_nothing(pair: tuple[nn.Module, nn.Module]) -> None:
    packed, _ = pair
    for shape in ((2, 4, 64, 64), (2, 4, 32, 32), (2, 4, 64, 64)):
        packed(torch.randn(shape))
    assert not packed[0].weight.is_mkldnn


def plan_of(model: Path, *worn: Lora) -> Plan:
    size = {"width": 64, "height": 64}
    asked = Request(Draw(), "a fox", model=str(model), steps=3, seed=1, loras=worn, **size)
    return make_plan(replace(asked, device="cpu", dtype="fp32"))


def pixels(session: Session, plan: Plan) -> np.ndarray:
    return np.asarray(next(iter(session.run(plan))).image)


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_a_picture_is_the_same_and_every_convolution_is_packed(
    layout: str, checkpoints: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(checkpoints(layout))
    with Session() as session:
        fast = pixels(session, plan)
        pipe = session.load(plan, SilentListener()).pipe
        for module in (pipe.unet, pipe.vae):
            kinds = {type(each) for each in module.modules() if isinstance(each, nn.Conv2d)}
            assert kinds == {PackedConvolution}
        assert pipe.unet.conv_in.weight.is_mkldnn
    monkeypatch.setattr(packed_convolutions, "can_pack", lambda: False)
    assert np.array_equal(pixels(Session(), plan), fast)


def test_loras_on_convolutions_are_put_on_and_taken_off(
    sd1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = loras.targets(identify_checkpoint(sd1), convs=True)
    tensors, _ = loras.lora(at)
    worn = Lora(str(loras.write(tmp_path / "style.safetensors", tensors)))
    bare, dressed = plan_of(sd1), plan_of(sd1, worn)

    def drawn() -> list[np.ndarray]:
        with Session() as session:
            return [pixels(session, plan) for plan in (bare, dressed, bare, dressed)]

    fast = drawn()
    assert np.array_equal(fast[0], fast[2]) and np.array_equal(fast[1], fast[3])
    assert not np.array_equal(fast[0], fast[1])
    monkeypatch.setattr(packed_convolutions, "can_pack", lambda: False)
    assert all(map(np.array_equal, drawn(), fast))
