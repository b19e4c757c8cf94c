"""Sound inputs for the fuzzer, of every kind that a stranger can hand in, before they are spoilt."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.metadata import record
from tests.helpers import plans, tiny
from tests.helpers.shared import cases

INFOTEXT = (
    "a fox <lora:ink:0.8>\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M, Schedule type: "
    'Karras, CFG scale: 7, Seed: 7, Size: 512x512, Model hash: 0123456789, Lora hashes: "ink: 12"'
    ', Hashes: {"model": "0123456789"}, Civitai resources: [{"type": "lora"}], Version: v1.10'
)
GRAPH = {
    "1": {"class_type": "CheckpointLoader", "inputs": {"ckpt_name": "a.ckpt"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["1", 1]}},
    "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 8, "height": 8, "batch_size": 1}},
    "4": {"class_type": "KSampler", "inputs": {
        "sampler_name": "euler", "scheduler": "normal", "steps": 9, "cfg": 1, "seed": 7,
        "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0]}},
    "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0]}},
}  # fmt: skip
OTHERS = {
    "prompt": json.dumps(GRAPH),
    "Dream": '"a fox [blurry]" -s 50 -S 7 -W 512 -H 512 -C 5 -A k_lms',
    "sd-metadata": '{"image": {"prompt": [{"prompt": "a fox"}], "steps": 5, "postprocessing": []}}',
    "invokeai_metadata": '{"positive_prompt": "a fox", "loras": [{"model": {"name": "x"}}]}',
    "XML:com.adobe.xmp": '<exif:UserComment><rdf:li>{"c": "a", "uc": "b"}</rdf:li></exif:UserComment>',
    "num_inference_steps": "20",
    "UserComment": '{"sui_image_params": {"prompt": "a"}, "sui_models": [{"param": "loras"}]}',
    "Software": "NovelAI",
    "Comment": '{"steps": 28, "sampler": "k_euler", "uc": "b"}',
    "stealth": '{"Software": "NovelAI", "Comment": "{}"}',
}


def picture_texts() -> list[dict[str, str]]:
    """What pictures carry, before it is spoilt."""
    real = [{"parameters": case["raw"]} for case in cases("infotext.json")]
    tools = cases("other_tools_png.json")
    real += list(tools["files"].values()) if tools else []
    ours = {"sdcli": record.compose_record(plans.a_picture())}
    fooocus = {"parameters": '{"base_model": "a", "sampler": "euler", "loras": [["x", 1, "12"]]}'}
    return [*real, {"parameters": INFOTEXT}, fooocus, ours, *({k: v} for k, v in OTHERS.items())]


def pictures() -> list[bytes]:
    """Small pictures that carry such texts, in every format and every place of it."""
    picture = plans.a_picture()
    found: list[bytes] = []
    for name, form in (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")):
        found.append(_saved(picture.image, form, **record.metadata_save_options(picture, name)))
    for zipped in (False, True):
        info = PngInfo()
        for said in picture_texts()[-12:]:
            for name, text in said.items():
                info.add_text(name, text, zip=zipped)
        found.append(_saved(picture.image, "PNG", pnginfo=info))
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{OTHERS['prompt']}"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + INFOTEXT.encode("utf-16-le")
    for form in ("JPEG", "WEBP", "PNG", "AVIF", "TIFF"):
        found.append(_saved(picture.image, form, exif=exif.tobytes()))
    found.append(_saved(picture.image, "GIF", comment=INFOTEXT.encode()))
    return [*found, hidden(INFOTEXT)]


def hidden(text: str) -> bytes:
    """A picture with a watermark."""
    raw = zlib.compress(text.encode(), wbits=31)
    bits = "".join(
        f"{byte:08b}" for byte in b"stealth_pngcomp" + struct.pack(">I", len(raw) * 8) + raw
    )
    image = Image.new("RGBA", (64, 64), (1, 2, 3, 254))
    for n, bit in enumerate(bits):
        image.putpixel((n // 64, n % 64), (1, 2, 3, 254 | int(bit)))
    return _saved(image, "PNG")


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


PRESET = """\
model = "sd15"
steps = 30
cfg = 6.5
scheduler = "dpm++2m-karras"
negative = "blurry"
lora = ["ink:0.8", "paper"]
seed = 7
width = 512
"""
JOBS = (
    '{"prompt": "a fox", "steps": 30, "seed": 7, "lora": ["ink:0.8"]}\n'
    '{"prompt": "a hen", "image": "in.png", "strength": 0.5}\n'
    "a plain prompt\n# a remark\n"
)
PROMPTS = (
    "a (red:1.2) fox [in the (snow)], \\(really\\) BREAK by night",
    "[a cat:a dog:0.5] AND a [red|green|blue] house :0.7",
    "<lora:ink:0.8> [[a:b:3]:c:[d|e]:0.25] {x} :1.3)",
)
NAMES = (
    "~nobody/models/fox.safetensors",
    "ink.safetensors:0.8,te=0.5",
    "depth.safetensors:map.png:0.7@0.1-0.6",
    "{scheduler}/{index:03}-{seed}.webp",
    "builtin:blueprint",
    "owner--name/fox",
    "1e308",
    "18446744073709551615",
)


def shape_tables() -> list[dict[str, tuple[int, ...]]]:
    """The tensors of every kind of file of weights, in small."""
    checkpoints = [tiny.shapes(tiny.LAYOUTS[name]) for name in ("sd1", "sd2", "sdxl")]
    word: dict[str, tuple[int, ...]] = {"emb_params": (3, 128)}
    pair: dict[str, tuple[int, ...]] = {"clip_l": (2, 768), "clip_g": (2, 1280)}
    lora = {
        f"lora_unet_{module}.{factor}": shape
        for module in ("mid_block_resnets_0_conv1", "down_blocks_0_attentions_0_proj_in")
        for factor, shape in (
            ("lora_down.weight", (4, 64, 1, 1)),
            ("lora_up.weight", (64, 4, 1, 1)),
            ("alpha", ()),
            ("dora_scale", (64, 1)),
        )
    }
    lokr = {
        "lycoris_unet_mid_block_resnets_0_conv1.lokr_w1": (2, 2),
        "lycoris_unet_mid_block_resnets_0_conv1.lokr_w2_a": (32, 4),
        "lycoris_unet_mid_block_resnets_0_conv1.lokr_w2_b": (4, 288),
        "bundle_emb.word.string_to_param.*": (2, 128),
    }
    control = {
        f"control_model.{name}": shape
        for name, shape in tiny.unet(tiny.SD1).items()
        if not name.startswith("out")
    } | {
        "control_model.zero_convs.0.0.weight": (32, 32, 1, 1),
        "control_model.input_hint_block.0.weight": (16, 3, 3, 3),
        "control_model.input_hint_block.14.weight": (32, 16, 3, 3),
    }
    scaled = {"model.diffusion_model.out.2.weight_scale": (), "scaled_fp8": (2,)}
    return [*checkpoints, word, pair, lora, lokr, control, tiny.vae(), checkpoints[0] | scaled]


METADATA = {
    "sdcli": '{"name": "x", "size": 128, "steps": 25, "cfg": 4.0, "unet_heads": 4}',
    "ss_base_model_version": "sd_v1",
    "ss_tag_frequency": '{"10_dog": {"a dog": 5, "grass": 2}}',
    "modelspec.prediction_type": "v",
    "lora_adapter_metadata": '{"unet.lora_alpha": 4, "unet.alpha_pattern": {"conv1": 2}}',
    "_quantization_metadata": '{"layers": {"out.2": {"format": "float8_e4m3fn"}}}',
}


def ggufs() -> list[bytes]:
    """GGUF files with metadata of every kind and tensors of most."""

    def text(word: str) -> bytes:
        return struct.pack("<Q", len(word)) + word.encode()

    values = (
        text("general.architecture") + struct.pack("<I", 8) + text("sd1"),
        text("general.alignment") + struct.pack("<II", 4, 32),
        text("comfy.gguf.orig_shape.a") + struct.pack("<IIQ2i", 9, 5, 2, 4, 8),
        text("x") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("y") + struct.pack("<Id", 12, 0.5),
    )
    tensors = (("a", 1, (2, 16)), ("b.weight", 8, (2, 32)), ("c", 2, (3, 64)), ("d", 0, (5,)))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(values)
    for place, (name, kind, shape) in enumerate(tensors):
        sides = struct.pack(f"<{len(shape)}Q", *shape[::-1])
        head += text(name) + struct.pack("<I", len(shape)) + sides
        head += struct.pack("<IQ", kind, 256 * place)
    return [head + bytes(-len(head) % 32) + bytes(1024)]


def pickles() -> list[bytes]:
    """Files as PyTorch writes them, zipped and not, and pickles of every protocol in a zip."""
    state = OrderedDict(
        a=torch.zeros(2, 3, dtype=torch.float16), b=torch.zeros(4, 2).T, c=torch.tensor(3)
    )
    found: list[bytes] = []
    for root in (
        state,
        {"state_dict": state, "global_step": 3, "x": [1, 0.5, {"y": (None, True)}]},
    ):
        for zipped in (True, False):
            stream = io.BytesIO()
            torch.save(root, stream, _use_new_zipfile_serialization=zipped)
            found.append(stream.getvalue())
    for protocol in range(6):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            words: Any = {"a": [1, "b", {3: (1, 2)}, {4, 5}, 1 << 70, b"x"], "z": OrderedDict(k=1)}
            archive.writestr("x/data.pkl", pickle.dumps(words, protocol))
            archive.writestr("x/byteorder", "little")
        found.append(stream.getvalue())
    return found
