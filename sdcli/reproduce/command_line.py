"""The command that draws a plan again: every setting in which it differs from what is usual."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import assert_never

from sdcli import folders, request
from sdcli.plan import Draw, Edit, Lora, Plan, Redraw, Repaint, Task
from sdcli.planning import resolve
from sdcli.request import Request
from sdcli.schedulers.names import SCHEDULERS

# Flags and the fields they set, in the order in which one would say them.
FLAGS = {
    "--negative": "negative",
    "--scheduler": "scheduler",
    "--steps": "steps",
    "--cfg": "cfg",
    "--width": "width",
    "--height": "height",
    "--clip-skip": "clip_skip",
    "--prediction": "prediction",
    "--zero-snr": "zero_snr",
    "--prompt-syntax": "syntax",
    "--emphasis": "emphasis",
    "--rng": "rng",
    "--ensd": "ensd",
    "--device": "device",
    "--dtype": "dtype",
    "--offload": "offload",
}
COMMANDS = {Draw: "txt2img", Redraw: "img2img", Repaint: "inpaint", Edit: "edit"}


def command_for_plan(plan: Plan) -> str:
    """A line for a shell that draws this plan's pictures, as long as its files are in place."""
    return _line([COMMANDS[type(plan.task)], *_flags(plan, ())], plan.prompt)


def command_for_study(name: str, plan: Plan, more: Sequence[str], without: Collection[str]) -> str:
    """A line for a shell that makes a study of this plan again: the command's own words are
    `more`, and of the plan's flags those are left out that the study sets itself."""
    return _line([name, *more, *_flags(plan, without)], plan.prompt)


def _line(words: Sequence[str], prompt: str) -> str:
    # A prompt that begins like a flag is no flag after two dashes.
    return shlex.join(["sdcli", *words, *(["--"] if prompt.startswith("-") else []), prompt])


def _flags(plan: Plan, without: Collection[str]) -> Iterator[str]:
    usual = _usual(plan.task, plan.model.path)
    model = _named(plan.model.path)
    if model != "builtin":
        yield from ("-m", model)
    if plan.vae.path != plan.model.path:
        yield from ("--vae", _named(plan.vae.path))
    yield from _of_task(plan.task)
    for flag, field in FLAGS.items():
        value = getattr(plan, field)
        if flag not in without and value != getattr(usual, field):
            yield from _said(flag, value)
    solver = SCHEDULERS[plan.scheduler].solver
    if "--eta" not in without and solver.eta is not None and plan.eta != solver.eta:
        yield from ("--eta", _written(plan.eta))
    if "--seed" not in without:
        yield from ("--seed", str(plan.seed))
    if plan.count != 1:
        yield from ("--count", str(plan.count))
    yield from _adapters(plan)


def _said(flag: str, value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield flag if value else flag.replace("--", "--no-", 1)
    else:
        yield from (flag, _written(value))


def _adapters(plan: Plan) -> Iterator[str]:
    for lora in plan.loras:
        yield from ("--lora", f"{_named(lora.file.path)}:{_weights(lora)}")
    if any(lora.share < 1 for lora in plan.loras):
        yield "--lora-partial"
    for embedding in plan.embeddings:
        yield from ("--embedding", _named(embedding.file.path))
    for control in plan.controls:
        during = (
            "" if (control.start, control.end) == (0, 1) else f"@{control.start!r}-{control.end!r}"
        )
        files = f"{_named(control.file.path)}:{control.image.path}"
        flag = "--control-canny" if control.canny else "--control"
        yield from (flag, f"{files}:{_written(control.weight)}{during}")


def _of_task(task: Task) -> Iterator[str]:
    match task:
        case Draw():
            return
        case Redraw(image, strength):
            yield from ("--image", str(image.path), "--strength", _written(strength))
        case Repaint(image, mask, strength, feather):
            yield from ("--image", str(image.path), "--mask", str(mask.path))
            yield from ("--strength", _written(strength), "--feather", str(feather))
        case Edit(image, image_cfg):
            yield from ("--image", str(image.path), "--image-cfg", _written(image_cfg))
        case _:
            assert_never(task)


@lru_cache(maxsize=64)
def _usual(task: Task, model: Path) -> Plan:
    """The plan of this task and model when nothing else is said."""
    return resolve.make_plan(Request(_asked(task), "", model=str(model), seed=0))


def _asked(task: Task) -> request.Task:
    match task:
        case Draw():
            return request.Draw()
        case Redraw(image, strength):
            return request.Redraw(image.path, strength)
        case Repaint(image, mask, strength, feather):
            return request.Repaint(image.path, mask.path, strength, feather)
        case Edit(image, image_cfg):
            return request.Edit(image.path, image_cfg)
        case _:
            assert_never(task)


def _named(path: Path) -> str:
    """A file of the package by its name there, any other by its path."""
    if path.parent == folders.assets() and path.stem.startswith("builtin"):
        return path.stem.replace("-", ":", 1)
    return str(path)


def _weights(lora: Lora) -> str:
    both = _written(lora.unet)
    return both if lora.te == lora.unet else f"{both},te={_written(lora.te)}"


def _written(value: object) -> str:
    """A number without a needless `.0`, exactly; a text as it is."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
