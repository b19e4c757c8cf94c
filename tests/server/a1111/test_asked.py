"""A1111's JSON into requests: every field is followed or refused by its name, none passed over."""

import base64
import io
import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.errors import SdcliError
from sdcli.library import find
from sdcli.library.hashes import hash_file
from sdcli.request import Draw, Redraw, Repaint, Request
from sdcli.schedulers.table import SOLVERS
from sdcli.server.dialects.a1111 import extras, fields, img2img, lists
from sdcli.server.dialects.a1111.answer import answer_failure
from sdcli.server.dialects.a1111.asked import Asked, read_txt2img
from sdcli.server.dialects.a1111.extras import enlarge_one, read_png_info
from sdcli.server.dialects.a1111.settings import SETTINGS, Settings
from sdcli.server.dialects.a1111.shelf import Shelf
from sdcli.server.http.failures import HttpFailure
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.uploads import Uploads

SHELF = Shelf(ServeSettings("builtin"))
BUILTIN = str(find.find_checkpoint("builtin"))
USUAL = Request(
    Draw(), "", negative="", steps=50, cfg=7.0, scheduler="euler", count=1, batch=1, rng="cpu"
)


@pytest.fixture(autouse=True)
def uploads_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes with requests that no job ever ends is kept in the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def txt2img(**said: Any) -> Request:
    return read_txt2img(said, Settings(), SHELF).order.request


def by_model(picture: Image.Image, file: Path, size: tuple[int, int]) -> Image.Image:
    """In the place of the process that draws: a picture that tells by its colour which file it was."""
    assert file.name == "builtin-upscaler.safetensors"
    return Image.new("RGB", size, "red")


def refused(read: Callable[[], object]) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        read()
    return caught.value


def as_text(image: Image.Image, head: str = "") -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return head + base64.b64encode(file.getvalue()).decode()


def test_what_is_left_away_is_that_programs_default_but_for_the_models_own_size() -> None:
    assert txt2img() == USUAL
    assert (USUAL.width, USUAL.height) == (None, None)


def test_what_a_request_says() -> None:
    request = txt2img(
        prompt="a fox <lora:builtin:blueprint:0.5>",
        negative_prompt="blurry",
        steps="20",
        cfg_scale=5,
        seed="7",
        width=500,
        height=130.0,
        batch_size=2,
        n_iter=3,
        sampler_name="DPM++ 2M",
        scheduler="Karras",
        override_settings={
            "CLIP_stop_at_last_layers": 2,
            "eta_noise_seed_delta": 31337,
            "randn_source": "NV",
            "sd_model_checkpoint": "builtin.safetensors",
            "sd_vae": "None",
            "emphasis": "No norm",
        },
    )
    assert request == Request(
        Draw(),
        "a fox <lora:builtin:blueprint:0.5>",
        negative="blurry",
        steps=20,
        cfg=5.0,
        seed=7,
        width=496,  # whole cells, as everywhere
        height=128,
        batch=2,
        count=6,
        scheduler="dpm++2m-karras",
        clip_skip=2,
        ensd=31337,
        rng="nv",
        model=BUILTIN,
        emphasis="no-norm",
    )


def test_another_seed_is_mixed_in_and_a_seed_resized() -> None:
    request = txt2img(
        subseed=3, subseed_strength=0.2, seed_resize_from_w=515, seed_resize_from_h=512
    )
    assert (request.variation_seed, request.variation_strength) == (3, 0.2)
    assert request.seed_resize == "512x512"
    assert txt2img(subseed=-1, subseed_strength=0.2).variation_seed is not None  # rolled
    assert txt2img(subseed=3, seed_resize_from_w=512) == USUAL
    assert txt2img(tiling=True).tiling == "xy"


