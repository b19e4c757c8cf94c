"""Upscalers: what the networks draw, in tiles as whole, and what becomes of a picture's size."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sdcli.engine import upscaler as engine
from sdcli.engine.tiles import Tiling
from sdcli.engine.upscaler import LoadedUpscaler
from sdcli.errors import BadRequest, SdcliError
from sdcli.events import SilentListener
from sdcli.library.find import find_adapter
from tests.helpers import upscalers

GREY = 1 / 255


def pixels(height: int, width: int) -> torch.Tensor:
    """Waves with edges, in 0 to 1."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = torch.stack([torch.sin(x / 5), torch.cos(y / 7), torch.sin((x + y) / 3)])
    return ((waves + 0.3 * torch.sign(torch.sin(x * y / 90))) / 3 + 0.5).clamp(0, 1)[None]


def image(width: int, height: int) -> Image.Image:
    levels = pixels(height, width)[0].permute(1, 2, 0).mul(255).byte().numpy()
    return Image.fromarray(levels)


RRDB = upscalers.rrdb()
SPELLINGS = {
    "now": (RRDB, RRDB, 4),
    "first": (upscalers.as_first_esrgan(RRDB), RRDB, 4),
    "second": (upscalers.as_second_esrgan(RRDB), RRDB, 4),
    "once": (upscalers.as_first_esrgan(upscalers.rrdb(1)), upscalers.rrdb(1), 2),
    "never": (upscalers.as_first_esrgan(upscalers.rrdb(0)), upscalers.rrdb(0), 1),
    "gathered": (upscalers.rrdb(2, 2), upscalers.rrdb(2, 2), 2),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_rrdb_draws_what_its_paper_says(tmp_path: Path, spelling: str) -> None:
    tensors, plain, scale = SPELLINGS[spelling]
    loaded = LoadedUpscaler(upscalers.write(tmp_path / "x.safetensors", tensors))
    assert loaded.scale == scale
    shown = pixels(22, 38)
    expected = upscalers.draw_rrdb(plain, shown)
    found = loaded.enlarge_pixels(shown)
    assert expected.std() > 10 * GREY
    assert (found - expected).abs().max() < GREY / 50


def test_an_old_pickle_is_read_as_safely(tmp_path: Path) -> None:
    torch.save({"params_ema": upscalers.as_first_esrgan(RRDB)}, tmp_path / "x.pth")
    found = LoadedUpscaler(tmp_path / "x.pth").enlarge_pixels(pixels(9, 8))
    assert (found - upscalers.draw_rrdb(RRDB, pixels(9, 8))).abs().max() < GREY / 50


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_compact_one_draws_what_it_should(tmp_path: Path, scale: int) -> None:
    tensors = upscalers.srvgg(scale)
    loaded = LoadedUpscaler(upscalers.write(tmp_path / "x.safetensors", tensors))
    found = loaded.enlarge_pixels(pixels(13, 17))
    assert (found - upscalers.draw_srvgg(tensors, pixels(13, 17))).abs().max() < GREY / 50


def test_the_one_in_the_box_is_sharper_than_lanczos() -> None:
    large = Image.new("RGB", (1024, 1024), (60, 120, 200))
    ImageDraw.Draw(large).ellipse((300, 260, 800, 740), fill=(240, 200, 40))
    truth = np.asarray(large.reduce(4), dtype=np.float32)
    small = large.reduce(16)
    found = LoadedUpscaler(find_adapter("builtin:upscaler")).enlarge(small)
    plain = small.resize(found.size, Image.Resampling.LANCZOS)
    off, plainly_off = (np.square(np.asarray(one) - truth).mean() for one in (found, plain))
    assert found.size == (256, 256) and off < 0.8 * plainly_off


@pytest.mark.parametrize("kind", ["rrdb", "gathered", "srvgg"])
def test_tiles_leave_no_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    made = {
        "rrdb": upscalers.rrdb(blocks=6),
        "gathered": upscalers.rrdb(2, 2, blocks=3),
        "srvgg": upscalers.srvgg(2, layers=12),
    }
    path = upscalers.write(tmp_path / "x.safetensors", made[kind])
    shown = pixels(151, 207)
    whole = LoadedUpscaler(path).enlarge_pixels(shown)
    monkeypatch.setattr(engine, "SIDES", (128,))
    tiles: list[int] = []
    listener = SilentListener()
    monkeypatch.setattr(listener, "on_progress", lambda done, of: tiles.append(of))
    tiled = LoadedUpscaler(path, listener=listener).enlarge_pixels(shown)
    assert tiles[-1] >= 4
    assert whole.shape == tiled.shape
    assert (whole - tiled).abs().max() < GREY / (20 if kind == "srvgg" else 2)


@pytest.mark.parametrize(("side", "length"), [(64, 64), (64, 65), (64, 200), (128, 4097)])
def test_tiles_cover_all_of_a_picture(side: int, length: int) -> None:
    tiling = Tiling(side, 20, 8, 2)
    total = torch.zeros(length)
    *starts, last = tiling.starts(length)
    assert not any(start % 2 for start in starts)
    assert all(b - a <= side - tiling.overlap for a, b in pairwise((*starts, last)))
    for start in (*starts, last):
        total[start : start + side] += tiling.weights(start, length)
    assert total.min() > 0
    assert last + side == max(side, length)


def test_smaller_tiles_are_tried_where_memory_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = upscalers.write(tmp_path / "x.safetensors", upscalers.srvgg(2))
    loaded = LoadedUpscaler(path)
    draw: Callable[[torch.Tensor], torch.Tensor] = loaded._run

    def run(tile: torch.Tensor) -> torch.Tensor:
        if tile.shape[-1] > 64:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return draw(tile)

    monkeypatch.setattr(loaded, "_run", run)
    expected = upscalers.draw_srvgg(upscalers.srvgg(2), pixels(100, 90))
    assert (loaded.enlarge_pixels(pixels(100, 90)) - expected).abs().max() < GREY / 20
    assert loaded.events[-1] == "memory ran out: going on with tiles of 64 pixels"
    monkeypatch.setattr(loaded, "_run", lambda tile: run(tile.repeat(1, 1, 2, 2)))
    with pytest.raises(SdcliError, match="memory ran out, even with tiles of 64 pixels"):
        loaded.enlarge_pixels(pixels(100, 90))


def test_a_picture_becomes_the_size_that_is_asked_for(tmp_path: Path) -> None:
    loaded = LoadedUpscaler(upscalers.write(tmp_path / "x.safetensors", upscalers.srvgg(2)))
    calls: list[tuple[int, int]] = []
    once = loaded._once
    loaded._once = lambda small: calls.append(small.size) or once(small)  # type: ignore[method-assign]
    assert loaded.enlarge(image(21, 15)).size == (42, 30)
    assert loaded.enlarge(image(21, 15), (30, 21)).size == (30, 21)
    assert len(calls) == 2
    assert loaded.enlarge(image(21, 15), (180, 120)).size == (180, 120)
    assert [size[0] for size in calls[2:]] == [21, 42, 84]
    assert loaded.enlarge(image(1, 1)).size == (2, 2)


def test_what_is_transparent_stays_so_and_bleeds_nowhere(tmp_path: Path) -> None:
    loaded = LoadedUpscaler(upscalers.write(tmp_path / "x.safetensors", upscalers.srvgg(2)))
    cut = np.zeros((24, 32, 4), np.uint8)
    cut[:, 16:] = (200, 120, 40, 255)  # and black where nothing is to be seen
    found = loaded.enlarge(Image.fromarray(cut))
    assert (found.mode, found.size) == ("RGBA", (64, 48))
    alpha = np.asarray(found)[..., 3]
    assert alpha[:, :26].max() == 0 and alpha[:, 38:].min() == 255
    plain = np.full((24, 32, 3), (200, 120, 40), np.uint8)
    expected = np.asarray(loaded.enlarge(Image.fromarray(plain)))
    seen = np.asarray(found)[..., :3][alpha > 0]
    assert np.abs(seen.astype(int) - expected[alpha > 0]).max() <= 8  # black would be a hundred


def test_a_network_without_numbers_is_refused(tmp_path: Path) -> None:
    tensors = upscalers.srvgg(2)
    tensors["body.0.bias"][0] = float("nan")
    loaded = LoadedUpscaler(upscalers.write(tmp_path / "x.safetensors", tensors))
    with pytest.raises(SdcliError, match="gives no numbers"):
        loaded.enlarge(image(8, 8))


def test_other_architectures_are_spandrels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = upscalers.write(tmp_path / "x.safetensors", {"layers.0.attn.x": torch.ones(3, 3)})
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(BadRequest, match="spandrel cannot be used") as caught:
        LoadedUpscaler(path)
    assert 'pip install "sdcli[spandrel]"' in caught.value.hint


def test_what_spandrel_wants_of_a_size_is_given_and_taken_away_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []

    class Model(torch.nn.Module):
        scale, purpose, input_channels, output_channels, supports_half = 2, "SR", 3, 3, True
        size_requirements = SimpleNamespace(minimum=16, multiple_of=12, square=True)

        def __init__(self, state: dict[str, torch.Tensor]) -> None:
            super().__init__()
            self.model = torch.nn.Linear(1, 1)
            assert state["layers.0.attn.x"].shape == (3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            shapes.append(tuple(x.shape))
            return x.repeat_interleave(2, -1).repeat_interleave(2, -2)

    fake = ModuleType("spandrel")
    fake.UnsupportedModelError = ArithmeticError  # type: ignore[attr-defined]
    fake.ModelLoader = lambda device: SimpleNamespace(load_from_state_dict=Model)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spandrel", fake)
    path = upscalers.write(tmp_path / "x.safetensors", {"layers.0.attn.x": torch.ones(3, 3)})
    shown = pixels(10, 30)
    found = LoadedUpscaler(path).enlarge_pixels(shown)
    assert shapes == [(1, 3, 36, 36)]
    assert torch.equal(found, shown.repeat_interleave(2, -1).repeat_interleave(2, -2))
    monkeypatch.setattr(Model, "purpose", "FaceSR")
    with pytest.raises(BadRequest, match="a model for FaceSR from 3 channels to 3"):
        LoadedUpscaler(path)
