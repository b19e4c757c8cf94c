"""`sdcli upscale`: pictures made larger, with all that they carry."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.metadata.record import hash_pixels, read_picture_metadata
from sdcli.picture import Picture, Provenance
from sdcli.upscale.refine import keep_transparency
from tests.helpers import upscalers
from tests.helpers.plans import a_plan

TENSORS = upscalers.srvgg(2)


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random upscaler, two times."""
    return upscalers.write(tmp_path_factory.mktemp("upscaler") / "Fine 2x.safetensors", TENSORS)


def noise(width: int = 20, height: int = 16, seed: int = 0) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def picture(path: Path, **changes: object) -> Path:
    """Noise that says it was drawn from a plan."""
    return Picture(noise(), a_plan(**changes), Provenance("cpu", "fp32", 1.0)).save(path)


def test_a_picture_of_ours_is_enlarged_and_keeps_what_it_carries(
    sdcli: Callable, tmp_path: Path, upscaler: Path
) -> None:
    small = picture(tmp_path / "fox.png", prompt="a fox", seed=5)
    ran = sdcli("upscale", small, "--with", upscaler)
    assert (ran.code, ran.out) == (0, "outputs/fox-40x32.png\n"), ran.err
    large = Image.open("outputs/fox-40x32.png")
    shown = torch.from_numpy(np.array(noise(), np.float32) / 255).permute(2, 0, 1)[None]
    expected = upscalers.draw_srvgg(TENSORS, shown)[0].permute(1, 2, 0).clamp(0, 1) * 255
    assert np.abs(np.asarray(large) - expected.numpy()).max() < 0.6
    before, after = read_picture_metadata(small), read_picture_metadata(Path(large.filename))
    assert (after.plan, after.provenance, after.pixels) == (
        before.plan,
        before.provenance,
        before.pixels,
    )
    (step,) = after.enlarged
    assert (step.size, str(step.upscaler.path)) == ("40x32", upscaler.name)
    assert step.pixels == hash_pixels(large)
    assert after.texts["parameters"] == (
        before.texts["parameters"] + ", Postprocess upscale by: 2, Postprocess upscaler: Fine 2x"
    )
    again = sdcli("upscale", large.filename, "--with", upscaler, "--scale", "1.5", "-o", "big.webp")
    assert again.code == 0, again.err
    twice = read_picture_metadata(Path("big.webp"))
    assert [one.size for one in twice.enlarged] == ["40x32", "60x48"]
    assert twice.plan == before.plan


def test_what_others_wrote_is_kept(sdcli: Callable, tmp_path: Path, upscaler: Path) -> None:
    texts = PngInfo()
    texts.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a, Size: 20x16, Seed: 3")
    texts.add_text("workflow", '{"nodes": []}')
    noise().save(tmp_path / "cat.png", pnginfo=texts)
    noise().save(tmp_path / "none.jpg", quality=95)
    ran = sdcli(
        "upscale", "cat.png", "none.jpg", "--with", upscaler, "--to", "30", "-o", "{name}.png"
    )
    assert ran.code == 2 and "`cat.png` exists" in ran.err  # nothing of ours is replaced
    ran = sdcli("upscale", "cat.png", "none.jpg", "--with", upscaler, "--to", "30", "-o", "x/")
    assert ran.code == 0, ran.err
    assert ran.out.split() == ["x/cat-30x24.png", "x/none-30x24.png"]
    kept = Image.open("x/cat-30x24.png").info
    assert kept["workflow"] == '{"nodes": []}'
    assert kept["parameters"].endswith(
        "Seed: 3, Postprocess upscale to: 30x24, Postprocess upscaler: Fine 2x"
    )
    assert Image.open("x/none-30x24.png").info["parameters"].startswith("Postprocess upscale to")
    bare = sdcli("upscale", "cat.png", "--with", upscaler, "--no-metadata", "-o", "bare.png")
    assert bare.code == 0 and not Image.open("bare.png").info


def test_a_damaged_picture_is_named_and_the_others_are_enlarged(
    sdcli: Callable, tmp_path: Path, upscaler: Path
) -> None:
    noise().save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    Image.new("LA", (3, 5), (90, 128)).save(tmp_path / "c.png")
    ran = sdcli("upscale", tmp_path, "--with", upscaler, "--json", "-o", "out/")
    assert ran.code == 3
    assert "the picture `b.png` is damaged" in ran.err
    assert "1 of 3 pictures could not be enlarged" in ran.err
    first, last = map(json.loads, ran.out.splitlines())
    assert (first["width"], first["height"], first["events"]) == (40, 32, [])
    assert last["path"] == "out/c-6x10.png" and Image.open(last["path"]).mode == "RGBA"
    alone = sdcli("upscale", "b.png", "--with", upscaler)
    assert alone.code == 2 and alone.err.startswith("error: the picture `b.png` is damaged")


def test_what_would_be_done_is_said_without_doing_it(
    sdcli: Callable, tmp_path: Path, upscaler: Path
) -> None:
    noise().save(tmp_path / "a.png")
    ran = sdcli("upscale", "a.png", "--with", upscaler, "--scale", "3", "--dry-run")
    assert ran.out.splitlines()[1].split() == ["a.png", "20x16", "60x48", "outputs/a-60x48.png"]
    assert not Path("outputs").exists()
    ran = sdcli("upscale", "a.png", "--with", upscaler, "--dry-run", "--json")
    assert json.loads(ran.out)["width"] == 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scale", "2", "--to", "64"), "`--scale` and `--to` both say how large it becomes"),
        (("--scale", "99"), "`--scale`: 99 is out of bounds"),
        (("--to", "64x"), "`--to 64x` is no size"),
        (("--to", "0"), "`--to`: 0 is out of bounds"),
        (("--with", "nowhere.pth"), "there is no upscaler `nowhere.pth`"),
        (("-o", "x.bmp"), "ends like no picture that can be written"),
        (("-o", "{seed}.png"), "is not a template that can be filled"),
    ],
)
def test_what_cannot_be_is_refused(
    sdcli: Callable, tmp_path: Path, upscaler: Path, words: tuple[str, ...], said: str
) -> None:
    noise().save(tmp_path / "a.png")
    ran = sdcli("upscale", "a.png", "--with", upscaler, *words)
    assert ran.code == 2 and said in ran.err and "hint: " in ran.err


