"""Programs that speak A1111's API, unmodified, against a real server."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.library.find import find_checkpoint
from sdcli.metadata.a1111_format import parse_infotext
from sdcli.metadata.readers.a1111 import picture_from_infotext
from sdcli.metadata.record import read_picture_metadata
from sdcli.server.warm import ask_status
from tests.helpers.serving import Answer, Served

pytestmark = pytest.mark.slow

webuiapi = pytest.importorskip("webuiapi")
client = pytest.importorskip("sd_backend_client")

SMALL = {"steps": 2, "width": 64, "height": 64, "seed": 7}
FLAGS = ("--steps", 2, "-W", 64, "-H", 64, "--seed", 7)
A1111S = ("--cfg", 7, "--scheduler", "euler-a", "--eta", 1)  # what webuiapi says by itself


@pytest.fixture
def api(server: Served) -> Any:
    return webuiapi.WebUIApi(port=server.port)


@pytest.fixture
def command(
    server: Served, sdcli: Callable, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """The command, drawing with the server's worker: no torch here."""
    for name in ("models", "cache"):
        monkeypatch.setenv(f"SDCLI_{name.upper()}", str(server.home / name))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(server.home))

    def run(*words: object) -> Path:
        ran = sdcli(*words, "-o", "drawn.png")
        assert ran.code == 0, ran.err
        return Path("drawn.png")

    return run


def pixels(picture: Image.Image | Path) -> bytes:
    image = Image.open(picture) if isinstance(picture, Path) else picture
    return image.convert("RGB").tobytes()