def test_a_second_pass_is_asked_for() -> None:
    drawing = txt2img(enable_hr=True).task
    assert drawing == Draw("2", "latent", 0, 0.75)  # that program's defaults
    request = txt2img(
        enable_hr=True,
        hr_resize_x=1030,
        hr_scale=3,
        hr_upscaler="Lanczos",
        hr_second_pass_steps=9,
        denoising_strength=0.3,
        hr_scheduler="Karras",
        hr_prompt="an owl, (alpenglow:1.2)",
        hr_negative_prompt="rain",
        hr_cfg=4,
    )
    assert request.task == Draw(
        "1024x0", "lanczos", 9, 0.3, "euler-karras", 4.0, "an owl, (alpenglow:1.2)", "rain"
    )
    assert request.embeddings == (str(find.find_adapter("builtin:alpenglow")),)
    assert {each["name"] for each in lists.latent_upscale_modes()} >= {"Latent", "Latent (bicubic)"}
    for each in (*lists.latent_upscale_modes(), *lists.upscalers(SHELF)):
        assert txt2img(enable_hr=True, hr_upscaler=each["name"]).task.hires == "2"


@pytest.mark.parametrize(
    ("sampler", "schedule", "ours"),
    [
        ("Euler a", None, "euler-a"),
        ("DPM++ 2M", "automatic", "dpm++2m-karras"),
        ("DPM++ 2M Karras", None, "dpm++2m-karras"),
        ("DPM++ 2M SDE", "Automatic", "dpm++2m-sde-exponential"),
        ("Euler", "sgm_uniform", "euler-sgm-uniform"),
        ("k_euler_a", "", "euler-a"),
        ("DDIM", "Karras", "ddim"),
    ],
)
def test_samplers_by_their_names(sampler: str, schedule: str | None, ours: str) -> None:
    assert txt2img(sampler_name=sampler, scheduler=schedule).scheduler == ours
    assert txt2img(sampler_index=sampler, scheduler=schedule).scheduler == ours


