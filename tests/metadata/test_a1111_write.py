"""What other programs are told of a plan, as programs that nobody here wrote understand it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from sd_parsers import ParserManager

from sdcli import plan
from sdcli.metadata import a1111_format as infotext
from sdcli.metadata import a1111_write as parameters
from sdcli.metadata import record as metadata
from sdcli.metadata.readers import a1111
from sdcli.options.parse import Real, Size, Toggle, Word
from sdcli.options.table import OPTIONS, Option
from sdcli.plan import Draw, Plan
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.schedulers.names import (
    SCHEDULERS,
    a1111_sampler_and_schedule,
    find_sampler_with_schedule,
)
from tests.helpers import plans

PILLOW = {"png": "PNG", "jpg": "JPEG"}


@pytest.mark.parametrize("ending", PILLOW)
def test_another_program_reads_it(tmp_path: Path, ending: str) -> None:
    wanted = plans.a_plan(prompt='a "fox", \n狐 (red:1.2)', negative="blurry: very", cfg=7.5)
    picture = plans.a_picture(wanted)
    path = tmp_path / f"fox.{ending}"
    picture.image.save(path, PILLOW[ending], **metadata.metadata_save_options(picture, ending))
    found = ParserManager().parse(path)
    assert found is not None
    (sampler,) = found.samplers
    assert sampler.name == "Euler a"
    assert [prompt.value for prompt in sampler.prompts] == [wanted.prompt]
    assert [prompt.value for prompt in sampler.negative_prompts] == [wanted.negative]
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("fox", "ababababab")
    assert sampler.parameters["cfg_scale"] == "7.5"
    assert sampler.parameters["seed"] == "42"
    assert sampler.parameters["steps"] == "20"


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_is_read_back(name: str) -> None:
    sampler, schedule = a1111_sampler_and_schedule(name)
    assert find_sampler_with_schedule(sampler, schedule or None) == name


def test_what_that_program_has_a_name_for() -> None:
    lora = plan.Lora(plan.File(Path("ink.safetensors"), "cd" * 32), 0.8, 0.5, 1.0)
    word = plan.Embedding(plan.File(Path("bad.pt"), "ef" * 32), "bad", 2)
    fields = {
        "task": plan.Redraw(plan.File(Path("a.png"), "00" * 32), 0.6),
        "vae": plan.File(Path("kl.pt"), "12" * 32),
        "scheduler": "dpm++2m-karras",
        "clip_skip": 2,
        "rng": "nv",
        "ensd": 31337,
        "variation_strength": 0.25,
        "variation_seed": 9,
        "seed_resize": "512x768",
        "emphasis": "no-norm",
        "loras": (lora,),
        "embeddings": (word,),
    }
    info = infotext.parse_infotext(parameters.write_infotext(plans.a_plan(**fields)))
    assert info.prompt == "a red fox <lora:ink:0.5:0.8>"
    assert (
        info.fields
        | {
            "Sampler": "DPM++ 2M",
            "Schedule type": "Karras",
            "Denoising strength": "0.6",
            "VAE": "kl.pt",
            "VAE hash": "1212121212",
            "Clip skip": "2",
            "RNG": "NV",
            "ENSD": "31337",
            "Variation seed": "9",
            "Variation seed strength": "0.25",
            "Seed resize from": "512x768",
            "Emphasis": "No norm",
            "Lora hashes": "ink: cdcdcdcdcdcd",
            "TI hashes": "bad: efefefefefef",
        }
        == info.fields
    )


def some_values(option: Option) -> Sequence[object]:
    match option.parse:
        case Word() as word:
            return word.words
        case Toggle():
            return (False, True)
        case Size():
            return ("512x768",)
        case Real():
            return (0.5, 1.0)
        case _:
            return (1, 3)


@pytest.mark.parametrize(
    "option",
    [each for each in OPTIONS.values() if each.a1111_values and each.of == "request"],
    ids=lambda each: each.name,
)
def test_an_option_with_a_name_there_is_written_and_read_back(option: Option) -> None:
    for value in some_values(option):
        written = parameters.write_infotext(plans.a_plan(**{option.field: value}))
        info = infotext.parse_infotext(written.replace("Version: sdcli", "Version: v1.10.0 after"))
        assert info.fields.get(option.a1111, "") == option.a1111_text(value)
        found = a1111.picture_from_infotext(info)
        assert not any(option.a1111 in line for line in found.unmatched)
        if option.a1111_text(value) and option.name != "prompt-syntax":
            assert getattr(found.request, option.field) == value


@pytest.mark.parametrize(
    "drawing",
    [
        Draw("2", "lanczos", 12, 0.45, "", 0.0, "", ""),
        Draw("1.5", "latent-bicubic", 0, 0.7, "dpm++2m-karras", 5.0, "a fox, asleep", "rain"),
        Draw("1024x0", "latent", 0, 0.0, "euler", 0.0, "", ""),
    ],
)
def test_a_second_pass_is_written_and_read_back(drawing: Draw) -> None:
    wanted = plans.a_plan(task=drawing, scheduler="euler-karras")
    info = infotext.parse_infotext(parameters.write_infotext(wanted))
    assert info.fields["Size"] == "64x64"  # the first pass's
    found = a1111.picture_from_infotext(info)
    assert not found.unmatched
    assert found.request.task == plan_to_request(wanted).task
    assert not any(name.startswith("Hires") for name in fields_of(plans.a_plan()))


def fields_of(plan: Plan) -> Mapping[str, str]:
    return infotext.parse_infotext(parameters.write_infotext(plan)).fields


def test_old_timelines_are_written_and_read_back() -> None:
    wanted = plans.a_plan(prompt="a [red:blue:1.5] fox", syntax="a1111-1.5", downcast_alphas=True)
    info = infotext.parse_infotext(parameters.write_infotext(wanted))
    assert info.fields["Old prompt editing timelines"] == "True"
    assert info.fields["Downcast alphas_cumprod"] == "True"
    found = a1111.picture_from_infotext(info).request
    assert (found.syntax, found.downcast_alphas) == ("a1111-1.5", True)


def test_brackets_that_are_letters_are_told_to_that_program() -> None:
    for syntax, said in (("a1111-unweighted", "None"), ("plain", "None"), ("a1111", "")):
        text = parameters.write_infotext(plans.a_plan(syntax=syntax))
        assert infotext.parse_infotext(text).fields.get("Emphasis", "") == said


def test_the_same_request_comes_back() -> None:
    wanted = plans.a_plan(scheduler="dpm2-a-karras", rng="nv", clip_skip=2)
    found = a1111.picture_from_infotext(infotext.parse_infotext(parameters.write_infotext(wanted)))
    assert not found.unmatched
    assert found.program == "sdcli"
    asked = found.request
    for name in ("prompt", "negative", "scheduler", "steps", "cfg", "seed", "width", "rng"):
        assert getattr(asked, name) == getattr(wanted, name)
