"""The second pass drawn: against A1111's formulas written apart, and beside everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from sdcli.engine.denoise import call_unet, predict_branches
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.passes import DrawnLatents, sampling_for_plan
from sdcli.engine.pipeline import encode_pixels
from sdcli.engine.session import Session
from sdcli.engine.upscaler import LoadedUpscaler
from sdcli.events import SilentListener, Step
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Control, Draw, Request
from tests.helpers import controls, upscalers

SMALL = {"steps": 3, "width": 64, "height": 48, "seed": 7, "dtype": "fp32", "device": "cpu"}


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def plan_of(model: Path, drawing: Draw, **said: Any) -> Plan:
    return make_plan(
        Request(drawing, "a fox", model=str(model), scheduler="euler", **SMALL, **said)
    )


class Steps(SilentListener):
    """Keeps the steps that are told."""

    def __init__(self) -> None:
        self.told: list[Step] = []

    def on_step(self, step: Step) -> None:
        self.told.append(step)


def draw(session: Session, plan: Plan, listener: SilentListener) -> DrawnLatents:
    loaded = session.load(plan, listener)
    return session.draw_one(plan, loaded, session.prepare(plan, loaded, listener), listener)


def by_hand(session: Session, plan: Plan, larger: torch.Tensor, levels: int, steps: int) -> Any:
    """Euler from the enlarged latents on, over the last steps of a schedule of so many."""
    loaded = session.load(plan, SilentListener())
    bare = replace(plan, task=replace(plan.task, hires=""), steps=levels)
    inputs = session.prepare(bare, loaded, SilentListener())
    sampling = sampling_for_plan(bare)
    noise = torch.randn(larger.shape, generator=torch.Generator().manual_seed(plan.seed))
    x = larger + noise * sampling.levels[-steps - 1]
    for index in range(levels - steps, levels):
        now, then = sampling.levels[index : index + 2]
        with torch.inference_mode():
            branches = predict_branches(call_unet(loaded.pipe), sampling, x, index, inputs, 0.5)
            x0 = sampling.predict_clean(inputs.combine(branches), index, x)
        x = x + (x - x0) / now * (then - now)
    return x


def test_latents_are_enlarged_and_denoised_as_a1111_does(session: Session, sd1: Path) -> None:
    plan = plan_of(sd1, Draw("2", "latent-bicubic", 5, 0.7))
    heard = Steps()
    drawn = draw(session, plan, heard)
    first = draw(session, replace(plan, task=replace(plan.task, hires="")), SilentListener())
    larger = interpolate(first.latents, size=(12, 16), mode="bicubic")
    expected = by_hand(session, plan, larger, levels=7, steps=5)
    assert drawn.picture.image.size == (128, 96)
    assert torch.allclose(drawn.latents, expected, atol=1e-4)
    assert [(step.index, step.of) for step in heard.told] == [(n, 8) for n in range(8)]
    assert heard.told[3].sigma == pytest.approx(sampling_for_plan(replace(plan, steps=7)).levels[2])


def test_pixels_are_enlarged_and_the_middle_is_kept(session: Session, sd1: Path) -> None:
    plan = plan_of(sd1, Draw("112x112", "nearest", hires_strength=0.0))
    drawn = draw(session, plan, SilentListener())
    first = draw(session, replace(plan, task=replace(plan.task, hires="")), SilentListener())
    pipe = session.load(plan, SilentListener()).pipe
    with torch.inference_mode():
        pixels = pipe.vae.decode(first.latents / pipe.latent_scale).sample
        levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).byte()  # cut down, not rounded
        picture = Image.fromarray(levels[0].permute(1, 2, 0).contiguous().numpy(), "RGB")
        larger = picture.resize((149, 112), Image.Resampling.NEAREST)  # 64x48 made to cover it
        for size in ((144, 112), (149, 112)):  # whole cells, then exactly
            larger = larger.resize(size, Image.Resampling.LANCZOS)
        cells = encode_pixels(pipe, image_to_pixels(larger))
    assert drawn.picture.image.size == (112, 112)
    assert torch.allclose(drawn.latents, cells[..., 2:16], atol=1e-5)  # of 18


def test_an_upscaler_enlarges_it_as_often_as_it_takes(
    session: Session, sd1: Path, tmp_path: Path
) -> None:
    file = tmp_path / "twice.safetensors"
    save_file(upscalers.srvgg(2), file)
    plan = plan_of(sd1, Draw("3", str(file), hires_strength=0.0))
    drawn = draw(session, plan, SilentListener())
    loaded = session.load(plan, SilentListener())
    first = draw(session, replace(plan, task=replace(plan.task, hires="")), SilentListener())
    with torch.inference_mode():
        pixels = loaded.pipe.vae.decode(first.latents / loaded.pipe.latent_scale).sample
        levels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).byte()
        picture = Image.fromarray(levels[0].permute(1, 2, 0).contiguous().numpy(), "RGB")
        network = LoadedUpscaler(file, "cpu")
        larger = network.enlarge(network.enlarge(picture))  # 64 pixels, 128, 256
        exactly = larger.resize((192, 144), Image.Resampling.LANCZOS)
        expected = encode_pixels(loaded.pipe, image_to_pixels(exactly))
    assert torch.allclose(drawn.latents, expected, atol=1e-5)


def test_pictures_of_a_batch_are_those_that_are_drawn_alone(session: Session, sd1: Path) -> None:
    plan = plan_of(sd1, Draw("1.5", "lanczos"), count=2, batch=2, variation_strength=0.3)
    fox, owl = replace(plan, count=1), replace(plan, prompt="an owl", count=1)
    pictures = [*session.run(plan), *session.run_together([fox, owl], 2, SilentListener())]
    alone = [*session.run(replace(plan, batch=1)), *session.run(owl)]
    assert len({picture.image.tobytes() for picture in alone}) == 3
    first, second, again, other = (picture.image for picture in pictures)
    for one, by_itself in zip((first, second, other), (each.image for each in alone), strict=True):
        assert max(high for _, high in ImageChops.difference(one, by_itself).getextrema()) <= 2
    assert max(high for _, high in ImageChops.difference(first, again).getextrema()) <= 2


def test_the_second_pass_has_words_and_sizes_of_its_own(session: Session, sdxl: Path) -> None:
    drawing = Draw("112x112", hires_prompt="an [owl:elk:1.75]", hires_steps=10)
    plan = plan_of(sdxl, drawing, cfg=5.0)
    inputs = session.prepare(plan, session.load(plan, SilentListener()), SilentListener())
    second = inputs.second
    assert second is not None and second.added is not None and inputs.added is not None
    assert inputs.added["time_ids"][0].tolist() == [48, 64, 0, 0, 48, 64]
    assert second.added["time_ids"][0].tolist() == [112, 149, 0, 0, 112, 149]  # before it is cut
    assert [stage.last_evaluation for stage in second.stages] == [7, 10]
    assert not torch.equal(second.embeds, inputs.embeds)


def test_a_controlnet_is_followed_at_the_size_that_is_drawn(
    session: Session, sd1: Path, tmp_path: Path
) -> None:
    held = {f"control_model.{name}": each for name, each in controls.tensors("sd1").items()}
    save_file(held, tmp_path / "control.safetensors")
    Image.linear_gradient("L").save(tmp_path / "map.png")
    control = Control(str(tmp_path / "control.safetensors"), tmp_path / "map.png")
    plan = plan_of(sd1, Draw("1.5"), controls=(control,))
    inputs = session.prepare(plan, session.load(plan, SilentListener()), SilentListener())
    assert inputs.second is not None
    assert inputs.controls[0].control_map.size == (64, 48)
    assert inputs.second.controls[0].control_map.size == (96, 72)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("txt2img", "a fox", "--hires-steps", 5), "`--hires-steps` is about a second pass"),
        (("txt2img", "a fox", "--hires", "9"), "`--hires 9` is out of bounds"),
        (("txt2img", "a fox", "--hires", "104x"), "`--hires`: `` is not a whole number"),
        (
            ("txt2img", "a fox", "--hires", "2", "--hires-upscaler", "latnt"),
            "there is no upscaler `latnt`",
        ),
        (("txt2img", "a fox", "--hires", "2", "--hires-scheduler", "eular"), "`eular`"),
        (("txt2img", "a fox", "--hires", "2", "--hires-strength", 0.001), "which are too many"),
        (("txt2img", "a fox", "--hires", "8", "-W", 4096), "would be enlarged to 32768x"),
        (("txt2img", "a fox", "--hires", "2", "--hires-prompt", "<lora:x:1>"), "names others"),
        (("txt2img", "a fox", "--hires", "2", "--hires-prompt", "(a:1.2.3)"), "is no weight"),
        (("img2img", "a fox", "--image", "x.png", "--hires", "2"), "--hires"),
        (("trace", "a fox", "--hires", "2"), "a trace follows one denoising"),
    ],
)
def test_what_cannot_be_done_is_refused(sdcli: Callable[..., Any], words: Any, why: str) -> None:
    ran = sdcli(*words)
    assert ran.code == 2
    assert why in ran.err and "hint: " in ran.err


def test_memory_that_runs_out_in_the_second_pass_is_survived(
    sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoding between the passes asks for more than there is: with the VAE in tiles both passes
    are drawn again."""
    own = Session()
    plan = plan_of(sd1, Draw(hires="96x80", hires_upscaler="lanczos"))
    expected = next(own.run(plan)).image
    vae = own.load(plan, SilentListener()).pipe.vae
    real, heard = vae.decode, Steps()

    def hungry(*args: object, **more: object) -> object:
        if not vae.use_tiling:
            torch.empty(2**55)
        return real(*args, **more)

    monkeypatch.setattr(vae, "decode", hungry)
    picture = next(own.run(plan, heard))
    assert picture.provenance.events == ("out of memory: VAE in tiles",)
    assert picture.image.tobytes() == expected.tobytes()  # small enough for one tile
    assert [step.index for step in heard.told] == [0, 1, 2, 0, 1, 2, 3, 4, 5]
