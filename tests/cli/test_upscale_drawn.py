"""`sdcli upscale --with` an SD x4 upscaler: it draws what diffusers' pipeline draws, of any picture."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMScheduler,
    StableDiffusionUpscalePipeline,
    UNet2DConditionModel,
)
from diffusers.loaders import single_file_utils as conversion
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.metadata.record import read_picture_metadata
from sdcli.planning.resolve import make_plan
from sdcli.request import Enlarge, Request
from tests.helpers import tiny, upscalers

SCHEDULE = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}


@pytest.fixture(scope="module")
def x4(checkpoints: Callable[[str], Path]) -> Path:
    """A tiny one of SD's x4 upscalers."""
    return checkpoints("sd2-upscale")


def small_picture(path: Path, width: int = 24, height: int = 16, alpha: bool = False) -> Path:
    """Waves, in colour."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / 5 + k) * np.cos(y / 4 - k) for k in range(3)]
    image = Image.fromarray(np.stack(waves, -1).astype(np.uint8))
    if alpha:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(path)
    return path


def pipeline_of(layout: tiny.Layout) -> StableDiffusionUpscalePipeline:
    """diffusers' pipeline with the same weights, put into its modules by its own conversion."""
    tensors = tiny.tensors(layout)
    config = {
        "in_channels": 7,
        "block_out_channels": layout.widths,
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "only_cross_attention": (True, True, False),
        "attention_head_dim": 8,
        "cross_attention_dim": layout.context,
        "use_linear_projection": True,
        "num_class_embeds": 1000,
    }
    unet = UNet2DConditionModel(**config)
    unet.load_state_dict(conversion.convert_ldm_unet_checkpoint(dict(tensors), dict(unet.config)))
    vae = AutoencoderKL(
        block_out_channels=layout.vae_widths,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        norm_num_groups=8,
        scaling_factor=0.08333,
    )
    vae.load_state_dict(conversion.convert_ldm_vae_checkpoint(dict(tensors), dict(vae.config)))
    return StableDiffusionUpscalePipeline(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        low_res_scheduler=DDPMScheduler(**SCHEDULE),
        scheduler=DDIMScheduler(
            **SCHEDULE,
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            prediction_type="v_prediction",
        ),
    )


def test_it_draws_what_diffusers_draws_from_the_same_seed(
    sdcli: Callable, tmp_path: Path, x4: Path
) -> None:
    small = small_picture(tmp_path / "small.png")
    words = ("--prompt", "a fox", "--negative", "fog", "--steps", 5, "--cfg", 3, "--seed", 11)
    ran = sdcli("upscale", small, "--with", x4, *words, "--noise-level", 120, "-o", "large.png")
    assert (ran.code, ran.out) == (0, "large.png\n"), ran.err
    plan = read_picture_metadata(Path("large.png")).plan
    assert plan is not None and plan.task.noise_level == 120
    model = replace(plan.model, path=x4)
    plan, session = replace(plan, model=model, vae=model), Session()
    inputs = session.prepare(plan, session.load(plan, SilentListener()), SilentListener())
    negative, positive = inputs.embeds.chunk(2)
    pipe = pipeline_of(tiny.LAYOUTS["sd2-upscale"])
    pipe.set_progress_bar_config(disable=True)
    judged = pipe(
        image=Image.open(small),
        prompt_embeds=positive,
        negative_prompt_embeds=negative,
        num_inference_steps=5,
        guidance_scale=3.0,
        noise_level=120,
        generator=torch.Generator().manual_seed(11),
    ).images[0]
    found = Image.open("large.png")
    assert found.size == judged.size == (96, 64)
    off = np.abs(np.asarray(found, np.float32) - np.asarray(judged, np.float32))
    assert off.max() <= 1 and np.asarray(judged).std() > 10