def test_a_file_that_is_no_upscaler_is_named_with_what_it_is(
    sdcli: Callable, tmp_path: Path, sd1: Path
) -> None:
    noise().save(tmp_path / "a.png")
    ran = sdcli("upscale", "a.png", "--with", sd1)
    assert ran.code == 2 and "is a checkpoint, not an upscaler" in ran.err


def test_an_upscaler_is_shown_and_found_by_its_name(
    sdcli: Callable, own_folders: Path, upscaler: Path
) -> None:
    ran = sdcli("show", upscaler)
    assert "an upscaler" in ran.out and "Real-ESRGAN compact (SRVGG)" in ran.out
    assert "2 times" in ran.out
    (own_folders / "models" / "fine.safetensors").write_bytes(upscaler.read_bytes())
    noise().save("a.png")
    assert sdcli("upscale", "a.png", "--with", "fine", "-q").out == "outputs/a-40x32.png\n"


def test_the_larger_picture_is_painted_over_and_can_be_again(
    sdcli: Callable, tmp_path: Path, upscaler: Path
) -> None:
    drawn = sdcli("txt2img", "a red house", "--steps", "2", "--seed", "4", "-o", "house.png")
    assert drawn.code == 0, drawn.err
    larger = sdcli("upscale", "house.png", "--with", upscaler, "-o", "larger.png")
    assert larger.code == 0, larger.err
    again = sdcli("reproduce", "larger.png", "--exact", "-o", "again/")
    assert again.code == 0 and "identical, every pixel, before it was enlarged" in again.err
    assert "its pixels have been changed" not in again.err
    assert f"enlarged      to 384x384 by {upscaler.name}" in sdcli("show", "larger.png").out
    cut = Image.open("house.png").crop((0, 0, 96, 128))
    texts = PngInfo()
    texts.add_text("sdcli", Image.open("house.png").info["sdcli"])
    cut.save("cut.png", pnginfo=texts)
    words = ("--with", upscaler, "--refine", "0.5", "--set", "cfg=3", "--json", "-q")
    ran = sdcli("upscale", "cut.png", *words)
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["path"] == "outputs/cut-192x256.png"
    assert told["enlarged"] == "outputs/cut-192x256-enlarged.png"
    painted, enlarged = Image.open(told["path"]), Image.open(told["enlarged"])
    assert painted.size == enlarged.size == (192, 256)
    assert painted.tobytes() != enlarged.tobytes()
    carried = read_picture_metadata(Path(told["path"])).plan
    assert carried is not None
    assert (carried.prompt, carried.steps, carried.seed) == ("a red house", 2, 4)
    assert (carried.fused_tiles, carried.cfg, carried.task.strength) == (192, 3, 0.5)
    assert carried.task.image.path.name == "cut-192x256-enlarged.png"
    assert read_picture_metadata(Path(told["enlarged"])).enlarged
    assert sdcli("reproduce", told["path"], "--exact", "-q", "-o", "again/").code == 0


def test_what_is_painted_over_is_as_transparent_as_it_was(tmp_path: Path) -> None:
    cut = noise().convert("RGBA")
    cut.putalpha(Image.linear_gradient("L").resize(cut.size))
    cut.save(tmp_path / "cut.png")
    painted = Picture(noise(seed=1), a_plan(), Provenance("cpu", "fp32", 1.0))
    kept = keep_transparency(painted, tmp_path / "cut.png", transparent=True).image
    assert kept.getchannel("A").tobytes() == cut.getchannel("A").tobytes()
    assert kept.convert("RGB").tobytes() == painted.image.tobytes()
    assert keep_transparency(painted, tmp_path / "cut.png", transparent=False) is painted


def test_what_is_for_refining_alone_is_refused_without_it(
    sdcli: Callable, tmp_path: Path, upscaler: Path
) -> None:
    noise().save(tmp_path / "a.png")
    for words in (("--prompt", "x"), ("-m", "x"), ("--set", "steps=3"), ("--control", "x")):
        ran = sdcli("upscale", "a.png", "--with", upscaler, *words)
        assert ran.code == 2 and "is for `--refine`, and that is not said" in ran.err
    ran = sdcli("upscale", "a.png", "--with", upscaler, "--refine", "0.3", "-m", "nowhere")
    assert ran.code == 2 and "there is no model `nowhere`" in ran.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("count=2", "`count` is not for `--set` to say here"),
        ("tiling=xy", "`--tiling` joins the edges of a picture"),
        ("eta=1", "takes no `--eta`"),
        ("hires=2", "`hires` cannot apply"),
    ],
)
def test_what_cannot_be_refined_is_refused_before_anything_is_enlarged(
    sdcli: Callable, tmp_path: Path, upscaler: Path, change: str, said: str
) -> None:
    (tmp_path / "0.png").write_bytes(b"damaged")
    noise().save(tmp_path / "a.png")
    words = ("--with", upscaler, "--refine", "0.3", "--set", change)
    ran = sdcli("upscale", "0.png", "a.png", *words)
    assert ran.code == 2 and said in ran.err and "hint: " in ran.err, ran.err
    assert not (tmp_path / "outputs").exists()