def kept(picture: Image.Image, path: Path) -> Path:
    """The picture as a file, with all that it came with."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for name, text in picture.info.items():
        info.add_text(name, text)
    picture.save(path, "PNG", pnginfo=info)
    return path


def test_a_picture_is_the_commands_and_says_how_it_was_drawn(
    api: Any, command: Callable, tmp_path: Path
) -> None:
    words = "a [red:blue:0.5] house <lora:builtin:blueprint:0.5>"
    varied = {"subseed": 3, "subseed_strength": 0.2}
    drawn = api.txt2img(prompt=words, negative_prompt="blurry", **SMALL, **varied)
    assert len(drawn.images) == 1
    flags = (*FLAGS, "--variation-seed", 3, "--variation-strength", 0.2)
    ours = command("txt2img", words, "-n", "blurry", *flags, *A1111S)
    assert (drawn.info["subseed"], drawn.info["subseed_strength"]) == (3, 0.2)
    assert pixels(drawn.image) == pixels(ours)
    served = read_picture_metadata(kept(drawn.image, tmp_path / "served.png"))
    plan = read_picture_metadata(ours).plan
    assert served.plan == plan
    assert plan is not None
    text = drawn.info["infotexts"][0]
    assert drawn.image.info["parameters"] == text
    read = picture_from_infotext(parse_infotext(text)).request
    for name in ("negative", "steps", "cfg", "seed", "width", "height", "scheduler", "rng"):
        assert getattr(read, name) == getattr(plan, name), name
    assert read.prompt.startswith("a [red:blue:0.5] house")
    assert set(drawn.info) >= {
        *("prompt", "all_prompts", "negative_prompt", "all_negative_prompts", "seed", "all_seeds"),
        *(
            "subseed",
            "all_subseeds",
            "subseed_strength",
            "width",
            "height",
            "sampler_name",
            "cfg_scale",
        ),
        *("steps", "batch_size", "restore_faces", "face_restoration_model", "sd_model_name"),
        *(
            "sd_model_hash",
            "sd_vae_name",
            "sd_vae_hash",
            "seed_resize_from_w",
            "seed_resize_from_h",
        ),
        *("denoising_strength", "extra_generation_params", "index_of_first_image", "infotexts"),
        *("styles", "job_timestamp", "clip_skip", "is_using_inpainting_conditioning", "version"),
    }
    assert (drawn.info["seed"], drawn.info["prompt"], drawn.info["index_of_first_image"]) == (
        7,
        words,
        0,
    )
    assert drawn.parameters["steps"] == 2


def test_several_pictures_are_never_a_grid(api: Any) -> None:
    drawn = api.txt2img(prompt="a red house", batch_size=2, n_iter=2, **SMALL)
    assert [image.size for image in drawn.images] == [(64, 64)] * 4
    assert drawn.info["all_seeds"] == [7, 8, 9, 10]
    alone = api.txt2img(prompt="a red house", **{**SMALL, "seed": -1}, send_images=False)
    assert alone.images == [] and alone.info["seed"] >= 0


def test_pictures_are_redrawn_and_repainted(api: Any, command: Callable, tmp_path: Path) -> None:
    start = Image.linear_gradient("L").resize((80, 64)).convert("RGB")
    start.save("start.png")
    mask = Image.new("L", (80, 64))
    mask.paste(255, (20, 20, 50, 50))
    mask.save("mask.png")
    over = ("--image", "start.png", "--strength", 0.6, *FLAGS, *A1111S)
    same = {"images": [start], "denoising_strength": 0.6, "prompt": "a red house", **SMALL}
    cropped = api.img2img(**same, resize_mode=1)
    assert pixels(cropped.image) == pixels(command("img2img", "a red house", *over))
    kept_under = {**same, "mask_image": mask, "inpainting_fill": 1}
    part = api.img2img(**kept_under, inpaint_full_res_padding=4)
    words = ("inpaint", "a red house", *over, "--mask", "mask.png", "--feather", 4, "--force")
    assert pixels(part.image) == pixels(command(*words, "--only-masked", 4))
    assert part.image.size == start.size
    filled = api.img2img(**{**kept_under, "inpainting_fill": 0})
    assert Image.composite(filled.image, start, mask).tobytes() == filled.image.tobytes()
    assert pixels(filled.image) not in (pixels(part.image), pixels(start))
    whole = api.img2img(**kept_under, inpaint_full_res=False, resize_mode=2)
    assert whole.image.size == (64, 64)


def test_models_are_changed_by_settings_and_for_one_picture(api: Any, server: Served) -> None:
    other = server.models / "other.safetensors"
    shutil.copy(find_checkpoint("builtin"), other)
    try:
        assert "other.safetensors" in "".join(api.util_get_model_names())
        once = api.txt2img(
            prompt="x",
            override_settings={"sd_model_checkpoint": "other"},
            **SMALL,
            send_images=False,
        )
        assert once.info["sd_model_name"] == "other"
        stays = {"override_settings": {"samples_format": "jpg"}}
        api.txt2img(prompt="x", **stays, **SMALL, override_settings_restore_afterwards=False)
        assert api.txt2img(prompt="x", **SMALL).image.format == "JPEG"
        api.set_options({"samples_format": "png"})
        before = api.get_options()
        assert before["sd_model_checkpoint"].startswith("builtin.safetensors")
        api.set_options({**before, "sd_model_checkpoint": "other.safetensors"})
        assert api.txt2img(prompt="x", **SMALL, send_images=False).info["sd_model_name"] == "other"
        assert "error" in api.set_options({"sd_model_checkpoint": "nobody's"})
        api.set_options(before)
        assert (
            api.txt2img(prompt="x", **SMALL, send_images=False).info["sd_model_name"] == "builtin"
        )
        listed = {model["title"] for model in api.get_sd_models()}
        assert len(listed) == 2 and all(title.endswith("]") for title in listed)
    finally:
        other.unlink()


@pytest.mark.parametrize(
    ("path", "fields", "status", "word"),
    [
        ("txt2img", {"enable_hr": True, "hr_upscaler": "x"}, 422, "hr_upscaler"),
        ("txt2img", {"enable_hr": True, "hr_resize_x": 16_384}, 422, "too large"),
        ("img2img", {"init_images": [""], "enable_hr": True}, 422, "enable_hr"),
        ("txt2img", {"override_settings": {"sd_model_checkpoint": "/etc/passwd"}}, 404, "passwd"),
        ("txt2img", {"prompt": "a <lora:/etc/passwd:1>"}, 422, "passwd"),
        ("txt2img", {"width": 100_000}, 422, "width"),
        ("img2img", {"init_images": ["https://example.org/a.png"]}, 422, "init_images"),
        ("interrogate", {"image": "aGk="}, 404, "described"),
        ("nothing", {}, 404, "nothing"),
    ],
    ids=str,
)
def test_refusals(server: Served, path: str, fields: dict, status: int, word: str) -> None:
    answer = server.ask("POST", f"/sdapi/v1/{path}", {"prompt": "x", **SMALL, **fields})
    assert answer.status == status, answer.body
    assert word in json.dumps(answer.data)
    shape = {"detail"} if status == 422 else {"error", "detail", "body", "errors"}
    assert set(answer.data) == shape


class Waiting:
    """A request that is answered in another thread."""

    def __init__(self, server: Served, **fields: Any) -> None:
        self._server = server
        self._fields = {"prompt": "a red house", "width": 64, "height": 64, "seed": 7, **fields}
        self.answer: Answer | None = None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        self.answer = self._server.ask("POST", "/sdapi/v1/txt2img", self._fields)

    def result(self) -> dict:
        self._thread.join(60)
        assert self.answer is not None and self.answer.status == 200
        return {**self.answer.data, "info": json.loads(self.answer.data["info"])}


@pytest.fixture
def drawing(server: Served) -> Iterator[Callable[..., tuple[Waiting, dict]]]:
    """Begin a request, and say how far it is once a step of a picture is taken."""

    def begin(picture: int = 0, **fields: Any) -> tuple[Waiting, dict]:
        waiting = Waiting(server, force_task_id="mine", **fields)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            told = server.ask("GET", "/sdapi/v1/progress?force_task_id=mine").data
            state = told["state"]
            if state["sampling_step"] > 1 and state["job_no"] >= picture:
                return waiting, told
            time.sleep(0.01)
        raise AssertionError("nothing is drawn")

    yield begin


def test_a_drawing_is_watched_and_interrupted(api: Any, server: Served, drawing: Callable) -> None:
    waiting, told = drawing(1, n_iter=3, steps=100)
    assert 0.3 < told["progress"] < 1
    assert told["state"]["job_count"] == 3
    assert (told["state"]["sampling_steps"], told["state"]["job"]) == (100, "mine")
    assert told["current_image"]
    assert api.get_progress()["progress"] >= told["progress"]  # the one that is drawn
    assert server.ask("GET", "/sdapi/v1/progress?force_task_id=another").data["progress"] == 0
    task = server.ask("POST", "/internal/progress", {"id_task": "mine", "id_live_preview": -1}).data
    assert task["active"] and task["live_preview"].startswith("data:image/png;base64,")
    assert api.interrupt() == {}
    result = waiting.result()
    assert 1 <= len(result["images"]) < 3
    assert result["info"]["all_seeds"] == [7, 8][: len(result["images"])]
    idle = api.get_progress()
    assert (idle["progress"], idle["state"]["job_count"], idle["current_image"]) == (0, 0, None)
    ended = server.ask("POST", "/internal/progress", {"id_task": "mine"}).data
    assert ended["completed"] and not ended["active"]


def test_a_picture_is_skipped(api: Any, drawing: Callable) -> None:
    waiting, _ = drawing(n_iter=2, steps=60)
    assert api.skip() is None
    result = waiting.result()
    assert result["info"]["all_seeds"] == [8]
    assert len(result["images"]) == 1


def test_lists_and_finished_pictures(api: Any, server: Served) -> None:
    assert {"DPM++ 2M", "Euler a"} <= set(api.util_get_sampler_names())
    assert {"karras", "automatic"} <= set(api.util_get_scheduler_names())
    listed = {each["name"]: each["scale"] for each in api.get_upscalers()}
    assert [*listed] == ["None", "Lanczos", "Nearest", "builtin:upscaler"]
    assert listed["builtin:upscaler"] == 4
    assert "builtin:blueprint" in {lora["name"] for lora in api.get_loras()}
    assert "alpenglow" in api.get_embeddings()["loaded"]
    assert api.get_memory()["ram"]["total"] > 0
    for name in ("hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "sd-vae",
                 "script-info", "extensions"):  # fmt: skip
        assert server.ask("GET", f"/sdapi/v1/{name}").data == []
    assert api.get_scripts() == {"txt2img": [], "img2img": []}
    assert api.get_cmd_flags()["api"]
    assert api.refresh_checkpoints() is None
    modes = server.ask("GET", "/sdapi/v1/latent-upscale-modes").data
    assert "Latent (nearest-exact)" in {each["name"] for each in modes}
    drawn = api.txt2img(prompt="a red house", **SMALL)
    assert api.png_info(drawn.image).info == drawn.info["infotexts"][0]
    plain = api.extra_single_image(drawn.image, upscaler_1="Lanczos").image
    larger = api.extra_single_image(drawn.image, upscaler_1="builtin:upscaler").image
    assert plain.size == larger.size == (128, 128) and pixels(plain) != pixels(larger)
    several = api.extra_batch_images([drawn.image] * 2, upscaler_1="Nearest").images
    assert [image.size for image in several] == [(128, 128)] * 2
    here = str(server.home)
    for name in ("sd-models", "loras", "embeddings", "options", "cmd-flags", "memory"):
        assert here not in server.ask("GET", f"/sdapi/v1/{name}").body.decode()


def test_models_leave_memory_when_they_are_told_to(
    api: Any, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(server.home))
    before = api.txt2img(prompt="a red house", **SMALL)
    assert "builtin.safetensors" in (ask_status() or {})["models"]
    assert server.ask("POST", "/sdapi/v1/unload-checkpoint").data == {}
    until = time.monotonic() + 10
    while (ask_status() or {})["models"] and time.monotonic() < until:
        time.sleep(0.05)
    assert (ask_status() or {})["models"] == []
    assert server.ask("POST", "/sdapi/v1/reload-checkpoint").data == {}
    assert pixels(api.txt2img(prompt="a red house", **SMALL).image) == pixels(before.image)


def test_pictures_are_kept_only_where_a_client_says_so(api: Any, server: Served) -> None:
    before = set(server.home.glob("out/*"))
    api.txt2img(prompt="a red house", **SMALL)
    assert set(server.home.glob("out/*")) == before
    api.txt2img(prompt="a red house", **SMALL, save_images=True)
    assert len(set(server.home.glob("out/*")) - before) == 1


def test_another_client(server: Served) -> None:
    service = client.connect_to_backend(server.url)
    assert isinstance(service, client.A1111Webservice)
    able = service.get_capabilities()
    assert able.scheduler and not (able.controlnet or able.ultimate_upscale or able.interrogate)
    assert [each.name for each in service.list_checkpoints()]
    assert service.list_samplers() and service.list_schedulers() and service.list_upscalers()
    params = client.DiffusionRequestBody(
        prompt="a red house", sampler="dpmpp_2m", scheduler="karras", **SMALL
    )
    (drawn,) = service.submit_txt2img(params).wait().images
    assert drawn.size == (64, 64)
    mask = Image.new("L", (64, 64))
    mask.paste(255, (20, 20, 50, 50))
    over = client.DiffusionRequestBody(
        prompt="a red house", init_images=[drawn], mask=mask, inpaint_full_res=True, **SMALL
    )
    (repainted,) = service.submit_inpaint(over).wait().images
    assert repainted.size == (64, 64)
    assert repainted.convert("RGB").tobytes() != drawn.convert("RGB").tobytes()
