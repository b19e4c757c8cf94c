"""How long things take, beside what they cannot be quicker than: `python -m tests.bench speed`.

Talking (help and errors), loading beside reading the file once, and a step beside the same step by
diffusers' own pipeline and, where they are at hand, by other programs. Times are medians, and what is
compared is taken in turn. Every figure is a line of `results.jsonl`; `python -m tests.bench table`
makes the README's table of it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sdcli.events import SilentListener
from sdcli.options.fast_ways import BACKENDS, NAMED
from tests.bench.results import record_figures

GIB = 1024**3
IMPORTS = (
    "import torch; from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel;"
    "from transformers.models.clip.modeling_clip import CLIPTextModel"
)
TALK = {
    "--help": ("--help",),
    "txt2img --help": ("txt2img", "--help"),
    "schedulers": ("schedulers",),
    "an unknown scheduler": ("txt2img", "a fox", "--scheduler", "eular"),
    "a missing model": ("txt2img", "a fox", "-m", "nowhere.safetensors"),
    "no steps": ("txt2img", "a fox", "--steps", "0"),
}


def main(words: list[str]) -> None:
    """Measure what was asked for and print a table of each."""
    said = argparse.ArgumentParser(prog="python -m tests.bench speed", description=__doc__)
    said.add_argument("what", choices=("talk", "cold", "warm", "load", "step", "all"))
    said.add_argument("--model", type=Path, help="a checkpoint of full size")
    said.add_argument("--rounds", type=int, default=5)
    said.add_argument("--steps", type=int, default=4)
    said.add_argument("--side", type=int, default=256)
    said.add_argument("--device", default="auto")
    said.add_argument("--ways", action="append", choices=(*BACKENDS[1:], *NAMED), metavar="NAME",
                      help="a way to be faster whose step is taken too (repeat)")  # fmt: skip
    said.add_argument("--sd-server", type=Path, help="stable-diffusion.cpp's, as for `served`")
    said.add_argument("--genai", action="store_true", help="OpenVINO's own pipeline too, where"
                      " `openvino-genai` is installed")  # fmt: skip
    said.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = said.parse_args(words)
    if asked.inside:
        print(json.dumps(loaded(asked)))
    else:
        parts = {"talk": talk, "cold": cold, "warm": warm, "load": load, "step": step}
        for part in parts if asked.what == "all" else (asked.what,):
            parts[part](asked)


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def talk(asked: argparse.Namespace) -> None:
    """Help and errors that need no model, from the shell and back."""
    figures: dict[str, float] = {}
    for name, words in {"python -c pass": None, **TALK}.items():
        command = [sys.executable, *(("-m", "sdcli", *words) if words else ("-c", "pass"))]
        run(command)  # the first time compiles
        before = worked()
        took = [seconds(lambda c=command: run(c)) for _ in range(asked.rounds)]
        cpu = (worked() - before) / asked.rounds
        figures |= {f"{name}, s": median(took), f"{name}, CPU s": cpu}
        print(f"{name}: median {median(took):.3f} s, best {min(took):.3f} s, CPU {cpu:.3f} s")
    record_figures("speed talk", {"rounds": asked.rounds}, figures)


def cold(asked: argparse.Namespace) -> None:
    """From command to first picture with the built-in model, beside the imports that it needs."""
    with TemporaryDirectory() as folder:
        drawing = ["txt2img", "a red house by the sea at night", "--seed", "7", "--force", "-o"]
        first = [sys.executable, "-m", "sdcli", *drawing, f"{folder}/first.png"]
        bare = [sys.executable, "-c", IMPORTS]
        run(first), run(bare)  # the first time compiles
        pairs: list[tuple[float, float]] = []
        for _ in range(asked.rounds):
            pairs.append((seconds(lambda: run(first)), seconds(lambda: run(bare))))
    figures = {
        "first picture, s": median(one for one, _ in pairs),
        "bare imports, s": median(other for _, other in pairs),
        "more than the imports, s": median(one - other for one, other in pairs),
    }
    record_figures("speed cold", {"rounds": asked.rounds}, figures)
    for name, value in figures.items():
        print(f"{name}: median {value:.2f}")


def worked() -> float:
    """The seconds of processor time that commands have taken so far: what load does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Sequence[str]) -> str:
    """What a command says, whatever its exit code; compiled modules are kept, as for any user."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env).stdout


def warm(asked: argparse.Namespace) -> None:
    """From command to picture in a process that is warm, beside the seconds of its drawing and a
    cold command's."""
    with TemporaryDirectory() as folder:
        words = ["txt2img", "a red house by the sea at night", "--seed", "7", "--force", "--json"]
        command = [sys.executable, "-m", "sdcli", *words, "-o", f"{folder}/a.png"]
        run([*command, "--warm", "2m"])
        rounds: list[tuple[float, float, float]] = []
        for _ in range(asked.rounds):
            said: list[str] = []
            took = seconds(lambda said=said: said.append(run([*command, "--warm", "2m"])))
            drawn = json.loads(said[0].splitlines()[-1])["seconds"]
            rounds.append((took, drawn, seconds(lambda: run([*command, "--warm", "off"]))))
        run([sys.executable, "-m", "sdcli", "warm", "stop"])
    names = ("warm command, s", "its drawing, s", "cold command, s")
    figures = {
        name: median(each) for name, each in zip(names, zip(*rounds, strict=True), strict=True)
    }
    record_figures("speed warm", {"rounds": asked.rounds}, figures)
    for name, value in figures.items():
        print(f"{name}: median {value:.2f}")