def test_any_size_and_what_is_transparent_and_drawn_again(
    sdcli: Callable, tmp_path: Path, x4: Path
) -> None:
    small_picture(tmp_path / "odd.png", 13, 9, alpha=True)
    ran = sdcli("upscale", "odd.png", "--with", x4, "--to", "33", "--steps", 2, "--json", "-q")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert (told["path"], told["upscaler"]) == ("outputs/odd-33x23.png", str(x4))
    drawn = Image.open(told["path"])
    assert (drawn.mode, drawn.size) == ("RGBA", (33, 23))
    low, high = drawn.getchannel("A").getextrema()
    assert low < 60 and high > 190
    again = sdcli("reproduce", told["path"], "--exact", "-o", "again/")
    assert again.code == 0 and "identical, every pixel" in again.err
    (copy,) = Path("again").iterdir()
    assert Image.open(copy).tobytes() == drawn.tobytes()
    command = json.loads(sdcli("show", told["path"], "--json").out)["command"]
    _, *typed = shlex.split(command)
    assert typed[0] == "upscale" and "--scale" in typed and "--set" not in typed
    assert sdcli(*typed, "-o", "typed.jpg", "-q").code == 0  # which knows no transparency
    typed_plan = read_picture_metadata(Path("typed.jpg")).plan
    assert typed_plan == read_picture_metadata(Path(told["path"])).plan


def test_larger_pictures_go_through_in_tiles_without_a_seam(
    sdcli: Callable, tmp_path: Path, x4: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[int, ...]] = set()
    real = torch.nn.Conv2d.forward

    def watch(self: torch.nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        if self.in_channels in (4, 7):  # the doors of the decoder and of the U-Net
            seen.add(tuple(x.shape[-2:]))
        return real(self, x)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", watch)
    small_picture(tmp_path / "wide.png", 64, 24)

    def enlarged(picture: str, seed: int) -> np.ndarray:
        words = ("--set", "fused-tiles=64", "--steps", 4, "--seed", seed, "-o", f"{seed}.png")
        ran = sdcli("upscale", picture, "--with", x4, *words)
        assert ran.code == 0, ran.err
        return np.asarray(Image.open(f"{seed}.png"), dtype=np.float32)

    whole = enlarged("wide.png", 1)
    assert seen == {(16, 16)} and whole.shape == (96, 256, 3)
    edges = range(8, 64, 8)  # wherever a tile may begin or end
    assert seam(whole, edges) < 1.2
    wide = Image.open("wide.png")
    for side, left in (("left.png", 0), ("right.png", 32)):
        wide.crop((left, 0, left + 32, 24)).save(side)
    halves = np.concatenate([enlarged("left.png", 2), enlarged("right.png", 3)], 1)
    assert seam(halves, range(32, 33)) > 1.3


def seam(pixels: np.ndarray, places: range) -> float:
    """How much more grey levels change from column to column at these places of the small picture
    than they do elsewhere."""
    steps = np.abs(np.diff(pixels, axis=1)).mean(axis=(0, 2))
    edges = [4 * place - 1 for place in places]
    return float(steps[edges].mean() / np.delete(steps, edges).mean())


def test_the_words_of_a_picture_are_taken_without_its_loras(
    sdcli: Callable, tmp_path: Path, x4: Path
) -> None:
    small = small_picture(tmp_path / "cat.png", 8, 8)
    texts = PngInfo()
    told = (
        "a cat <lora:ink:1>\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, Size: 8x8, Seed: 3"
    )
    texts.add_text("parameters", told)
    Image.open(small).save(small, pnginfo=texts)
    ran = sdcli("upscale", small, "--with", x4, "--steps", 1, "-o", "large.png")
    assert ran.code == 0, ran.err
    plan = read_picture_metadata(Path("large.png")).plan
    assert plan is not None
    assert (plan.prompt.strip(), plan.negative, plan.seed) == ("a cat", "fog", 3)
    assert (plan.steps, plan.cfg, plan.scheduler, plan.task.noise_level) == (1, 9, "ddim", 20)


def test_several_are_drawn_together_each_with_its_own_noise(tmp_path: Path, x4: Path) -> None:
    small = small_picture(tmp_path / "a.png", 8, 8)
    asked = Request(Enlarge(small), "a fox", model=str(x4), steps=2, seed=4, dtype="fp32")
    session = Session()
    together = [*session.run(make_plan(replace(asked, count=2, batch=2)))]
    alone = next(session.run(make_plan(replace(asked, seed=5))))
    first, second = (np.asarray(one.image, np.float32) for one in together)
    assert np.abs(second - np.asarray(alone.image, np.float32)).max() <= 1
    assert np.abs(first - second).mean() > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--noise-level", "351"), "`--noise-level 351` is out of bounds"),
        (("--scale", "5"), "draws pictures 4 times as large, and this is to become 5 times"),
        (("--refine", "0.3"), "draws already"),
        (("-m", "x"), "`--model` is for `--refine`"),
        (("--control", "x"), "`--control` is for `--refine`"),
        (("--set", "model=x"), "`model` is not for `--set` to say here"),
        (("--set", "count=2"), "`count` is not for `--set` to say here"),
        (("--set", "tiling=xy"), "`tiling` has no meaning where a model enlarges a picture"),
        (("--set", "control=x:y"), "`control` has no meaning"),
        (("--set", "hires=2"), "`hires` cannot apply to a picture enlarged by a model that draws"),
        (("--set", "width=64"), "is drawn at 32x32, and no other size"),
        (("--steps", "3", "--set", "steps=4"), "`--steps` and `--set steps` say the same"),
        (("--set", "lora=builtin:blueprint"), "blueprint"),
    ],
)
def test_what_cannot_be_is_refused(
    sdcli: Callable, tmp_path: Path, x4: Path, words: tuple[str, ...], said: str
) -> None:
    small_picture(tmp_path / "a.png", 8, 8)
    ran = sdcli("upscale", "a.png", "--with", x4, *words)
    assert ran.code == 2 and said in ran.err and "hint: " in ran.err, ran.err
    assert not list(tmp_path.rglob("a-*"))