def test_every_sampler_and_schedule_that_is_listed_can_be_asked_for() -> None:
    for sampler in lists.samplers():
        assert txt2img(sampler_name=sampler["name"]).scheduler
        for alias in sampler["aliases"]:
            assert txt2img(sampler_name=alias).scheduler
    for schedule in lists.schedulers():
        for name in (schedule["name"], schedule["label"], *(schedule["aliases"] or ())):
            assert txt2img(sampler_name="Euler", scheduler=name).scheduler
    assert {each["name"] for each in lists.samplers()} == {
        solver.a1111 for solver in SOLVERS.values() if solver.a1111
    }


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"enable_hr": "perhaps"}, "enable_hr"),
        ({"enable_hr": True, "hr_upscaler": "4x-UltraSharp"}, "hr_upscaler"),
        ({"enable_hr": True, "hr_scale": 99}, "hr_scale"),
        ({"enable_hr": True, "denoising_strength": 2}, "denoising_strength"),
        ({"enable_hr": True, "hr_checkpoint_name": "xl [0123456789]"}, "hr_checkpoint_name"),
        ({"enable_hr": True, "hr_sampler_name": "DPM adaptive"}, "hr_sampler_name"),
        ({"firstphase_width": 64}, "firstphase_width"),
        ({"restore_faces": True}, "restore_faces"),
        ({"tiling": "sideways"}, "tiling"),
        ({"styles": ["anime"]}, "styles"),
        ({"subseed_strength": 1.1}, "subseed_strength"),
        ({"subseed_strength": 0.1, "subseed": 2**64}, "subseed"),
        ({"seed_resize_from_w": 2**20, "seed_resize_from_h": 64}, "seed_resize_from_w"),
        ({"s_churn": 1}, "s_churn"),
        ({"s_noise": 0.9, "sampler_name": "DPM++ SDE"}, "s_noise"),
        ({"s_min_uncond": 2}, "s_min_uncond"),
        ({"eta": 0.5, "sampler_name": "Euler"}, "eta"),
        ({"refiner_checkpoint": "xl.safetensors"}, "refiner_checkpoint"),
        ({"disable_extra_networks": True}, "disable_extra_networks"),
        ({"infotext": "Steps: 20"}, "infotext"),
        ({"script_name": "x/y/z plot"}, "script_name"),
        ({"alwayson_scripts": {"ADetailer": {"args": [True, {}]}}}, "alwayson_scripts"),
        ({"sampler_name": "DPM adaptive"}, "sampler_name"),
        ({"sampler_name": "Euler", "scheduler": "gits"}, "scheduler"),
        ({"frobnicate": 3}, "frobnicate"),
        ({"steps": 0}, "steps"),
        ({"steps": "many"}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"cfg_scale": float("inf")}, "cfg_scale"),
        ({"width": 7}, "width"),
        ({"width": 1e300}, "width"),
        ({"seed": 2**64}, "seed"),
        ({"batch_size": 0}, "batch_size"),
        ({"n_iter": -1}, "n_iter"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"init_images": ["aGk="]}, "init_images"),
        ({"override_settings": []}, "override_settings"),
        ({"override_settings": {"sd_vae": "/etc/passwd"}}, "sd_vae"),
        ({"override_settings": {"sd_noise_schedule": "Odd"}}, "sd_noise_schedule"),
        ({"override_settings": {"return_grid": True}}, "return_grid"),
        ({"override_settings": {"samples_format": "gif"}}, "samples_format"),
        ({"override_settings": {"token_merging_ratio": 0.5}}, "token_merging_ratio"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_not_provided_is_refused_by_its_name(said: dict, field: str) -> None:
    failure = refused(lambda: txt2img(**said))
    assert (failure.status, failure.field) == (422, field)
    told = json.loads(bytes(answer_failure(failure).body))
    assert told["detail"][0]["loc"] == ["body", field]
    if field == "alwayson_scripts":
        assert "ADetailer" in told["detail"][0]["msg"]
    assert field in told["detail"][0]["msg"]


@pytest.mark.parametrize(
    "name", ["nope", "/etc/passwd", "builtin.safetensors [0123456789]", "../x"]
)
def test_an_unknown_model_is_an_error(name: str) -> None:
    failure = refused(lambda: txt2img(override_settings={"sd_model_checkpoint": name}))
    assert failure.status == 404
    assert set(json.loads(bytes(answer_failure(failure).body))) == {
        *("error", "detail", "body", "errors")
    }


# What that program's own page of its API shows as an example, and what known clients send.
PAYLOADS: dict[str, dict[str, Any]] = {
    "docs": {
        "prompt": "", "negative_prompt": "", "styles": [""], "seed": -1, "subseed": -1,
        "subseed_strength": 0, "seed_resize_from_h": -1, "seed_resize_from_w": -1,
        "sampler_name": "", "scheduler": "", "batch_size": 1, "n_iter": 1, "steps": 50, "cfg_scale": 7,
        "width": 512, "height": 512, "restore_faces": False, "tiling": False,
        "do_not_save_samples": False, "do_not_save_grid": False, "eta": 0, "denoising_strength": 0,
        "s_min_uncond": 0, "s_churn": 0, "s_tmax": 0, "s_tmin": 0, "s_noise": 0,
        "override_settings": {}, "override_settings_restore_afterwards": True,
        "refiner_checkpoint": "", "refiner_switch_at": 0, "disable_extra_networks": False,
        "firstpass_image": "", "comments": {}, "enable_hr": False, "firstphase_width": 0,
        "firstphase_height": 0, "hr_scale": 2, "hr_upscaler": "string", "hr_second_pass_steps": 0,
        "hr_resize_x": 0, "hr_resize_y": 0, "hr_checkpoint_name": "", "hr_sampler_name": "",
        "hr_scheduler": "", "hr_prompt": "", "hr_negative_prompt": "", "force_task_id": "",
        "sampler_index": "Euler", "script_name": "", "script_args": [], "send_images": True,
        "save_images": False, "alwayson_scripts": {}, "infotext": "",
    },
    "Open WebUI": {
        "prompt": "a fox", "batch_size": 1, "width": 512, "height": 512, "steps": 50,
        "negative_prompt": "blurry", "cfg_scale": 7.0, "sampler_name": "Euler", "scheduler": "Karras",
    },
    "SillyTavern": {
        "prompt": "a fox", "negative_prompt": "blurry", "sampler_name": "Euler a",
        "scheduler": "Automatic", "steps": 20, "cfg_scale": 7, "width": 512, "height": 512,
        "restore_faces": False, "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 1,
        "hr_additional_modules": [], "denoising_strength": 0.7, "hr_second_pass_steps": 0,
        "seed": "-1", "override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"},
        "override_settings_restore_afterwards": True, "clip_skip": 1, "save_images": True,
        "send_images": True, "do_not_save_grid": False, "do_not_save_samples": False,
        "alwayson_scripts": {"controlnet": {"args": [{"enabled": False, "model": "x"}]}},
    },
}  # fmt: skip


