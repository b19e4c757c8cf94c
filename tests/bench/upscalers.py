"""Upscalers of random numbers by stable-diffusion.cpp and by ncnn, and how far apart they are from
ours, in grey levels; the same in tiles and whole.

Wants stable-diffusion.cpp's `sd-cli` (`--sd-cli`), which knows RRDB alone, and `ncnn` from PyPI for
the compact network; what is not there is left out.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdcli.engine import upscaler as engine
from sdcli.engine.upscaler import LoadedUpscaler
from tests.bench.sdcpp import apart
from tests.helpers import upscalers

SIZE = 120, 88
WHOLE = 64, 32, 6  # width, growth and blocks of ESRGAN's smaller network


def main(words: list[str]) -> None:
    """Enlarge one picture by every network and program, and print a table."""
    said = argparse.ArgumentParser(prog="python -m tests.bench upscalers", description=__doc__)
    said.add_argument("--sd-cli", type=Path)
    said.add_argument("--folder", type=Path, default=Path("outputs/upscalers"))
    asked = said.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    picture(*SIZE).save(asked.folder / "small.png")
    print(
        "| network | beside | mean grey levels apart | worst | ours | theirs |\n|---|---|---|---|---|---|"
    )
    if asked.sd_cli:
        compare_rrdbs(asked.folder, asked.sd_cli)
    if find_spec("ncnn"):
        compare_compact(asked.folder)
    compare_tiles(asked.folder)


def picture(width: int, height: int) -> Image.Image:
    """Waves, edges and noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / 9 + k) + np.cos(y / 7 - k) for k in range(3)], -1)
    edges = np.sign(np.sin(x * y / 300))[..., None]
    noise = np.random.default_rng(0).normal(0, 0.15, waves.shape)
    return Image.fromarray((127 + 50 * (waves + 0.5 * edges + noise)).clip(0, 255).astype(np.uint8))


def say(name: str, beside: str, ours: Image.Image, theirs: Image.Image, *seconds: float) -> None:
    """A row."""
    mean, worst = apart(ours, theirs)
    times = " | ".join(f"{second:.2f} s" for second in seconds)
    print(f"| {name} | {beside} | {mean:.3f} | {worst} | {times} |", flush=True)


def enlarged(path: Path, small: Image.Image) -> tuple[Image.Image, float]:
    """By ours, and in how many seconds."""
    loaded = LoadedUpscaler(path, device="cpu")
    began = time.perf_counter()
    return loaded.enlarge(small), time.perf_counter() - began


def compare_rrdbs(folder: Path, program: Path) -> None:
    """ESRGAN's networks beside stable-diffusion.cpp."""
    width, growth, blocks = WHOLE
    made = {k: upscalers.rrdb(k, width=width, growth=growth, blocks=blocks) for k in (0, 1, 2)}
    files = {f"RRDB x{2**k}": tensors for k, tensors in made.items()}
    files["RRDB x4, counted names"] = upscalers.as_first_esrgan(made[2])
    small = Image.open(folder / "small.png")
    for name, tensors in files.items():
        path = upscalers.write(folder / f"{name}.safetensors", tensors)
        out = folder / f"{name}.png"
        began = time.perf_counter()
        subprocess.run(
            [program, "-M", "upscale", "--upscale-model", path, "-i", folder / "small.png", "-o", out,
             "-t", str(torch.get_num_threads())],
            check=True, capture_output=True,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        ours, own = enlarged(path, small)
        say(name, "stable-diffusion.cpp", ours, Image.open(out), own, seconds)


def compare_compact(folder: Path) -> None:
    """Real-ESRGAN's compact network beside ncnn."""
    ncnn = import_module("ncnn")
    small = Image.open(folder / "small.png")
    for scale in (2, 4):
        tensors = upscalers.srvgg(scale, width=64, layers=16)
        path = upscalers.write(folder / f"compact-{scale}.safetensors", tensors)
        write_ncnn(path.with_suffix(""), tensors, scale)
        net = ncnn.Net()
        net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = False
        net.opt.use_bf16_storage, net.opt.num_threads = False, torch.get_num_threads()
        net.load_param(str(path.with_suffix(".param")))
        net.load_model(str(path.with_suffix(".bin")))
        pixels = np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1) / 255)
        began = time.perf_counter()
        run = net.create_extractor()
        run.input("data", ncnn.Mat(pixels))
        found = np.array(run.extract("out")[1])
        seconds = time.perf_counter() - began
        theirs = Image.fromarray(
            (found * 255).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        )
        ours, own = enlarged(path, small)
        say(f"compact x{scale}", "ncnn", ours, theirs, own, seconds)


def write_ncnn(path: Path, tensors: upscalers.Tensors, scale: int) -> None:
    """The same network as ncnn's two files."""
    lines = ["Input data 0 1 data", "Split split 1 2 data small again"]
    blob, binary = "small", b""
    for k in range(len(tensors)):
        weight = tensors.get(f"body.{k}.weight")
        if weight is None:
            break
        after, count = f"b{k}", weight.numel()
        if weight.ndim == 4:
            lines.append(
                f"Convolution c{k} 1 1 {blob} {after} 0={len(weight)} 1=3 4=1 5=1 6={count}"
            )
            binary += struct.pack("<I", 0) + weight.numpy().tobytes()
            binary += tensors[f"body.{k}.bias"].numpy().tobytes()
        else:
            lines.append(f"PReLU p{k} 1 1 {blob} {after} 0={count}")
            binary += weight.numpy().tobytes()
        blob = after
    lines += [
        f"PixelShuffle shuffle 1 1 {blob} large 0={scale}",
        f"Interp nearest 1 1 again repeated 0=1 1={scale}.0 2={scale}.0",
        "BinaryOp add 2 1 large repeated out 0=0",
    ]
    blobs = len(lines) + 1  # one a layer, and a second of the split
    path.with_suffix(".param").write_text(
        "\n".join(["7767517", f"{len(lines)} {blobs}", *lines, ""])
    )
    path.with_suffix(".bin").write_bytes(binary)


def compare_tiles(folder: Path) -> None:
    """Tiles of 128 pixels beside the whole picture."""
    width, growth, blocks = WHOLE
    large = picture(250, 190)
    for name, tensors in (
        ("RRDB x4", upscalers.rrdb(2, width=width, growth=growth, blocks=blocks)),
        ("RRDB x4, 23 blocks", upscalers.rrdb(2, width=32, growth=16, blocks=23)),
        ("compact x4", upscalers.srvgg(4, width=64, layers=16)),
    ):
        path = upscalers.write(folder / f"{name}.safetensors", tensors)
        whole, seconds = enlarged(path, large)
        usual, engine.SIDES = engine.SIDES, (128,)
        tiled, own = enlarged(path, large)
        engine.SIDES = usual
        say(f"{name} in tiles", "whole", tiled, whole, own, seconds)