def test_a_network_is_told_nothing_of_drawing(sdcli: Callable, tmp_path: Path) -> None:
    file = upscalers.write(tmp_path / "fine.safetensors", upscalers.srvgg(2))
    small_picture(tmp_path / "a.png", 8, 8)
    for words in (("--steps", "3"), ("--seed", "1"), ("--negative", "x"), ("--cfg", "2")):
        ran = sdcli("upscale", "a.png", "--with", file, *words)
        assert ran.code == 2 and f"`{words[0]}` is for `--refine`" in ran.err and "hint" in ran.err
    for more in ((), ("--refine", "0.3")):
        ran = sdcli("upscale", "a.png", "--with", file, "--noise-level", "3", *more)
        assert ran.code == 2 and "`noise-level` is for an SD x4 upscaler" in ran.err


def test_it_only_makes_pictures_larger(
    sdcli: Callable, tmp_path: Path, x4: Path, sd1: Path
) -> None:
    small_picture(tmp_path / "a.png", 8, 8)
    for words in (("txt2img", "a fox"), ("img2img", "a fox", "--image", "a.png")):
        ran = sdcli(*words, "-m", x4, "--dry-run")
        assert ran.code == 2 and "only makes pictures larger" in ran.err
        assert f"hint: `sdcli upscale PICTURE --with {x4.name}`" in ran.err
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--hires", "2", "--hires-upscaler", x4)
    assert ran.code == 2 and "x4 upscaler, which draws" in ran.err and "ESRGAN" in ran.err
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--vae", x4)
    assert ran.code == 2 and "a VAE for pictures 4 times as large as their latents" in ran.err
    shown = sdcli("show", x4).out
    assert "Stable Diffusion 2 x4 upscaler" in shown