def load(asked: argparse.Namespace) -> None:
    """From command to ready pipeline, beside the imports and one reading of the file."""
    words = ["speed", "load", "--inside", "--model", str(asked.model), "--device", asked.device]
    command = [sys.executable, "-m", "tests.bench", *words]
    found = [json.loads(run(command).splitlines()[-1]) for _ in range(asked.rounds)]
    figures = {name: median(each[name] for each in found) for name in found[0]}
    record_figures("speed load", {"rounds": asked.rounds, "device": asked.device}, figures)
    for name, value in figures.items():
        print(f"{name}: median {value:.2f}")


def loaded(asked: argparse.Namespace) -> dict[str, float]:
    """One load in this process: its parts in seconds, and the most memory it had, in GiB."""
    reading = seconds(lambda: read(asked.model))
    bare = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
    importing = seconds(lambda: __import__("sdcli.engine.session"))
    plan, session = ready(asked)
    opening = seconds(lambda: session.load(plan, SilentListener()))
    pipe = session.load(plan, SilentListener()).pipe
    modules = (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2)
    weights = [t for module in modules if module is not None for t in module.parameters()]
    return {
        "reading the file once, s": reading,
        "importing, s": importing,
        "file to ready pipeline, s": opening,
        "model in its working dtype, GiB": sum(t.numel() * t.itemsize for t in weights) / GIB,
        "peak memory, GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB,
        "before anything, GiB": bare,
    }


def read(path: Path) -> None:
    """The whole file once, in pieces, kept nowhere."""
    piece = bytearray(16 * 1024 * 1024)
    with path.open("rb", buffering=0) as file:
        while file.readinto(piece):
            pass


def ready(asked: argparse.Namespace) -> tuple[Any, Any]:
    """A plan for the model, and a session with nothing loaded."""
    from sdcli.engine.session import Session
    from sdcli.planning.resolve import make_plan
    from sdcli.request import Draw, Request

    request = Request(
        Draw(), "a red fox in the snow", negative="blurry", model=str(asked.model),
        device=asked.device, scheduler="euler", steps=asked.steps, seed=1, cfg=7.0,
        width=asked.side, height=asked.side,
    )  # fmt: skip
    return make_plan(request), Session()


def step(asked: argparse.Namespace) -> None:
    """A step by everybody who can take it."""
    from tests.bench.speed_steps import compare_steps

    compare_steps(asked, ready(asked)[0])