@pytest.mark.parametrize("client", PAYLOADS)
def test_real_payloads_are_taken(client: str) -> None:
    payload = PAYLOADS[client]
    asked = read_txt2img(payload, Settings(), SHELF)
    request = asked.order.request
    assert request.prompt == payload["prompt"]
    assert (request.width, request.height) == (512, 512)
    assert request.steps == payload["steps"]
    assert request.seed is None
    assert asked.order.save == payload.get("save_images", False)


def test_noise_is_as_that_program_has_it() -> None:
    assert txt2img(eta=0, sampler_name="Euler a").eta == 0
    assert txt2img(eta=1.0, sampler_name="DDIM").eta == 1
    assert txt2img(eta=1.0, sampler_name="DPM++ 2M").eta is None  # takes none, there as here
    assert txt2img(s_noise=0, sampler_name="Euler").scheduler == "euler"  # nothing to weigh


def test_embeddings_are_known_by_their_words() -> None:
    assert txt2img(prompt="a fox, (alpenglow:1.2)").embeddings == (
        str(find.find_adapter("builtin:alpenglow")),
    )
    assert txt2img(prompt="alpenglows").embeddings == ()


ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        3,
        10**400,
        1e308,
        2**70,
        0.5,
        "",
        "x",
        "-",
        "💥",
        "9" * 5_000,
        "1e999",
        "nan",
    ),
    *([], {}, [[]], [None], ["x", {}], {"a": 1}, {"args": {"b": [1]}}, {"ADetailer": 3}),
)


def test_odd_values_are_taken_or_refused_and_nothing_else() -> None:
    def answered(read: Callable[..., object], *words: Any) -> None:
        with suppress(SdcliError):
            read(*words)

    small = {"init_images": [as_text(gradient(8, 8))], "width": 8, "height": 8, "prompt": "a fox"}
    for value in ODD:
        for row in fields.COMMON:
            answered(read_txt2img, {row.name: value}, Settings(), SHELF)
        for row in fields.FROM_PICTURES:
            answered(from_picture, {**small, row.name: value})
        for name in SETTINGS:
            answered(lambda n=name, v=value: Settings().changed({n: v}, SHELF).listed(SHELF))
        for row in extras.BATCH:
            said = {"imageList": [{"data": small["init_images"][0]}], row.name: value}
            answered(extras.enlarge_several, said, Uploads(), SHELF, by_model)
        answered(read_png_info, {"image": value}, Uploads())


def test_settings_are_changed_and_told() -> None:
    told = Settings().listed(SHELF)
    assert re.fullmatch(r"builtin\.safetensors \[[0-9a-f]{10}\]", told["sd_model_checkpoint"])
    again = Settings().changed(told, SHELF)  # as clients do: all of them, one changed
    changed = again.changed({"CLIP_stop_at_last_layers": 2, "samples_format": "jpeg"}, SHELF)
    asked = read_txt2img({"prompt": "a fox"}, changed, SHELF)
    assert (asked.order.request.clip_skip, asked.order.format) == (2, "jpg")
    assert asked.order.request.model == BUILTIN
    for one in (
        {"use_old_scheduling": True},
        {"sd_noise_schedule": "Zero Terminal SNR"},
        {"use_downcasted_alpha_bar": True},
        {"always_discard_next_to_last_sigma": True},
    ):
        changed = Settings().changed(one, SHELF)
        assert read_txt2img({}, changed, SHELF).order.request != USUAL
    assert set(told) == set(SETTINGS)


