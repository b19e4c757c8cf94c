"""Few-step files are known by their names, and only they."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcli.schedulers.names import find_scheduler
from sdcli.weights.few_step import _ROWS, recognise_few_step
from sdcli.weights.safetensors import Header

pytestmark = pytest.mark.slow


def named(name: str, **metadata: str) -> Header:
    return Header(Path(name), "safetensors", {}, metadata)


@pytest.mark.parametrize(
    ("name", "title", "scheduler", "steps", "cfg"),
    [
        ("sdxl_lightning_4step.safetensors", "SDXL-Lightning", "euler-trailing", 4, 1),
        ("sdxl_lightning_8step_lora.safetensors", "SDXL-Lightning", "euler-trailing", 8, 1),
        ("sdxl_lightning_1step_x0.safetensors", "SDXL-Lightning of one step", "euler-trailing", 1, 1),
        ("Hyper-SDXL-8steps-lora.safetensors", "Hyper-SD", "ddim-trailing", 8, 1),
        ("Hyper-SD15-2steps-lora.safetensors", "Hyper-SD", "ddim-trailing", 2, 1),
        ("Hyper-SDXL-12steps-CFG-lora.safetensors", "Hyper-SD with guidance", "ddim-trailing", 12, 6),
        ("Hyper-SDXL-1step-lora.safetensors", "Hyper-SD for any number of steps", "tcd", 4, 1),
        ("dmd2_sdxl_4step_unet_fp16.safetensors", "DMD2", "lcm-trailing", 4, 1),
        ("dmd2_sdxl_4step_lora.safetensors", "DMD2", "lcm-trailing", 4, 1),
        ("sd_xl_turbo_1.0_fp16.safetensors", "SDXL Turbo", "euler-a-trailing", 4, 1),
        ("sd_turbo.safetensors", "SD Turbo", "euler-trailing", 4, 1),
        ("lcm-lora-sdv1-5.safetensors", "LCM", "lcm", 6, 1),
        ("TCD-SDXL-LoRA.safetensors", "TCD", "tcd", 4, 1),
        ("pcm_sdxl_normalcfg_8step_converted.safetensors", "PCM with guidance", "ddim-trailing", 8, 6),
        ("pcm_sd15_smallcfg_2step_converted.safetensors", "PCM", "ddim-trailing", 2, 1.5),
        ("builtin-few.safetensors", "the built-in model in few steps", "euler-trailing", 4, 1),
        ("DreamShaperXL_Lightning.safetensors", "a model merged with Lightning or Turbo",
         "dpm++sde-karras", 6, 2),
    ],
)  # fmt: skip
def test_known_files(name: str, title: str, scheduler: str, steps: int, cfg: float) -> None:
    found = recognise_few_step(named(name), checkpoint=True)
    assert found is not None
    assert (found.title, found.scheduler, found.steps, found.cfg) == (title, scheduler, steps, cfg)


def test_a_title_inside_tells_as_much_as_a_name() -> None:
    found = recognise_few_step(
        named("model.safetensors", **{"modelspec.title": "SDXL Lightning 4-step"}), checkpoint=True
    )
    assert found is not None and found.steps == 4


@pytest.mark.parametrize(
    ("name", "checkpoint"),
    [
        ("sd15.safetensors", True),
        ("lightning_storms_xl.safetensors", False),
        ("hyperrealism_sdxl.safetensors", True),
        ("turbocharged-cars.safetensors", False),
        ("tcd.safetensors", True),
        ("builtin.safetensors", True),
        ("sdxl_lightning_1step_x0.safetensors", False),
    ],
)
def test_others_are_left_alone(name: str, checkpoint: bool) -> None:
    assert recognise_few_step(named(name), checkpoint=checkpoint) is None


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.title)
def test_every_row_names_a_scheduler(row: object) -> None:
    assert find_scheduler(row.scheduler) == row.scheduler  # type: ignore[attr-defined]
