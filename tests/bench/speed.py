"""How long things take, beside what they cannot be quicker than: `python -m tests.bench speed`.

Talking (help and errors), loading beside reading the file once, and a step beside the same step by
diffusers' own pipeline. Times are medians; the steps are paired, one of each in turn.
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
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from sdcli.events import SilentListener
from sdcli.options.fast_ways import BACKENDS, NAMED
from tests.bench.results import record_figures

GIB = 1024**3
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
    said.add_argument("what", choices=("talk", "load", "step"))
    said.add_argument("--model", type=Path, help="a checkpoint of full size")
    said.add_argument("--rounds", type=int, default=5)
    said.add_argument("--steps", type=int, default=4)
    said.add_argument("--side", type=int, default=256)
    said.add_argument("--device", default="auto")
    said.add_argument("--fast", action="append", choices=NAMED, help="a way to be faster")
    said.add_argument("--backend", choices=BACKENDS, help="what computes our step")
    said.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = said.parse_args(words)
    if asked.inside:
        print(json.dumps(loaded(asked)))
    else:
        {"talk": talk, "load": load, "step": step}[asked.what](asked)


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def talk(asked: argparse.Namespace) -> None:
    """Help and errors that need no model, from the shell and back."""
    for name, words in {"python -c pass": None, **TALK}.items():
        command = [sys.executable, *(("-m", "sdcli", *words) if words else ("-c", "pass"))]
        run(command)  # the first time compiles
        before = worked()
        took = [seconds(lambda c=command: run(c)) for _ in range(asked.rounds)]
        cpu = (worked() - before) / asked.rounds
        print(f"{name}: median {median(took):.3f} s, best {min(took):.3f} s, CPU {cpu:.3f} s")


def worked() -> float:
    """The seconds of processor time that commands have taken so far: what load does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Sequence[str]) -> str:
    """What a command says, whatever its exit code; compiled modules are kept, as for any user."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env).stdout


def load(asked: argparse.Namespace) -> None:
    """From command to ready pipeline, beside the imports and one reading of the file."""
    words = ["speed", "load", "--inside", "--model", str(asked.model), "--device", asked.device]
    command = [sys.executable, "-m", "tests.bench", *words]
    found = [json.loads(run(command).splitlines()[-1]) for _ in range(asked.rounds)]
    for name in found[0]:
        print(f"{name}: median {median(each[name] for each in found):.2f}")


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
        width=asked.side, height=asked.side, fast=tuple(asked.fast or ()), backend=asked.backend,
    )  # fmt: skip
    return make_plan(request), Session()


def step(asked: argparse.Namespace) -> None:
    """A sampling step beside the bare diffusers pipeline's, with the same weights and words."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

    from sdcli.engine.packed_module import restore_modules
    from sdcli.engine.passes import start_steps
    from sdcli.engine.session import Session

    plan, session = ready(asked)
    held = session.load(plan, SilentListener())
    given = session.prepare(plan, held, SilentListener())
    exact = replace(plan, fast=(), backend="torch")
    bare_pipe = Session().load(exact, SilentListener()).pipe
    restore_modules(bare_pipe.unet)
    theirs = StableDiffusionPipeline(
        vae=bare_pipe.vae, text_encoder=bare_pipe.text_encoder, tokenizer=None,
        unet=bare_pipe.unet, safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
            timestep_spacing="linspace", steps_offset=1,
        ),
    )  # fmt: skip
    theirs.set_progress_bar_config(disable=True)
    negative, positive = given.embeds.chunk(2)

    def ours() -> torch.Tensor:
        _, steps = start_steps([plan], held, given)
        return [each.after for each in steps][-1].cpu()

    def bare() -> torch.Tensor:
        dice = torch.Generator().manual_seed(plan.seed)
        return theirs(
            prompt_embeds=positive, negative_prompt_embeds=negative, guidance_scale=plan.cfg,
            num_inference_steps=plan.steps, width=plan.width, height=plan.height,
            generator=dice, output_type="latent",
        ).images.cpu()  # fmt: skip

    apart = float((ours() - bare()).abs().max())  # and both are warm now
    pairs = [(seconds(ours), seconds(bare)) for _ in range(asked.rounds)]
    mine, their = (median(times) / plan.steps for times in zip(*pairs, strict=True))
    ratio = median(one / other for one, other in pairs)
    figures = {"a step, s": mine, "diffusers' step, s": their, "times as fast": 1 / ratio}
    record_figures("speed step", vars(asked), figures)
    print(f"a step: {mine:.4f} s, diffusers {their:.4f} s, ratio {ratio:.3f}")
    print(f"the two end {apart:.1e} apart in latents")
