"""Mutated texts and files against everything that reads pictures: no crash, no hang, no hunger.

    python -m tests.bench.fuzz [--cases 100000] [--seed 0]

A refusal (SdcliError) is an answer. Anything else raised, a case that takes longer than two seconds
and a process that grows beyond 200 MB are failures; the case is kept and its number told.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.errors import SdcliError
from sdcli.images import embedded_texts as containers
from sdcli.metadata import a1111_format as infotext
from sdcli.metadata import readers
from sdcli.metadata import record as metadata
from sdcli.reproduce.command_line import command_for_request
from sdcli.show import picture as portrait
from tests.helpers import plans
from tests.helpers.shared import cases

SLOW = 2.0  # seconds
HUNGRY = 200  # megabytes
PIECES = (
    b"Steps: 20, ", b"Negative prompt: ", b'"', b"\\", b"{", b"[", b"}", b"]", b",", b":", b"\n",
    b"\0", b"<lora:x:1>", b'{"sdcli":', b"1e999", b"NaN", b"-1", b"9" * 400, b"null", b"true",
    b'"prompt"', b"UNICODE\0", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 2_000, b'{"a":' * 2_000,
    b"&quot;", b"\xff\xd8\xff\xe1", b"IHDR", b"iTXt", b"zTXt", b"eXIf", b"RIFF", b"VP8X", b"EXIF",
    b"MM\0\x2a", b"II\x2a\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"stealth_pngcomp",
)  # fmt: skip
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


def texts() -> list[dict[str, str]]:
    """What pictures carry, before it is spoilt."""
    real = [{"parameters": case["raw"]} for case in cases("infotext.json")]
    tools = cases("other_tools_png.json")
    real += list(tools["files"].values()) if tools else []
    ours = {"sdcli": metadata.compose_record(plans.a_picture())}
    fooocus = {"parameters": '{"base_model": "a", "sampler": "euler", "loras": [["x", 1, "12"]]}'}
    return [*real, {"parameters": INFOTEXT}, fooocus, ours, *({k: v} for k, v in OTHERS.items())]


def files() -> list[bytes]:
    """Small pictures that carry such texts, in every format and every place of it."""
    picture = plans.a_picture()
    found: list[bytes] = []
    for name, form in (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")):
        found.append(_saved(picture.image, form, **metadata.metadata_save_options(picture, name)))
    for zipped in (False, True):
        info = PngInfo()
        for said in texts()[-12:]:
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


def spoilt(raw: bytes, dice: random.Random, sound: list[bytes]) -> bytes:
    """The bytes after a few accidents."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at, piece = dice.randrange(len(data) + 1), dice.choice(PIECES)
        match dice.randrange(7):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                data[at:at] = piece
            case 2:
                data[at : at + len(piece)] = piece
            case 3:
                del data[at : at + dice.choice((1, 4, 64, len(data)))]
            case 4:
                data[at:at] = data[at : at + dice.choice((8, 64, 512))] * dice.choice((1, 3, 50))
            case 5:
                other = dice.choice(sound)
                start = dice.randrange(len(other) + 1)
                data[at:at] = other[start : start + dice.choice((16, 256))]
            case _:
                data[at : at + 4] = struct.pack(
                    ">I", dice.choice((0, 1, 2**31 - 1, len(data), 255))
                )
        del data[500_000:]
    return bytes(data)


def mended(raw: bytes) -> bytes:
    """A PNG with the right checksums over whatever its chunks now hold: else none is looked at."""
    data, at = bytearray(raw), len(containers.PNG)
    while raw.startswith(containers.PNG) and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


def trials(
    count: int, seed: int, folder: Path
) -> Iterator[tuple[int, Callable[[], object], bytes]]:
    """Things to try, by number: two texts for every file."""
    dice = random.Random(seed)
    said, held = texts(), files()
    raws = [json.dumps(each).encode() for each in said] + [INFOTEXT.encode()]
    path = folder / "case"
    for number in range(count):
        if number % 3 == 2:
            raw = spoilt(dice.choice(held), dice, held)
            raw = mended(raw) if dice.random() < 0.8 else raw
            path.write_bytes(raw)
            yield number, lambda: portrait.lines(portrait.facts(path)), raw
            continue
        names = dice.choice(said)
        spoiled = {
            name: spoilt(text.encode(), dice, raws).decode("utf-8", "surrogateescape")
            for name, text in names.items()
        }
        yield number, lambda spoiled=spoiled: _read(spoiled), json.dumps(spoiled).encode()


def _read(said: dict[str, str]) -> None:
    found = readers.read_foreign_picture(said, (64, 64))
    if found is not None:
        command_for_request(found.request)
    for text in said.values():
        infotext.parse_infotext(text)


def failures(count: int, seed: int, folder: Path) -> list[str]:
    """What went wrong, a line a case."""
    wrong: list[str] = []
    for number, attempt, raw in trials(count, seed, folder):
        before = time.perf_counter()
        try:
            attempt()
        except SdcliError:
            pass
        except Exception as error:  # noqa: BLE001  # whatever it is, it is a finding
            wrong.append(f"case {number}: {type(error).__name__}: {error}")
        if (took := time.perf_counter() - before) > SLOW:
            wrong.append(f"case {number}: {took:.1f} s")
        if len(wrong) and wrong[-1].startswith(f"case {number}:"):
            (folder / f"case-{number}").write_bytes(raw)
    return wrong


def peak() -> float:
    """The most memory this process has had, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> int:
    """Run, and say what was found."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sdcli-fuzz-"))
    began = time.perf_counter()
    wrong = failures(asked.cases, asked.seed, folder)
    for line in wrong[:50]:
        print(line)
    seconds = time.perf_counter() - began
    print(
        f"{asked.cases:,} cases in {seconds:.0f} s, {len(wrong)} failures, {peak():.0f} MB at most"
    )
    if wrong:
        print(f"the cases are in {folder}")
    return 1 if wrong or peak() > HUNGRY else 0


if __name__ == "__main__":
    sys.exit(main())