def test_names_are_those_that_are_listed(checkpoint_names: Path) -> None:
    found = {item["title"].partition(" [")[0] for item in lists.models(SHELF)}
    assert found == {"builtin.safetensors", "style/drawn.safetensors"}
    sha256 = hash_file(Path(BUILTIN)).sha256
    assert f"builtin.safetensors [{sha256[:10]}]" in {each["title"] for each in lists.models(SHELF)}
    assert SHELF.model(f"builtin.safetensors [{sha256[:10]}]").path == Path(BUILTIN)
    for name in ("style/drawn", "style_drawn", "drawn", "style/drawn.safetensors", "DRAWN"):
        assert SHELF.model(name).path == checkpoint_names / "style" / "drawn.safetensors"
    assert SHELF.model(None).name == "builtin"


@pytest.fixture
def checkpoint_names(own_folders: Path) -> Path:
    """A copy of the built-in model in a folder of the folder of models."""
    folder = own_folders / "models" / "style"
    folder.mkdir()
    (folder / "drawn.safetensors").symlink_to(BUILTIN)
    return folder.parent


# Pictures that come along.


def gradient(width: int = 96, height: int = 64) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def from_picture(*bodies: dict, **said: Any) -> Asked:
    uploads = Uploads()
    body = {"init_images": [as_text(gradient())], "denoising_strength": 0.5, **said}
    for more in bodies:
        body |= more
    return img2img.read_img2img(body, Settings(), SHELF, uploads)


def test_a_picture_is_redrawn_at_the_size_that_is_asked_for() -> None:
    request = from_picture(width=64, height=64).order.request
    assert isinstance(request.task, Redraw)
    assert (request.task.strength, request.width, request.height) == (0.5, 64, 64)
    assert Image.open(request.task.image).size == (64, 64)
    same = from_picture(width=96, height=64, init_images=[
        as_text(gradient(), "data:image/png;base64,")]).order.request  # fmt: skip
    assert Image.open(same.task.image).tobytes() == gradient().tobytes()
    usual = from_picture().order.request
    assert (usual.width, usual.height) == (192, 192)  # the model's


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_ways_to_size(mode: int) -> None:
    request = from_picture(width=64, height=64, resize_mode=mode).order.request
    levels = Image.open(request.task.image).convert("L")
    top, bottom = levels.getpixel((32, 0)), levels.getpixel((32, 63))
    assert (top < 8, bottom > 247) == (True, True)
    assert (levels.getpixel((32, 8)) < 8) == (mode == 2)  # the edge is drawn out


def mask(box: tuple[int, int, int, int] = (30, 20, 60, 40)) -> Image.Image:
    painted = Image.new("L", (96, 64))
    painted.paste(255, box)
    return painted


def test_a_mask_is_repainted_alone_as_that_program_usually_does() -> None:
    said = {"mask": as_text(mask()), "width": 64, "height": 64, "inpaint_full_res_padding": 8}
    task = from_picture(**said).order.request.task
    assert isinstance(task, Repaint)
    assert (task.only_masked, task.feather) == (8, 4)
    assert Image.open(task.mask).tobytes() == mask().tobytes()
    filled = Image.open(task.image)  # what is under the mask is gone, the rest is not
    assert Image.composite(filled, gradient(), mask()).tobytes() == filled.tobytes()
    assert filled.tobytes() != gradient().tobytes()


