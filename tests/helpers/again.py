"""One drawing of every sort that the program knows, to be drawn again where everything has moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import controls, loras, tiny, upscalers

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--steps", 2, "-W", 64, "-H", 64)
Job = tuple[str, tuple[object, ...]]


@dataclass(frozen=True)
class Props:
    """The files that drawings are made of, in a folder that they will not stay in."""

    folder: Path

    def at(self, name: str) -> Path:
        """One of them."""
        return self.folder / name


def props(folder: Path, write: Callable[[str], Path] | None = None) -> Props:
    """Tiny files of every sort."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Props(folder)
    for layout in ("sd1", "sd1-inpaint", "sd1-edit", "sd2-upscale", "sdxl"):
        path = made.at(f"{layout}.safetensors")
        path.write_bytes(write(layout).read_bytes()) if write else tiny.write(path, layout)
    targets = loras.targets(identify_checkpoint(made.at("sd1.safetensors")))
    loras.write(made.at("ink.safetensors"), loras.lora(targets)[0])
    save_file({"emb_params": torch.randn(2, 32)}, made.at("oddword.safetensors"))
    bundled = {"bundle_emb.blot.string_to_param.*": torch.randn(2, 32)}
    loras.write(made.at("bundle.safetensors"), {**loras.lora(targets[::9])[0], **bundled})
    held = {f"control_model.{name}": held for name, held in controls.tensors("sd1").items()}
    save_file(held, made.at("control.safetensors"))
    save_file(upscalers.srvgg(2), made.at("larger.safetensors"))
    Image.radial_gradient("L").resize((61, 70)).convert("RGB").save(made.at("in.png"))
    white = Image.new("L", (61, 70))
    white.paste(255, (16, 16, 40, 48))
    white.save(made.at("mask.png"))
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(made.at("map.png"))
    return made


def jobs(given: Props) -> Iterator[Job]:
    """One of each sort: names of pictures, and the words that draw them."""
    at, model = given.at, given.at("sd1.safetensors")
    same = ("-m", model, "--seed", 7, *SMALL)
    over = ("--image", at("in.png"), "--seed", 7, "--steps", 3)
    mask = ("--mask", at("mask.png"), "--feather", 3)
    yield "draw.webp", ("txt2img", "a (red:1.3) fox, 狐 BREAK 🦊", *same)
    yield "redraw.jpg", ("img2img", "a fox", "-m", model, *over, "--strength", 0.6)
    inpaint, edit = at("sd1-inpaint.safetensors"), at("sd1-edit.safetensors")
    yield "nine.png", ("inpaint", "a fox", "-m", inpaint, *over, *mask)
    yield "edit.png", ("edit", "make it snow", "-m", edit, *over, "--image-cfg", 1.2)
    lora = f"{at('ink.safetensors')}:0.8,te=0.5"
    word = ("--embedding", at("oddword.safetensors"), "-n", "oddword")
    yield "word.png", ("txt2img", "a fox (OddWord:1.2)", *same, *word, "--lora", lora)
    control = f"{at('control.safetensors')}:{at('map.png')}:0.8@0-0.6"
    yield "map.png", ("img2img", "a fox", "-m", model, *over, "--control", control)
    noisy = ("--scheduler", "euler-a", "--rng", "nv", "--eta", 0.7, "--ensd", 31337)
    noisy += ("--variation-strength", 0.3, "--seed-resize", "32x48")
    yield "noisy.png", ("txt2img", "a fox", *same, *noisy, "--clip-skip", 2)
    larger = (
        "--hires",
        "96x128",
        "--hires-upscaler",
        at("larger.safetensors"),
        "--hires-strength",
        0.5,
    )
    larger += ("--hires-steps", 1, "--hires-scheduler", "euler-a", "--hires-prompt", "an owl")
    yield "larger.png", ("txt2img", "a [red:blue:1.2] fox", *same, *larger)
    xl = at("sdxl.safetensors")
    yield "xl.png", ("txt2img", "a fox", "-m", xl, *SMALL, "-n", "blurry", "--cfg", 3.5)


def all_jobs(given: Props, schedulers: Iterable[str], formats: Iterable[str]) -> Iterator[Job]:
    """Everything there is."""
    yield from jobs(given)
    at, model = given.at, given.at("sd1.safetensors")
    same = ("-m", model, "--seed", 7, *SMALL)
    over = ("--image", at("in.png"), "--seed", 7, "--steps", 3, "-m", model)
    for ending in formats:
        yield f"a.{ending}", ("txt2img", "a fox", *same)
        yield f"b.{ending}", ("img2img", "a fox", *over, "--strength", 0.4)
        yield f"c.{ending}", ("inpaint", "a fox", *over, "--mask", at("mask.png"))
    for name in schedulers:
        yield f"{name}.png", ("txt2img", "a fox", *same, "--scheduler", name)
    bundle = f"{at('bundle.safetensors')}:0.5"
    yield "bundle.png", ("txt2img", "a fox blot", *same, "--lora", bundle)
    control = f"{at('control.safetensors')}:{at('map.png')}"
    yield "edges.png", ("txt2img", "a fox", *same, "--control-canny", control)
    yield "gpu.png", ("txt2img", "a fox", *same, "--scheduler", "euler-a", "--rng", "gpu")
    sides = ("--left", 8, "--to", "2:1", "--fill", "noise", "--grow", 8)
    yield "wider.png", ("outpaint", "a fox", *over, *sides)
    yield "corner.webp", ("outpaint", "a fox", *over, "--up", 16, "--only-masked", 8)
    by, words = at("sd2-upscale.safetensors"), ("--prompt", "a fox", "--negative", "fog")
    small = (at("in.png"), "--with", by, "--seed", 7, "--steps", 2, "--scale", 1.7)
    yield "enlarged.png", ("upscale", *small, *words, "--noise-level", 90)
    yield "vae.png", ("txt2img", "a fox", *same, "--vae", at("sdxl.safetensors"))
    yield "plain.png", ("txt2img", "a (fox", *same, "--prompt-syntax", "plain")
    yield "no-norm.png", ("txt2img", "a ((fox))", *same, "--emphasis", "no-norm")
    yield "edited.png", ("txt2img", "a [red:blue:0.5] [fox|dog]", *same)


def move(given: Props, models: Path, pictures: Path) -> None:
    """Everything elsewhere and under other names."""
    models.mkdir(parents=True, exist_ok=True)
    for n, path in enumerate(sorted(given.folder.iterdir())):
        folder = models if path.suffix == ".safetensors" else pictures
        path.rename(folder / f"renamed-{n}{path.suffix}")


def again(pictures: Iterable[object], out: Path) -> tuple[int, list[dict[str, object]], str]:
    """`sdcli reproduce --exact` in a process of its own: its code, what it told, its conversation."""
    command = [sys.executable, "-m", "sdcli", "reproduce", *map(str, pictures), "--exact", "--json"]
    ran = subprocess.run(
        [*command, "-o", str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr
