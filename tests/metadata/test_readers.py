"""Pictures of other programs: read as they were meant, and what cannot be matched is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.metadata import readers
from sdcli.metadata import record as metadata
from sdcli.metadata.readers.draft import ForeignPicture
from sdcli.prompts.a1111 import parse_a1111_weights, split_at_and
from sdcli.prompts.scheduling import parse_prompt_editing
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tags import extract_lora_tags
from sdcli.request import Draw, Lora
from tests.helpers.shared import cases

INFOTEXTS = {case["id"]: case["raw"] for case in cases("infotext.json")}
OTHERS: dict[str, dict[str, str]] = cases("other_tools_png.json")["files"] if INFOTEXTS else {}
BESIDE = ("task", "output", "sources", "prompt", "negative")
NO_SAMPLES = pytest.mark.skipif(not INFOTEXTS, reason="the shared samples are not here")


def read(texts: dict[str, str], size: tuple[int, int] = (512, 768)) -> ForeignPicture:
    found = readers.read_foreign_picture(texts, size)
    assert found is not None
    return found


def said(found: ForeignPicture) -> dict[str, Any]:
    """What the request says beyond its words."""
    return {
        name: value
        for name, value in vars(found.request).items()
        if value not in (None, (), False) and name not in BESIDE
    }


def infotext(line: str) -> ForeignPicture:
    return read({"parameters": f"a fox <lora:ink:0.8>\nNegative prompt: blurry\nSteps: 20, {line}"})


@NO_SAMPLES
@pytest.mark.parametrize("name", [*INFOTEXTS, *OTHERS])
def test_every_sample_makes_a_request(name: str) -> None:
    found = read(OTHERS.get(name) or {"parameters": INFOTEXTS[name]})
    assert found.program
    steps = found.request.steps
    assert steps is not None or name == "ts-no-params"
    assert "�" not in found.request.prompt


@NO_SAMPLES
def test_a_picture_of_forge_with_a_second_pass() -> None:
    found = read({"parameters": INFOTEXTS["forge-adetailer-hires"]})
    assert found.program == "Forge"
    assert found.hashes == {"model": "bdb59bac77"}
    assert found.strength is None  # it belongs to the second pass
    news = "\n".join(found.unmatched)
    for what in ("seed is not recorded", "ADetailer", "sdxl_vae"):
        assert what in news
    assert found.request.task == Draw(
        hires="1.5", hires_upscaler="R-ESRGAN 4x+", hires_strength=0.37, hires_cfg=5.0
    )


@pytest.mark.parametrize(
    ("line", "drawing"),
    [
        (
            "Denoising strength: 0.55, Hires upscale: 2, Hires steps: 10, "
            "Hires upscaler: Latent (nearest-exact), Version: v1.9.4",
            Draw("2", "latent-nearest-exact", 10, 0.55),
        ),
        (  # of which one side follows from the other
            "Denoising strength: 0.4, Hires resize: 0x1030, Hires upscaler: None",
            Draw("0x1024", "lanczos", hires_strength=0.4),
        ),
        (
            "Sampler: Euler a, Schedule type: Karras, Denoising strength: 0.7, Hires upscale: 1.5, "
            'Hires sampler: DPM++ 2M, Hires prompt: "a fox, asleep <lora:ink:0.8>", '
            "Hires negative prompt: rain",
            Draw(
                "1.5", "latent", None, 0.7, "dpm++2m-karras", None, "a fox, asleep <lora:ink:0.8>", "rain"
            ),
        ),
        (
            "Sampler: DPM++ 2M, Schedule type: Karras, Denoising strength: 0.7, Hires upscale: 2, "
            "Hires schedule type: Exponential, Hires checkpoint: Use same checkpoint, Version: f2.0.1",
            Draw("2", "latent", None, 0.7, "dpm++2m-exponential"),
        ),
        (
            "Hires upscale: Latent, Hires scale: 2.000000, Hires resize: 0x0, Hires steps: 0, "
            "Denoising strength: 0.700000, Version: stable-diffusion.cpp",
            Draw("2", "latent", None, 0.7),
        ),
        ("Size: 1024x768, Denoising strength: 0.7, First pass size: 512x384",
         Draw("1024x768", "latent", None, 0.7)),
        ("Size: 1024x768, Denoising strength: 0.7, First pass size: 0x0",
         Draw("1024x768", "latent", None, 0.7)),
    ],
)  # fmt: skip
def test_a_second_pass_is_drawn_as_it_was(line: str, drawing: Draw) -> None:
    found = infotext(line)
    assert found.request.task == drawing
    assert found.strength is None and not found.unmatched
    if "First pass" in line:
        width = 512 if "512" in line else 640  # 0x0: of as many pixels as 512x512, in steps of 64
        assert (found.request.width, found.request.height) == (width, width * 3 // 4 // 64 * 64)


@NO_SAMPLES
def test_three_generations_of_invokeai() -> None:
    first, second, third = (
        read(OTHERS[f"invokeai_{name}1.png"]) for name in ("dream", "sdmeta", "imeta")
    )
    for found in (first, second):
        assert found.program == "InvokeAI"
        assert found.request.negative == "rendering, glowing eyes, skinny"
        assert found.request.prompt.endswith("film grain, low contrast")
        assert (
            said(found).items()
            >= {
                "steps": 50,
                "cfg": 5.0,
                "seed": 2980747362,
                "width": 512,
                "height": 768,
                "scheduler": "lms",
                "rng": "cpu",
            }.items()
        )
    assert second.request.model == "deliberateForInvoke_v08"
    assert second.hashes["model"].startswith("56d1442a0fee")
    assert any("codeformer" in why for why in second.unmatched)
    assert said(third).items() >= {"model": "juggernautXL", "vae": "VAEFix", "cfg": 8.0}.items()
    assert any("IP-Adapter" in why for why in third.unmatched)


@NO_SAMPLES
def test_comfyui_from_a_picture() -> None:
    found = read(OTHERS["img2img_cropped.png"])
    assert (
        found.request.prompt == "photograph of victorian woman with wings, sky clouds, meadow grass"
    )
    assert found.request.negative == "watermark, text"
    assert (
        said(found).items()
        >= {
            "model": "v1-5-pruned-emaonly",
            "scheduler": "dpm++2m",
            "seed": 280823642470253,
            "rng": "cpu",
        }.items()
    )
    assert found.strength == pytest.approx(0.87)


@NO_SAMPLES
def test_comfyui_in_two_passes() -> None:
    found = read(OTHERS["unclip_2pass_cropped.png"])
    assert found.request.vae == "kl-f8-anime2"
    assert any("unCLIP" in why for why in found.unmatched)


def test_automatic1111() -> None:
    found = infotext(
        "Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 7, Size: 515x768, "
        "Model hash: 6ce0161689, Model: v1-5, VAE hash: 735e4c3a44, VAE: kl.safetensors, "
        'Clip skip: 2, ENSD: 31337, Lora hashes: "ink: e3f9c2b1a8d7", '
        'TI hashes: "bad: 4fa643103a06", '
        "Emphasis: No norm, Version: v1.10.0"
    )
    assert found.program == "AUTOMATIC1111"
    assert not found.unmatched
    assert found.request.prompt == "a fox <lora:ink:0.8>"
    assert said(found) == {
        "scheduler": "dpm++2m-karras",
        "steps": 20,
        "cfg": 6.5,
        "seed": 7,
        "width": 512,  # whole cells, as that program draws it
        "height": 768,
        "model": "v1-5",
        "vae": "kl",
        "clip_skip": 2,
        "ensd": 31337,
        "emphasis": "no-norm",
        "rng": "nv",  # what it uses where it says nothing
    }
    assert found.hashes == {
        "model": "6ce0161689",
        "vae": "735e4c3a44",
        "lora:ink": "e3f9c2b1a8d7",
        "embedding:bad": "4fa643103a06",
    }


@pytest.mark.parametrize(
    ("line", "program", "rng"),
    [
        ("RNG: CPU, Version: v1.10.0", "AUTOMATIC1111", "cpu"),
        ("Version: f2.0.1v1.10.1", "Forge", "nv"),
        ("App: SD.Next, Version: 1a2b3c", "SD.Next", "nv"),
        ("RNG: cuda, Version: stable-diffusion.cpp", "stable-diffusion.cpp", "nv"),
        ("RNG: cpu, Version: stable-diffusion.cpp master", "stable-diffusion.cpp", "cpu"),
        ("Version: ComfyUI", "ComfyUI", "cpu"),
    ],
)
def test_whose_noise(line: str, program: str, rng: str) -> None:
    found = infotext(line)
    assert (found.program, found.request.rng) == (program, rng)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("App: SD.Next, Hires upscaler: Latent, Hires scale: 2", "hires fix"),
        ("Hires upscaler: Latent", "to a size that it does not tell"),
        ("Hires upscale: 20, Denoising strength: 0.4", "20 is out of bounds"),
        ("Hires upscale: 2", "the strength of its second pass is not recorded"),
        ("Hires upscale: 2, Hires sampler: DPM fast", "the sampler of its second pass, `DPM fast`"),
        ("Hires upscale: 2, Sampler: DDIM", "rules that A1111 has for `ddim` alone"),
        (
            "Hires upscale: 2, Hires checkpoint: other [0123456789]",
            "a checkpoint of its own, `other",
        ),
        (
            "Hires upscale: Latent, Hires scale: 2, Denoising strength: 0.5, "
            "Version: stable-diffusion.cpp",
            "took 21 steps, and takes 20 here",
        ),
        ("Denoising strength: 0.4", "began as another picture, redrawn with strength 0.4"),
        ("Tiling: hexagons", "its tiling is `hexagons`"),
        ("Seed resize from: 900000x64", "its seed was resized from 900000x64"),
        ('ControlNet 0: "Module: canny, Model: x"', "ControlNet"),
        ("Sampler: DPM fast", "`DPM fast` has no equivalent here"),
        ("Sampler: Euler, Schedule type: Bong Tangent", "Bong Tangent"),
        ("RNG: Quantum", "its noise came from `Quantum`"),
        ("Frobnication: 3", "`Frobnication: 3`"),
        ("Emphasis: Odd", "emphasis rule"),
        ("Seed: -1", "its seed is not recorded"),
        ("CFG scale: 1e12", "its cfg"),
        ("Image CFG scale: 1.5", "an instruction"),
        ("Script: X/Y/Z plot", "script"),
    ],
)
def test_what_cannot_be_matched_is_said(line: str, why: str) -> None:
    assert any(why in each for each in infotext(line).unmatched)


def test_a_variation_and_a_resized_seed_are_drawn_as_they_were() -> None:
    found = infotext(
        "Seed: 7, Variation seed: 3, Variation seed strength: 0.2, Seed resize from: 515x512"
    )
    request = found.request
    assert (request.variation_seed, request.variation_strength) == (3, 0.2)
    assert request.seed_resize == "512x512"
    assert not any("eed" in why for why in found.unmatched)


@pytest.mark.parametrize(
    ("line", "eta"),
    [
        ("Sampler: Euler a, Eta: 0.5", 0.5),
        ("Sampler: Euler, Eta: 0.5", None),  # it takes none
        ("Sampler: DDIM, Eta DDIM: 0.7", 0.7),
        ("Sampler: euler_a karras, Eta: 0.000000, Version: stable-diffusion.cpp", None),
        ("Sampler: tcd, Eta: 0.000000, Version: stable-diffusion.cpp", 0.0),
    ],
)
def test_an_eta_counts_where_it_was_in_force(line: str, eta: float | None) -> None:
    assert infotext(line).request.eta == eta


def test_what_means_nothing_to_comfyui_is_disarmed() -> None:
    node = {"class_type": "KSampler", "inputs": {"sampler_name": "euler", "steps": 9, "cfg": 1,
            "positive": ["2", 0]}}  # fmt: skip
    words = {"class_type": "CLIPTextEncode", "inputs": {"text": "[a:b:0.5] AND \\[c BREAK (d:1.2)"}}
    found = read({"prompt": json.dumps({"1": node, "2": words})})
    # A backslash is one there too, but for that before a round bracket.
    assert found.request.prompt == r"\[a:b:0.5\] and \\\[c break (d:1.2)"


def test_comfyui_through_loras_and_texts_of_their_own() -> None:
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub\\dream.ckpt"}},
        "2": {
            "class_type": "LoraLoader",
            "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.8, "strength_clip": 0.5,
                       "model": ["1", 0], "clip": ["1", 1]},
        },
        "3": {"class_type": "CLIPSetLastLayer",
              "inputs": {"stop_at_clip_layer": -2, "clip": ["2", 1]}},
        "4": {"class_type": "PrimitiveString", "inputs": {"value": "a fox"}},
        "5": {"class_type": "CLIPTextEncode", "inputs": {"text": ["4", 0], "clip": ["3", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["3", 0]}},
        "7": {"class_type": "EmptyLatentImage",
              "inputs": {"width": 640, "height": 448, "batch_size": 1}},
        "8": {"class_type": "RandomNoise", "inputs": {"noise_seed": 77}},
        "9": {"class_type": "CFGGuider",
              "inputs": {"cfg": 4.5, "model": ["2", 0], "positive": ["5", 0],
                         "negative": ["6", 0]}},
        "10": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
        "11": {"class_type": "BasicScheduler",
               "inputs": {"scheduler": "karras", "steps": 25, "denoise": 1.0, "model": ["2", 0]}},
        "12": {"class_type": "SamplerCustomAdvanced",
               "inputs": {"noise": ["8", 0], "guider": ["9", 0], "sampler": ["10", 0],
                          "sigmas": ["11", 0], "latent_image": ["7", 0]}},
        "13": {"class_type": "VAELoader", "inputs": {"vae_name": "kl.pt"}},
        "14": {"class_type": "VAEDecode", "inputs": {"samples": ["12", 0], "vae": ["13", 0]}},
        "15": {"class_type": "SaveImage", "inputs": {"images": ["14", 0]}},
    }  # fmt: skip
    found = read({"prompt": json.dumps(graph)})
    assert found.unmatched == ()
    assert (found.request.prompt, found.request.negative) == ("a fox", "blurry")
    assert said(found) == {
        "model": "dream",
        "vae": "kl",
        "loras": (Lora("ink", 0.8, 0.5),),
        "clip_skip": 2,
        "scheduler": "dpm++2m-karras",
        "steps": 25,
        "cfg": 4.5,
        "seed": 77,
        "width": 640,
        "height": 448,
        "rng": "cpu",
    }


def test_a_graph_that_bites_its_tail() -> None:
    node = {"class_type": "KSampler", "inputs": {"sampler_name": ["1", 0], "steps": 1, "cfg": 1,
            "model": ["1", 0], "positive": ["1", 0], "latent_image": ["1", 0]}}  # fmt: skip
    assert read({"prompt": json.dumps({"1": node})}).request.steps == 1


def test_fooocus() -> None:
    data = {
        "prompt": "a fox",
        "negative_prompt": "blurry",
        "base_model": "juggernaut.safetensors",
        "base_model_hash": "d91d35736d",
        "loras": [["offset.safetensors", 0.1, "4852686128"]],
        "resolution": "(1152, 896)",
        "guidance_scale": 4.0,
        "steps": 30,
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "seed": "5602",
        "styles": "['Fooocus V2']",
    }
    found = read({"parameters": json.dumps(data), "fooocus_scheme": "fooocus"})
    assert found.program == "Fooocus"
    assert said(found) == {
        "model": "juggernaut",
        "loras": (Lora("offset", 0.1, 0.1),),
        "width": 1152,
        "height": 896,
        "cfg": 4.0,
        "steps": 30,
        "scheduler": "dpm++2m-sde-karras",
        "seed": 5602,
        "rng": "cpu",
    }
    assert found.hashes == {"model": "d91d35736d", "lora:offset": "4852686128"}
    assert any("styles" in why for why in found.unmatched)


def test_swarmui() -> None:
    data = {
        "sui_image_params": {
            "prompt": "a fox", "negativeprompt": "", "model": "sd/dream", "seed": 9, "steps": 28,
            "cfgscale": 6.0, "width": 1216, "height": 768, "sampler": "euler_ancestral",
            "scheduler": "normal", "clipstopatlayer": -2, "loras": ["a", "b"],
            "loraweights": ["0.4"],
        },
        "sui_models": [
            {"name": "dream.safetensors", "param": "model", "hash": "0x84FC41ea0821fa0a"}
        ],
    }  # fmt: skip
    found = read({"parameters": json.dumps(data)})
    assert found.program == "SwarmUI"
    assert said(found) == {
        "model": "dream", "seed": 9, "steps": 28, "cfg": 6.0, "width": 1216, "height": 768,
        "scheduler": "euler-a", "clip_skip": 2, "rng": "cpu", "empty_negative": "encoded",
        "loras": (Lora("a", 0.4, 0.4), Lora("b", 1.0, 1.0)),
    }  # fmt: skip
    data["sui_image_params"]["zeronegative"] = True
    assert read({"parameters": json.dumps(data)}).request.empty_negative == "always-zeros"
    assert found.hashes == {"model": "84fc41ea0821fa0a"}


def test_draw_things() -> None:
    data = {"c": "a fox", "uc": "blurry", "model": "sd_v1.5_f16.ckpt", "sampler": "DPM++ 2M Karras",
            "scale": 7.5, "seed": 5, "size": "512x768", "steps": 20}  # fmt: skip
    escaped = json.dumps(data).replace('"', "&quot;")
    packet = f"<exif:UserComment><rdf:Alt><rdf:li xml:lang='x'>{escaped}</rdf:li></rdf:Alt>"
    found = read({"XML:com.adobe.xmp": f"<x:xmpmeta>{packet}</exif:UserComment></x:xmpmeta>"})
    assert found.program == "Draw Things"
    assert said(found) == {"model": "sd_v1.5_f16", "scheduler": "dpm++2m-karras", "cfg": 7.5,
                           "seed": 5, "width": 512, "height": 768, "steps": 20}  # fmt: skip


@pytest.mark.parametrize("machine", [True, False])
def test_easy_diffusion(machine: bool) -> None:
    both = (
        ("prompt", "Prompt", "a fox"), ("negative_prompt", "Negative Prompt", "blurry"),
        ("seed", "Seed", "4"), ("num_inference_steps", "Steps", "25"),
        ("guidance_scale", "Guidance Scale", "7.5"), ("sampler_name", "Sampler", "euler_a"),
        ("width", "Width", "512"), ("height", "Height", "640"),
        ("use_stable_diffusion_model", "Stable Diffusion model", "C:\\models\\dream.ckpt"),
        ("clip_skip", "Clip Skip", "True"),
    )  # fmt: skip
    found = read({one if machine else other: value for one, other, value in both})
    assert found.program == "Easy Diffusion"
    assert said(found) == {"model": "dream", "scheduler": "euler-a", "cfg": 7.5, "seed": 4,
                           "width": 512, "height": 640, "steps": 25, "clip_skip": 2,
                           "rng": "nv"}  # fmt: skip


NOVELAI = {
    "Software": "NovelAI",
    "Description": "a {fox}",
    "Source": "Stable Diffusion 1D44365E",
    "Comment": json.dumps(
        {"steps": 28, "sampler": "k_euler_ancestral", "seed": 3, "scale": 11, "uc": "lowres"}
    ),  # fmt: skip
}


def test_novelai() -> None:
    found = read(NOVELAI)
    assert found.program == "NovelAI"
    assert (found.request.prompt, found.request.negative) == ("a (fox:1.05)", "lowres")
    assert (
        said(found).items() >= {"scheduler": "euler-a", "seed": 3, "cfg": 11.0, "steps": 28}.items()
    )
    assert any("NovelAI's own" in why for why in found.unmatched)


@pytest.mark.parametrize("text", [json.dumps(NOVELAI), "a fox\nSteps: 20, Seed: 7"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_watermark(tmp_path: Path, text: str, packed: bool) -> None:
    raw = gzip.compress(text.encode()) if packed else text.encode()
    word = b"stealth_pngcomp" if packed else b"stealth_pnginfo"
    hidden = word + (len(raw) * 8).to_bytes(4, "big") + raw
    bits = "".join(f"{byte:08b}" for byte in hidden)
    image = Image.new("RGBA", (100, 64), (1, 2, 3, 254))
    for n, bit in enumerate(bits):
        image.putpixel((n // 64, n % 64), (1, 2, 3, 254 | int(bit)))
    path = tmp_path / "hidden.png"
    image.save(path)
    found = readers.read_foreign_picture(metadata.read_picture_metadata(path).texts)
    assert found is not None
    assert found.request.seed in (3, 7)


def with_exif(path: Path, comment: bytes, form: str, big: bool) -> Path:
    exif = Image.Exif()
    exif.endian = ">" if big else "<"
    exif.get_ifd(0x8769)[0x9286] = comment
    Image.new("RGB", (8, 8)).save(path, form, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-16", "ascii", "utf-8"])
@pytest.mark.parametrize("big", [True, False])
def test_exif_of_every_order(tmp_path: Path, form: str, encoding: str, big: bool) -> None:
    text = "a fox\nSteps: 20, Seed: 7"
    label = {"ascii": b"ASCII\0\0\0", "utf-8": b""}.get(encoding, b"UNICODE\0")
    path = with_exif(tmp_path / "fox", label + text.encode(encoding), form, big)
    assert read(dict(metadata.read_picture_metadata(path).texts)).request.seed == 7


def test_text_behind_the_pixels_and_compressed(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a fox, 狐\nSteps: 20, Seed: 7", zip=True)
    before, behind = tmp_path / "before.png", tmp_path / "behind.png"
    Image.new("RGB", (8, 8)).save(before, pnginfo=info)
    raw = before.read_bytes()
    text = raw.index(b"iTXt") if b"iTXt" in raw else raw.index(b"zTXt")
    size = int.from_bytes(raw[text - 4 : text], "big")
    chunk, end = raw[text - 4 : text + 8 + size], raw.index(b"IEND") - 4
    behind.write_bytes(raw[: text - 4] + raw[text + 8 + size : end] + chunk + raw[end:])
    for path in (before, behind):
        assert read(dict(metadata.read_picture_metadata(path).texts)).request.seed == 7


def test_comfyui_in_webp(tmp_path: Path) -> None:
    node = {"class_type": "KSampler", "inputs": {"sampler_name": "euler", "steps": 9, "cfg": 1}}
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{json.dumps({'1': node})}"
    path = tmp_path / "fox.webp"
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    assert read(dict(metadata.read_picture_metadata(path).texts)).request.steps == 9


@pytest.mark.parametrize(
    "texts", [{}, {"comment": "made with love"}, {"prompt": "{}"}, {"Title": "x"}]
)
def test_nobody(texts: dict[str, str]) -> None:
    assert readers.read_foreign_picture(texts) is None


def comfy_graph(positive: dict[str, Any], negative: dict[str, Any], **latent: Any) -> str:
    """A graph as ComfyUI writes it, with these nodes for the two sorts of words."""
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream.ckpt"}},
        "2": positive,
        "3": negative,
        "4": {"class_type": "EmptyLatentImage",
              "inputs": {"width": 1024, "height": 1024, "batch_size": 1, **latent}},
        "5": {"class_type": "KSampler",
              "inputs": {"sampler_name": "euler", "scheduler": "normal", "steps": 9, "cfg": 5,
                         "seed": 7, "denoise": 1, "model": ["1", 0], "positive": ["2", 0],
                         "negative": ["3", 0], "latent_image": ["4", 0]}},
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0]}},
    }  # fmt: skip
    return json.dumps(graph)


def comfy_words(text: str) -> dict[str, Any]:
    return {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}}


ZEROED = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["2", 0]}}


def test_zeros_made_of_the_prompt_are_no_negative_prompt() -> None:
    picture = read({"prompt": comfy_graph(comfy_words("a fox"), ZEROED)})
    assert (picture.request.prompt, picture.request.negative) == ("a fox", "")
    assert not picture.unmatched


def test_an_empty_negative_prompt_is_what_its_program_makes_of_it() -> None:
    words = comfy_words("a fox")
    for negative, rule in ((comfy_words(""), "encoded"), (comfy_words("blue"), None)):
        found = read({"prompt": comfy_graph(words, negative)})
        assert found.request.empty_negative == rule
    assert read({"prompt": comfy_graph(words, ZEROED)}).request.empty_negative == "always-zeros"
    sdcpp = "a fox\nSteps: 20, Sampler: euler, Seed: 7, Version: stable-diffusion.cpp"
    assert read({"parameters": sdcpp}).request.empty_negative == "zero-states"
    for version in ("v1.9.0", "f2.0.1v1.10.1", ""):
        text = f"a fox\nSteps: 20, Sampler: Euler, Seed: 7, Version: {version}"
        assert read({"parameters": text}).request.empty_negative is None
    invokeai = {"positive_prompt": "a fox", "negative_prompt": "", "scheduler": "euler"}
    found = read({"invokeai_metadata": json.dumps(invokeai)})
    assert found.request.empty_negative is None


@pytest.mark.parametrize(
    ("sampler", "comfyui", "others"),
    [("dpm_2", None, "none"), ("dpmpp_3m_sde", "comfyui", "none"), ("euler", None, None)],
)
def test_the_level_before_the_last_is_left_out_where_its_program_does(
    sampler: str, comfyui: str | None, others: str | None
) -> None:
    graph = comfy_graph(comfy_words("a fox"), comfy_words("blue")).replace(
        '"euler"', f'"{sampler}"'
    )
    assert read({"prompt": graph}).request.penultimate == comfyui
    ours = {"dpm_2": "kdpm_2", "dpmpp_3m_sde": ""}.get(sampler, sampler)
    if ours:
        invokeai = {"positive_prompt": "a fox", "negative_prompt": "blue", "scheduler": ours}
        assert read({"invokeai_metadata": json.dumps(invokeai)}).request.penultimate == others
    sdcpp = f"a fox\nSteps: 20, Sampler: {sampler}, Seed: 7, Version: stable-diffusion.cpp"
    assert read({"parameters": sdcpp}).request.penultimate == others


def test_comfyuis_unipc_leaves_a_level_out_that_others_keep() -> None:
    for sampler in ("uni_pc", "uni_pc_bh2"):
        graph = comfy_graph(comfy_words("a fox"), ZEROED).replace('"euler"', f'"{sampler}"')
        assert read({"prompt": graph}).request.penultimate == "comfyui"


def a1111(version: str, prompt: str = "a fox", more: str = "", sampler: str = "Euler") -> Any:
    """What is read of a picture by a version of A1111."""
    settings = f"Steps: 20, Sampler: {sampler}, Seed: 7{more}, Version: {version}"
    return read({"parameters": f"{prompt}\n{settings}"})


@pytest.mark.parametrize(
    ("version", "half", "old"),
    [
        ("v1.3.2", True, True),
        ("1.5.2", True, True),
        ("v1.5.2-310-gabcdef0", True, True),
        ("v1.6.0", True, False),
        ("v1.6.0-2-g4afaaf8a", True, False),
        ("v1.7.0", True, False),
        ("v1.7.0-224-gabcdef0", True, False),
        ("v1.7.0-225-gabcdef0", False, False),
        ("v1.8.0-RC", False, False),
        ("v1.10.1", False, False),
        ("f2.0.1v1.10.1-previous-669-gdfdcbab6", False, False),
        ("a6bf3d2", False, False),
        ("", False, False),
    ],
)
def test_a_picture_by_an_earlier_a1111_is_read_by_its_rules(
    version: str, half: bool, old: bool
) -> None:
    request = a1111(version, "a [red:blue:2.5] fox").request
    assert bool(request.downcast_alphas) is half
    assert request.syntax == ("a1111-1.5" if old else None)
    assert a1111(version, "a [red:blue:0.5] [fox] [a|b] [c:3]").request.syntax is None


def test_an_earlier_rule_that_was_set_is_followed_whatever_the_version() -> None:
    more = ", Old prompt editing timelines: True, Downcast alphas_cumprod: True"
    found = a1111("v1.10.0", "a [red:blue:2.5] fox", more)
    assert (found.request.syntax, found.request.downcast_alphas) == ("a1111-1.5", True)
    assert not found.unmatched
    assert not a1111(
        "v1.10.0", "a [red:blue:2.5] fox", more.replace("True", "False")
    ).request.syntax


def test_settings_of_a1111_that_are_followed() -> None:
    found = a1111("v1.10.0", more=", Noise Schedule: Zero Terminal SNR, Emphasis: Ignore")
    assert (found.request.zero_snr, found.request.emphasis) == (True, "ignored")
    assert not found.unmatched
    found = a1111("v1.10.0", more=", Discard penultimate sigma: True, Noise Schedule: Default")
    assert (found.request.penultimate, found.request.zero_snr) == ("always", None)
    assert not found.unmatched
    text = "a [red:blue:0.5] (fox:1.2) <lora:ink:1>"
    request = a1111("v1.10.0", text, ", Emphasis: None").request
    assert request.syntax == "a1111-unweighted"
    language = SYNTAXES[request.syntax]
    words, (lora,) = language.extract_tags(request.prompt)
    assert lora.name == "ink"
    assert [each.text for each in language.schedule(words, 4)] == [
        "a red (fox:1.2) ", "a blue (fox:1.2) "
    ]  # fmt: skip
    assert language.parse_weights("(fox:1.2)") == (("(fox:1.2)", 1),)


def test_prompts_of_unequal_length_that_an_earlier_a1111_cut() -> None:
    long = ", ".join(["a red fox"] * 40)
    for version, sampler, said in (
        ("v1.5.1", "DDIM", True),
        ("v1.5.1", "PLMS", True),
        ("v1.5.1", "Euler", False),
        ("v1.6.0", "DDIM", False),
    ):
        notes = a1111(version, long, sampler=sampler).unmatched
        assert any("unequal length" in note for note in notes) is said
    assert not any("unequal" in note for note in a1111("v1.5.1", sampler="DDIM").unmatched)


def test_words_that_comfyui_means_otherwise() -> None:
    text = "a fox (embedding:sub/Ink.pt:1.2), embedding:blot <lora:pen:0.8>"
    picture = read({"prompt": comfy_graph(comfy_words(text), comfy_words("embedding:bad"))})
    assert picture.request.prompt == "a fox (Ink:1.2), blot <\\lora:pen:0.8>"
    assert picture.request.negative == "bad"
    assert picture.request.embeddings == ("Ink", "blot", "bad")
    assert extract_lora_tags(picture.request.prompt) == (picture.request.prompt, ())


def test_what_comfyui_draws_otherwise_is_said() -> None:
    picture = read({"prompt": comfy_graph(comfy_words("a fox"), ZEROED, batch_size=4)})
    assert any("one of 4 drawn at once" in why for why in picture.unmatched)
    sizes = {"width": 4096, "height": 4096, "crop_w": 0, "crop_h": 0,
             "target_width": 1024, "target_height": 1024}  # fmt: skip
    inputs = {"text_g": "a fox", "text_l": "a red fox", "clip": ["1", 1], **sizes}
    node = {"class_type": "CLIPTextEncodeSDXL", "inputs": inputs}
    picture = read({"prompt": comfy_graph(node, ZEROED)})
    assert any("told other sizes" in why and "4096, 4096" in why for why in picture.unmatched)
    assert any("words of their own" in why for why in picture.unmatched)
    same = {**inputs, "width": 1024, "height": 1024, "text_l": "a fox"}
    assert not read({"prompt": comfy_graph({**node, "inputs": same}, ZEROED)}).unmatched


def test_a_blurred_mask_is_an_inpainting() -> None:
    picture = infotext("Seed: 7, Size: 512x512, Mask blur: 4")
    assert any("inside a mask that it does not carry" in why for why in picture.unmatched)


def test_settings_between_bars() -> None:
    text = (
        "a (fox, red:1.3)\nNegative prompt: blurry\nSteps: 20 | Sampler: DPM++ 2M SDE Karras | "
        "CFG scale: 5.5 | Seed: 19 | Size: 640x360 | Model hash: bfea7e18e2 | Clip skip: 1"
    )
    picture = read({"parameters": text})
    assert picture.request.prompt == "a (fox, red:1.3)"
    assert said(picture).items() >= {
        "steps": 20, "scheduler": "dpm++2m-sde-karras", "cfg": 5.5, "seed": 19, "width": 640,
        "height": 360, "clip_skip": 1,
    }.items()  # fmt: skip
    assert picture.hashes == {"model": "bfea7e18e2"}


def test_an_upscalers_text_is_no_prompt() -> None:
    text = "Postprocess upscale by: 4, Postprocess upscaler: R-ESRGAN 4x+"
    picture = read({"parameters": text})
    assert picture.request.prompt == ""
    assert any("enlarged afterwards" in why for why in picture.unmatched)


def test_fooocus_in_the_form_of_automatic1111() -> None:
    text = (
        "cinematic still a fox, dark\nNegative prompt: anime, blurry\nSteps: 30, "
        "Sampler: DPM++ 2M SDE Karras, Seed: 56, Size: 1152x896, CFG scale: 4, Sharpness: 2, "
        'ADM Guidance: "(1.5, 0.8, 0.3)", Model: juggernaut, Model hash: d91d35736d, '
        "Performance: Speed, Scheduler: karras, VAE: Default (model), Raw prompt: a fox, "
        'Raw negative prompt: , Lora hashes: "offset: 4852686128", Lora weights: "offset: 0.1", '
        "Version: Fooocus v2.5.5"
    )
    picture = read({"parameters": text})
    assert picture.program == "Fooocus"
    assert said(picture) == {
        "model": "juggernaut", "loras": (Lora("offset", 0.1, 0.1),), "width": 1152, "height": 896,
        "cfg": 4.0, "steps": 30, "scheduler": "dpm++2m-sde-karras", "seed": 56, "rng": "cpu",
        "emphasis": "original",
    }  # fmt: skip
    assert picture.hashes == {"model": "d91d35736d", "lora:offset": "4852686128"}


def test_fooocus_by_the_words_that_were_drawn() -> None:
    data = {"prompt": "a fox", "negative_prompt": "", "base_model": "j", "sampler": "euler",
            "full_prompt": ["cinematic still a fox", "dark, moody"],
            "full_negative_prompt": ["anime"]}  # fmt: skip
    request = read({"parameters": json.dumps(data)}).request
    assert request.prompt == "cinematic still a fox BREAK dark, moody"
    assert request.negative == "anime"
    data |= {"full_prompt": [], "prompt": "a [fox] ((in snow:1.3)) <lora:ink:0.5>"}
    request = read({"parameters": json.dumps(data)}).request
    assert (request.prompt, request.loras) == (r"a \[fox\] (in snow:1.3)", ())


def test_signs_that_only_a1111_reads_are_words_in_other_programs_pictures() -> None:
    text = "a [red:blue:0.5] (fox:1.2) <lora:x:1> AND a poster 16:9"
    settings = "Steps: 20, Sampler: euler, Seed: 7, Version: "
    sdcpp = read({"parameters": f"{text}\n{settings}stable-diffusion.cpp"}).request.prompt
    assert parse_prompt_editing(sdcpp, 20) == ((20, sdcpp),)
    assert parse_a1111_weights(extract_lora_tags(sdcpp)[0]) == (
        ("a ", 1), ("red:blue:0.5", 1 / 1.1), (" ", 1), ("fox", 1.2), ("  and a poster 16:9", 1)
    )  # fmt: skip
    comfyui = read({"prompt": comfy_graph(comfy_words(text), comfy_words(""))}).request.prompt
    assert parse_prompt_editing(comfyui, 20) == ((20, comfyui),)
    assert [*map(tuple, parse_a1111_weights(comfyui))] == [
        ("a [red:blue:0.5] ", 1), ("fox", 1.2), (" <lora:x:1> and a poster 16:9", 1)
    ]  # fmt: skip
    invokeai = {"positive_prompt": "a poster 16:9", "negative_prompt": "blue+"}
    found = read({"invokeai_metadata": json.dumps(invokeai)}).request
    assert (found.syntax, split_at_and(found.prompt)[0].weight) == ("a1111", 1)
    for prompt in (sdcpp, comfyui):
        assert [part.weight for part in split_at_and(extract_lora_tags(prompt)[0])] == [1]
    theirs = read({"parameters": f"{text}\n{settings}v1.10.0"}).request.prompt
    assert theirs == text


def test_invokeais_weights_are_translated_and_said() -> None:
    data = {"positive_prompt": "a red+ fox [x] (in snow)1.3", "negative_prompt": "16:9, (dull)"}
    found = read({"invokeai_metadata": json.dumps(data)})
    assert found.request.prompt == r"a (red:1.1) fox \[x\] (in snow:1.3)"
    assert found.request.negative == "16:9, dull"
    assert found.request.syntax == "a1111"
    assert any("weighted by another rule" in why for why in found.unmatched)
    plain = read({"invokeai_metadata": json.dumps({"positive_prompt": "a [fox] AND (an owl)"})})
    assert (plain.request.prompt, plain.request.syntax) == ("a [fox] AND an owl", "plain")
