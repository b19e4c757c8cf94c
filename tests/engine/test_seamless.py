"""Pictures that repeat: a roll of the noise is a roll of the picture, and no seam shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from sdcli.engine import noise
from sdcli.engine.low_memory import FALLBACKS, MemoryFallbacks
from sdcli.engine.packed_convolutions import pack_convolutions
from sdcli.engine.packed_module import can_pack
from sdcli.engine.seamless import join_edges
from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def builtin(**changes: object) -> Plan:
    asked = Request(
        Draw(), "a red house by the sea", seed=5, steps=6, model="builtin", device="cpu"
    )
    return replace(make_plan(asked), **changes)


def draw(session: Session, plan: Plan) -> NDArray[np.float32]:
    (picture,) = session.run(plan, SilentListener())
    return np.asarray(picture.image, dtype=np.float32)


def seam(pixels: NDArray[np.float32], axis: int) -> float:
    """How much more the last line differs from the first than neighbours do in general."""
    across = np.abs(pixels - np.roll(pixels, 1, axis)).mean(axis=(1 - axis, 2))
    return float(across[0] / across[1:].mean())


@pytest.mark.parametrize(("tiling", "axes"), [("x", (3,)), ("y", (2,)), ("xy", (2, 3))])
def test_a_convolution_wraps_round_the_axes_that_are_said(
    tiling: str, axes: tuple[int, ...]
) -> None:
    plain = nn.Conv2d(3, 2, 3, padding=1)
    joined = nn.Conv2d(3, 2, 3, padding=1)
    joined.load_state_dict(plain.state_dict())
    join_edges(joined, tiling)
    given = torch.randn(1, 3, 8, 6)
    out = joined(given)
    assert out.shape == (1, 2, 8, 6)
    assert torch.allclose(out[..., 1:-1, 1:-1], plain(given)[..., 1:-1, 1:-1], atol=1e-6)
    for axis in (2, 3):
        rolled = joined(given.roll(3, axis)).roll(-3, axis)
        assert torch.allclose(rolled, out, atol=1e-6) is (axis in axes)


@pytest.mark.skipif(not can_pack(), reason="this torch packs no weights")
def test_packed_convolutions_wrap_round_too() -> None:
    joined = nn.Conv2d(8, 8, 3, padding=1).requires_grad_(False)
    join_edges(joined, "xy")
    given = torch.randn(2, 8, 64, 64)
    with torch.inference_mode():
        plain = joined(given)
        pack_convolutions(joined)
        for _ in range(3):
            assert torch.equal(joined(given), plain)
        assert joined.is_packed


def test_a_roll_of_the_noise_is_a_roll_of_the_picture(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = builtin(tiling="xy", scheduler="euler")
    still = draw(session, plan)
    real = noise.TorchNoise.randn
    monkeypatch.setattr(
        noise.TorchNoise, "randn", lambda self, shape: real(self, shape).roll((8, 8), (2, 3))
    )
    rolled = draw(session, plan)
    assert np.abs(np.roll(still, (64, 64), (0, 1)) - rolled).max() <= 1
    assert np.abs(still - rolled).mean() > 5


def test_no_seam_shows_where_the_picture_was_joined(session: Session) -> None:
    plain, joined = draw(session, builtin()), draw(session, builtin(tiling="x"))
    assert seam(joined, 1) < 2 < seam(plain, 1)
    assert seam(joined, 0) > 2


def test_no_vae_in_tiles_which_would_have_edges_of_their_own() -> None:
    cpu = torch.device("cpu")
    assert FALLBACKS[0] in MemoryFallbacks(cpu, "auto")._left
    assert FALLBACKS[0] not in MemoryFallbacks(cpu, "auto", whole_vae=True)._left


def test_it_is_drawn_again_and_refused_where_it_cannot_be(sdcli: Callable, sd1: Path) -> None:
    small = ("-m", sd1, "--seed", 7, "--steps", 2, "-W", 64, "-H", 64)
    assert sdcli("txt2img", "a fox", *small, "--tiling", "x", "-o", "a.png").code == 0
    ran = sdcli("reproduce", "a.png", "--exact")
    assert ran.code == 0, ran.err
    ran = sdcli("txt2img", "a fox", *small, "--tiling", "x", "--backend", "compile")
    assert ran.code == 2
    assert "`--backend compile` joins no edges" in ran.err and "\nhint: " in ran.err
