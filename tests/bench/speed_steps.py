"""A denoising step by everybody who can take it, in turn: ours, ours by other ways, and other programs.

All draw the same: SD 1.x, guided, Euler, one picture. Each round every contender takes its steps once,
so that a machine that slows down slows all of them; what is quoted is the median over the rounds, and
the median of the rounds' ratios to diffusers' own pipeline.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from sdcli.engine.kept_memory import keep_memory, pays_to_keep
from sdcli.engine.packed_module import restore_modules
from sdcli.engine.passes import start_steps
from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.options.fast_ways import BACKENDS
from sdcli.plan import Plan
from tests.bench.diffusers_side import build_diffusers_pipeline
from tests.bench.openvino_side import OpenvinoPipeline
from tests.bench.results import DIFFUSERS, record_figures
from tests.bench.served import running

OURS, SDCPP, GENAI = "sdcli", "stable-diffusion.cpp", "OpenVINO's own"
WARM_UP_STEPS = 4

Contender = Callable[[], float]  # takes the steps once; the seconds of one


def compare_steps(asked: argparse.Namespace, plan: Plan) -> None:
    """Rounds of everybody's steps; a table, and a line for each figure in the results."""
    with ExitStack() as stack:
        contenders = dict(_contenders(asked, plan, stack))
        for take in contenders.values():
            for _ in range(-(-WARM_UP_STEPS // plan.steps)):
                take()  # weights are reordered, models converted, caches warm
        rounds = [{name: take() for name, take in contenders.items()} for _ in range(asked.rounds)]
    figures: dict[str, float] = {}
    print(
        f"| {asked.side}x{asked.side} | seconds a step | times as fast as {DIFFUSERS} |\n|---|---|---|"
    )
    for name in contenders:
        each = median(one[name] for one in rounds)
        ratio = median(one[DIFFUSERS] / one[name] for one in rounds)
        figures |= {f"{name}, s": each, f"{name}, times {DIFFUSERS}": ratio}
        print(f"| {name} | {each:.3f} | {ratio:.2f} |")
    shown = {
        "side": asked.side,
        "steps": asked.steps,
        "rounds": asked.rounds,
        "threads": torch.get_num_threads(),
    }
    record_figures("speed step", shown, figures)


def _contenders(
    asked: argparse.Namespace, plan: Plan, stack: ExitStack
) -> Iterator[tuple[str, Contender]]:
    yield DIFFUSERS, _diffusers(plan)
    yield OURS, _ours(plan)
    if asked.genai:
        yield GENAI, _genai(plan, Path(stack.enter_context(TemporaryDirectory())))
    for way in asked.ways or ():
        changed = {"backend": way} if way in BACKENDS else {"fast": (way,)}
        yield f"{OURS}, {way}", _ours(replace(plan, **changed))
    if asked.sd_server:
        threads = torch.get_num_threads()
        command = [asked.sd_server, "-m", asked.model, "--listen-ip", "127.0.0.1", "-t", threads]
        port = stack.enter_context(running([*command, "--listen-port"]))
        yield SDCPP, _sdcpp(plan, port)


def _seconds(work: Callable[[], Any]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def _ours(plan: Plan) -> Contender:
    session = Session()
    held = session.load(plan, SilentListener())
    given = session.prepare(plan, held, SilentListener())

    def draw() -> None:
        with keep_memory() if pays_to_keep(held.pipe, plan, 1) else nullcontext():
            _, steps = start_steps([plan], held, given)
            [each.after for each in steps][-1].cpu()

    return lambda: _seconds(draw) / plan.steps


def _diffusers(plan: Plan) -> Contender:
    session = Session()
    held = session.load(plan, SilentListener())
    pipe = held.pipe
    restore_modules(pipe.unet)
    negative, positive = session.prepare(plan, held, SilentListener()).embeds.chunk(2)
    theirs = build_diffusers_pipeline(pipe)

    def draw() -> None:
        theirs(
            prompt_embeds=positive, negative_prompt_embeds=negative, guidance_scale=plan.cfg,
            num_inference_steps=plan.steps, width=plan.width, height=plan.height,
            generator=torch.Generator().manual_seed(plan.seed), output_type="latent",
        ).images.cpu()  # fmt: skip

    return lambda: _seconds(draw) / plan.steps


def _genai(plan: Plan, folder: Path) -> Contender:
    """Theirs, by what it tells of its steps: it draws from the prompt to the pixels."""
    pipe = Session().load(plan, SilentListener()).pipe
    restore_modules(pipe.unet), restore_modules(pipe.vae)
    return OpenvinoPipeline(pipe, plan, folder / "model").step


def _sdcpp(plan: Plan, port: int) -> Contender:
    """Theirs from outside: what steps add to a picture of one step is theirs alone, without the VAE."""

    def ask(steps: int) -> None:
        body = {"prompt": plan.prompt, "negative_prompt": plan.negative, "seed": plan.seed, "steps": steps,
                "cfg_scale": plan.cfg, "width": plan.width, "height": plan.height,
                "sampler_name": "Euler", "scheduler": "discrete"}  # fmt: skip
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/sdapi/v1/txt2img", json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request) as answer:
            assert json.loads(answer.read())["images"]

    return lambda: (_seconds(lambda: ask(1 + plan.steps)) - _seconds(lambda: ask(1))) / plan.steps
