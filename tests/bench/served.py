"""The same client against our server and stable-diffusion.cpp's, and how far apart their pictures are.

Wants a random checkpoint of full size, as `python -m tests.bench.full_size` writes it, and their
`sd-server`: it builds from the sources in the sdist of `stable-diffusion-cpp-python` 0.4.7, in the folder
`vendor/stable-diffusion.cpp`, with `cmake -S . -B build -DSD_SERVER_BUILD_FRONTEND=OFF` and
`cmake --build build --target sd-server`. The client is `webuiapi`, which knows of neither.

One call is drawn here in this process: a second pass by way of a model. Theirs rolls the picture's own
dice in the VAE before the pass's noise, so that ours has to roll them once more to have the same noise.
What then is left comes of the enlarged picture, which A1111 and we round to bytes and theirs does not:
the same call in floats shows it.
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import webuiapi
from PIL import Image, ImageDraw

from sdcli.engine import hires
from sdcli.engine.decode import decode_pixels
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.noise import Noise
from sdcli.engine.pipeline import encode_pixels
from sdcli.engine.session import Session
from sdcli.events import Listener
from sdcli.hires import SecondPass
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request
from sdcli.schedulers.names import find_sampler_with_schedule
from tests.bench.sdcpp import apart
from tests.helpers import upscalers

MASKED = "img2img inside a mask"
BY_MODEL = "hires fix, a random RRDB x2, our dice rolled as often"
IN_FLOATS = f"{BY_MODEL}, ours in floats between the passes, too"
WHOLE = 64, 32, 6  # width, growth and blocks of ESRGAN's smaller network
Call = tuple[str, str, Mapping[str, Any]]  # a name, the client's method, its words


def main(words: list[str]) -> None:
    """Ask both, and print a table."""
    said = argparse.ArgumentParser(prog="python -m tests.bench served", description=__doc__)
    said.add_argument("model", type=Path)
    said.add_argument("--sd-server", type=Path, required=True)
    said.add_argument("--side", type=int, default=128, help="of the pictures, in pixels")
    said.add_argument("--only", default="", help="a regular expression over the calls' names")
    said.add_argument("--threads", type=int, default=1)
    asked = said.parse_args(words)
    ours = [sys.executable, "-m", "sdcli", "serve", "-m", asked.model, "--port"]
    theirs = [asked.sd_server, "-m", asked.model, "--listen-ip", "127.0.0.1"]
    theirs += ["--rng", "cpu", "--sampler-rng", "cpu", "-t", asked.threads]
    with TemporaryDirectory() as folder:
        width, growth, blocks = WHOLE
        tensors = upscalers.rrdb(1, width=width, growth=growth, blocks=blocks)
        network = upscalers.write(Path(folder) / "rrdb.safetensors", tensors)
        theirs += ["--hires-upscalers-dir", folder, "--listen-port"]
        drawn = {"ours": draw(ours, asked, without=BY_MODEL), "theirs": draw(theirs, asked)}
        if BY_MODEL in drawn["theirs"]:
            drawn["ours"][BY_MODEL] = draw_by_model(asked, network)
            with replaced(hires, "enlarge_latents", enlarge_in_floats):
                drawn["ours"][IN_FLOATS] = draw_by_model(asked, network)
            drawn["theirs"][IN_FLOATS] = drawn["theirs"][BY_MODEL]
    print("| call | mean grey levels apart | worst | our seconds | theirs |\n|---|---|---|---|---|")
    for name, (pictures, seconds) in drawn["ours"].items():
        others, their_seconds = drawn["theirs"][name]
        within = hole(asked.side) if name == MASKED else None
        far = [apart(*pair, within) for pair in zip(pictures, others, strict=True)]
        mean, worst = max(mean for mean, _ in far), max(worst for _, worst in far)
        print(f"| {name} | {mean:.2f} | {worst} | {seconds:.1f} | {their_seconds:.1f} |")


def calls(side: int) -> Iterator[Call]:
    """What is asked of both: only what theirs provides, by names that both know."""
    same: dict[str, Any] = {
        "prompt": "a red fox in the snow, oil painting", "negative_prompt": "blurry", "seed": 42,
        "steps": 5, "cfg_scale": 7, "width": side, "height": side,
    }  # fmt: skip
    start = Image.linear_gradient("L").resize((side, side)).convert("RGB")
    ImageDraw.Draw(start).ellipse((side // 4, side // 4, side // 2, side // 2), "red")
    yield (
        "warm-up",
        "txt2img",
        {**same, "steps": 1, "sampler_name": "Euler", "scheduler": "discrete"},
    )
    for sampler, schedule in (
        ("Euler", "discrete"),
        ("Euler a", "discrete"),
        ("DPM++ 2M", "karras"),
    ):
        row = {**same, "sampler_name": sampler, "scheduler": schedule}
        yield f"txt2img, {sampler}, {schedule}", "txt2img", row
    euler = {**same, "sampler_name": "Euler", "scheduler": "discrete"}
    yield "txt2img, two in a batch", "txt2img", {**euler, "batch_size": 2}
    # Of 5 steps at this strength theirs takes 5, as A1111 does; of others it may take one more. Left out
    # is what theirs does otherwise than A1111: bicubic with antialiasing has another kernel than torch's,
    # and enlarged pixels go through a VAE that rolls the picture's own dice, so that the noise is another.
    for upscaler in ("Latent", "Latent (bicubic)", "Latent (nearest-exact)"):
        larger = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.7}
        yield f"hires fix, {upscaler}", "txt2img", {**euler, **larger, "hr_upscaler": upscaler}
    larger = {"enable_hr": True, "hr_scale": 2, "denoising_strength": 0.7, "hr_upscaler": "rrdb"}
    yield BY_MODEL, "txt2img", {**euler, **larger}
    over = {**euler, "images": [start], "denoising_strength": 0.8}
    yield "img2img", "img2img", over
    painted = Image.new("L", (side, side))
    painted.paste(255, hole(side))
    masked = {
        "mask_image": painted,
        "mask_blur": 0,
        "inpainting_fill": 1,
        "inpaint_full_res": False,
    }
    yield MASKED, "img2img", {**over, **masked}


def hole(side: int) -> tuple[int, int, int, int]:
    """What is repainted: theirs leaves what the VAE made of the rest, and ours the rest itself."""
    return side // 4, side // 4, side * 3 // 4, side * 3 // 4


def draw(
    command: list[Any], asked: argparse.Namespace, without: str = ""
) -> dict[str, tuple[list[Image.Image], float]]:
    """The pictures of every call by one server, and how long each took."""
    drawn: dict[str, tuple[list[Image.Image], float]] = {}
    with running(command) as port:
        api = webuiapi.WebUIApi(port=port)
        for name, method, words in calls(asked.side):
            if name == without or not re.search(asked.only, name):
                continue
            began = time.perf_counter()
            pictures = getattr(api, method)(**words).images
            drawn[name] = [image.convert("RGB") for image in pictures], time.perf_counter() - began
            print(f"{Path(command[0]).name}: {name}", file=sys.stderr)
    return drawn


def draw_by_model(asked: argparse.Namespace, network: Path) -> tuple[list[Image.Image], float]:
    """The call that goes by way of a model, drawn here with the noise that theirs has."""
    words = next(words for name, _, words in calls(asked.side) if name == BY_MODEL)
    torch.set_num_threads(asked.threads)
    request = Request(
        Draw(hires="2", hires_upscaler=str(network), hires_strength=words["denoising_strength"]),
        words["prompt"],
        negative=words["negative_prompt"],
        model=str(asked.model),
        scheduler=find_sampler_with_schedule(words["sampler_name"], words["scheduler"]),
        **{name: words[name] for name in ("seed", "steps", "width", "height")},
        cfg=words["cfg_scale"],
        device="cpu",
        dtype="fp32",
    )
    began = time.perf_counter()
    usual = hires.noise_of_plans
    with replaced(hires, "noise_of_plans", lambda *of: AfterOtherDice(usual(*of))):
        pictures = [picture.image for picture in Session().run(make_plan(request))]
    return pictures, time.perf_counter() - began


@contextmanager
def replaced(module: Any, name: str, stand_in: Any) -> Generator[None]:
    """Another function of a module, until the block ends."""
    usual = getattr(module, name)
    setattr(module, name, stand_in)
    try:
        yield
    finally:
        setattr(module, name, usual)


@torch.inference_mode()
def enlarge_in_floats(
    latents: torch.Tensor, _: SecondPass, loaded: LoadedModel, listener: Listener
) -> torch.Tensor:
    """The latents enlarged by way of pixels that are never rounded."""
    assert loaded.upscaler is not None
    pixels = ((decode_pixels(loaded, latents, listener) + 1) / 2).clamp(0, 1)
    larger = loaded.upscaler.enlarge_pixels(pixels)
    return encode_pixels(loaded.pipe, larger * 2 - 1).to(latents)


class AfterOtherDice:
    """A picture's noise as it goes on when something else has rolled its dice first."""

    def __init__(self, noise: Noise) -> None:
        self.noise, self.is_first = noise, True

    def randn(self, shape: Sequence[int]) -> torch.Tensor:
        """The next draw but one, then the next."""
        if self.is_first:
            self.noise.randn(shape)
            self.is_first = False
        return self.noise.randn(shape)


@contextmanager
def running(command: list[Any]) -> Generator[int]:
    """A server that listens at a port that was free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*map(str, command), str(port)], stdout=quiet, stderr=quiet)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def wait_for(port: int, process: subprocess.Popen[bytes], patience: float = 300) -> None:
    """Until it listens."""
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("the server does not come up")