def test_a_mask_over_the_whole_picture() -> None:
    said = {"mask": as_text(mask()), "inpaint_full_res": 0, "width": 48, "height": 32}
    kept = {**said, "inpainting_fill": 1, "mask_blur": 9, "inpainting_mask_invert": 1}
    task = from_picture(**kept).order.request.task
    assert isinstance(task, Repaint)
    assert (task.only_masked, task.feather) == (-1, 9)
    assert Image.open(task.mask).getpixel((20, 15)) == 0
    assert Image.open(task.mask).getpixel((0, 0)) == 255
    assert Image.open(task.image).size == Image.open(task.mask).size == (48, 32)
    whole = from_picture(mask=as_text(Image.new("L", (96, 64), 255)))
    assert isinstance(whole.order.request.task, Redraw)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"init_images": []}, "init_images"),
        ({"init_images": [as_text(gradient())] * 2}, "init_images"),
        ({"init_images": ["http://example.org/a.png"]}, "init_images"),
        ({"init_images": ["/etc/passwd"]}, "init_images"),
        ({"resize_mode": 3, "width": 64}, "resize_mode"),
        ({"mask": as_text(Image.new("L", (96, 64)))}, "mask"),
        ({"mask": as_text(mask()), "inpainting_fill": 2}, "inpainting_fill"),
        ({"mask": as_text(mask()), "mask_blur_x": 2}, "mask_blur_x"),
        ({"denoising_strength": 1.5}, "denoising_strength"),
        ({"initial_noise_multiplier": 0.9}, "initial_noise_multiplier"),
        ({"latent_mask": "aGk="}, "latent_mask"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_pictures_that_cannot_be_are_refused_by_their_field(said: dict, field: str) -> None:
    assert refused(lambda: from_picture(**said)).field == field


def test_the_echo_holds_what_was_said_but_the_pictures() -> None:
    echo = from_picture(cfg_scale=3).echo
    assert (echo["cfg_scale"], echo["steps"], echo["init_images"]) == (3, 50, None)
    assert set(echo) == {row.name for row in fields.IMG2IMG}


# Finished pictures.


def test_what_a_picture_carries() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a fox\nNegative prompt: blurry\nSteps: 20, Size: 64x32, Seed: 7")
    info.add_text("Software", "a pencil")
    file = io.BytesIO()
    gradient().save(file, "PNG", pnginfo=info)
    told = read_png_info({"image": base64.b64encode(file.getvalue()).decode()}, Uploads())
    assert told["info"].startswith("a fox\n")
    assert told["items"] == {"Software": "a pencil"}
    assert told["parameters"] == {
        "Prompt": "a fox", "Negative prompt": "blurry", "Steps": "20", "Seed": "7",
        "Size-1": "64", "Size-2": "32",
    }  # fmt: skip
    assert read_png_info({"image": as_text(gradient())}, Uploads())["info"] == ""


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ({"upscaler_1": "Lanczos"}, (192, 128)),
        ({"upscaler_1": "Nearest", "upscaling_resize": 1.3}, (120, 80)),
        ({"upscaler_1": "None"}, (96, 64)),
        ({"upscaler_1": "builtin:upscaler"}, (192, 128)),
        ({"upscaler_1": "Lanczos", "resize_mode": 1, "upscaling_resize_w": 100}, (100, 512)),
        ({"upscaler_1": "Lanczos", "resize_mode": 1, "upscaling_crop": False}, (768, 512)),
    ],
    ids=str,
)
def test_pictures_are_made_larger(said: dict, size: tuple[int, int]) -> None:
    told = enlarge_one({"image": as_text(gradient()), **said}, Uploads(), SHELF, by_model)
    made = Image.open(io.BytesIO(base64.b64decode(told["image"])))
    assert made.size == size
    red = made.getpixel((0, 0)) == (255, 0, 0)
    assert red == (said["upscaler_1"] == "builtin:upscaler")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"upscaler_1": "R-ESRGAN 4x+"}, "upscaler_1"),
        ({"upscaler_1": "Lanczos", "upscaling_resize": 90}, "upscaling_resize"),
        ({"gfpgan_visibility": 1}, "gfpgan_visibility"),
        ({"image": ""}, "image"),
    ],
    ids=str,
)
def test_what_cannot_be_made_larger_is_refused(said: dict, field: str) -> None:
    body = {"image": as_text(gradient()), **said}
    assert refused(lambda: enlarge_one(body, Uploads(), SHELF, by_model)).field == field
