"""Pictures in tiles that are fused at every step: what the U-Net is asked, and that no seam shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdcli.engine.denoise import UnetCall
from sdcli.engine.fused_tiles import fuse_tiles
from sdcli.engine.session import Session
from sdcli.errors import BadRequest
from sdcli.events import SilentListener
from sdcli.planning.resolve import make_plan
from sdcli.request import Control, Draw, Redraw, Request
from tests.helpers import controls


def call(height: int, width: int, **residuals: object) -> UnetCall:
    latents = torch.randn(2, 4, height, width, generator=torch.Generator().manual_seed(0))
    return UnetCall(0, latents, torch.tensor(5), torch.zeros(2, 77, 8), None, residuals)


def test_what_does_not_depend_on_the_tile_comes_out_as_it_would_whole() -> None:
    seen: list[tuple[int, ...]] = []

    def predict(part: UnetCall) -> torch.Tensor:
        seen.append(tuple(part.latents.shape))
        return 2 * part.latents

    whole = call(40, 29)
    found = fuse_tiles(predict, 128)(whole)
    assert torch.allclose(found, 2 * whole.latents, atol=1e-6)
    assert set(seen) == {(2, 4, 16, 16)} and len(seen) >= 6
    small = call(16, 12)
    assert torch.equal(fuse_tiles(predict, 128)(small), 2 * small.latents)
    assert seen[-1] == (2, 4, 16, 12)


def test_each_tile_sees_its_own_part_of_what_a_controlnet_says() -> None:
    def marks(times: int) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(64 // times), torch.arange(32 // times), indexing="ij")
        return (1000 * y + x)[None, None] * times

    def predict(part: UnetCall) -> torch.Tensor:
        fine, coarse = part.residuals["down"]
        middle = part.residuals["middle"]
        assert fine.shape[-2:] == (32, 32) and coarse.shape[-2:] == middle.shape[-2:] == (8, 8)
        assert torch.equal(fine[..., ::4, ::4], coarse)
        return fine.expand(2, 4, -1, -1).float()

    whole = call(64, 32, down=(marks(1), marks(4)), middle=marks(4))
    found = fuse_tiles(predict, 256)(whole)
    assert torch.allclose(found, marks(1).float().expand_as(found))


def seam(pixels: np.ndarray, axis: int, places: range) -> float:
    """How much more the picture changes at these places than it does in general."""
    steps = np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2))
    there = [place - 1 for place in places if place - 1 < len(steps)]
    return float(steps[there].mean() / np.delete(steps, there).mean())


def test_a_larger_picture_is_painted_over_without_a_seam(tmp_path: Path) -> None:
    session = Session()

    def painted(start: Image.Image, **changes: object) -> np.ndarray:
        start.save(tmp_path / "start.png")
        task = Redraw(tmp_path / "start.png", 0.5)
        asked = Request(task, "a sunset", steps=6, device="cpu")
        (picture,) = session.run(make_plan(replace(asked, **changes)), SilentListener())
        return np.asarray(picture.image, dtype=np.float32)

    y, x = np.mgrid[0:128, 0:256]
    waves = [127 + 90 * np.sin(x / 31 + k) * np.cos(y / 41 - k) for k in range(3)]
    start = Image.fromarray(np.stack(waves, -1).astype(np.uint8))
    fused = painted(start, fused_tiles=128, seed=1)
    assert fused.shape == (128, 256, 3)
    halves = [painted(start.crop((k, 0, k + 128, 128)), seed=1 + k) for k in (0, 128)]
    assert seam(np.concatenate(halves, 1), 1, range(128, 129)) > 4
    assert seam(fused, 1, range(64, 256, 64)) < 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tiling": "x"}, "`--tiling` joins the edges"),
        ({"fast": ("step-cache",)}, "`--fast step-cache` keeps what"),
        ({"fused_tiles": 100}, "100 is no multiple of 64"),
    ],
)
def test_what_cannot_be_had_in_tiles_is_refused(changes: dict[str, object], said: str) -> None:
    asked = Request(Draw(), "x", fused_tiles=128)
    with pytest.raises(BadRequest, match=said):
        make_plan(replace(asked, **changes))


def test_a_controlnet_needs_whole_cells(sd1: Path, tmp_path: Path) -> None:
    save_file(controls.tensors(), tmp_path / "net.safetensors")
    Image.new("RGB", (8, 8)).save(tmp_path / "map.png")
    asked = Request(
        Draw(),
        "x",
        model=str(sd1),
        width=200,
        height=128,
        fused_tiles=64,
        controls=(Control(str(tmp_path / "net.safetensors"), tmp_path / "map.png"),),
    )
    with pytest.raises(BadRequest, match="multiples of 64, and this is 200x128"):
        make_plan(asked)
