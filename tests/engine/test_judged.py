"""Edits and ControlNets beside diffusers' own pipelines: the same latents from the same noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_instruct_pix2pix import (
    StableDiffusionInstructPix2PixPipeline,
)
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from PIL import Image
from safetensors.torch import save_file

from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.planning.resolve import make_plan
from sdcli.request import Control, Draw, Edit, Request, Task
from tests.helpers import controls

STEPS, CFG, SEED = 3, 5.0, 3
WITHOUT = ("text_encoder", "tokenizer", "safety_checker", "feature_extractor")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    y, x = np.mgrid[:64, :64]
    waves = np.stack([128 + 100 * np.sin(x / 5), 128 + 100 * np.cos(y / 7), x * 3], 2)
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def drawn(model: Path, task: Task, **more: Any) -> tuple[Any, Any, torch.Tensor]:
    """Our pipeline, what its U-Net was given, and the latents at the end."""
    usual = {"scheduler": "euler", "steps": STEPS, "cfg": CFG, "seed": SEED, "dtype": "fp32"}
    size = {"width": 64, "height": 64}
    asked = Request(task, "snow", model=str(model), device="cpu", **usual, **size, **more)
    resolved, session = make_plan(asked), Session()
    loaded = session.load(resolved, SilentListener())
    given = session.prepare(resolved, loaded, SilentListener())
    return loaded.pipe, given, session.draw_one(resolved, loaded, given, SilentListener()).latents


def judged(
    kind: Callable[..., Any], pipe: Any, embeds: torch.Tensor, photo: Path, **more: Any
) -> Any:
    """The same by diffusers: its modules are ours, the loop and the guidance are its own."""
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
    )
    modules = {"vae": pipe.vae, "unet": pipe.unet, "scheduler": scheduler}
    network = {"controlnet": more.pop("controlnet")} if "controlnet" in more else {}
    theirs = kind(**modules, **network, **dict.fromkeys(WITHOUT), requires_safety_checker=False)
    theirs.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(SEED))
    return theirs(
        prompt_embeds=embeds[-1:],
        negative_prompt_embeds=embeds[:1],
        image=Image.open(photo),
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        latents=noise,
        output_type="latent",
        **more,
    ).images


def test_an_edit_is_the_one_that_diffusers_makes(photo, checkpoints):
    pipe, given, ours = drawn(checkpoints("sd1-edit"), Edit(photo, 1.7))
    kind = StableDiffusionInstructPix2PixPipeline
    theirs = judged(kind, pipe, given.embeds, photo, image_guidance_scale=1.7)
    assert (ours - theirs).abs().max() <= 1e-4 * ours.abs().max()


def test_a_control_steers_as_it_does_in_diffusers(photo, checkpoints, tmp_path):
    path = tmp_path / "control.safetensors"
    save_file({f"control_model.{n}": t for n, t in controls.tensors("sd1").items()}, path)
    followed = Control(str(path), photo, weight=0.7, end=0.67)
    pipe, given, ours = drawn(checkpoints("sd1"), Draw(), controls=(followed,))
    theirs = judged(
        StableDiffusionControlNetPipeline,
        pipe,
        given.embeds,
        photo,
        controlnet=given.controls[0].network,
        controlnet_conditioning_scale=0.7,
        control_guidance_end=0.67,
    )
    assert (ours - theirs).abs().max() <= 1e-4 * ours.abs().max()
