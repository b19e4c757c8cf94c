"""The command that trains a plan: every option in which it differs from what would be done anyway."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from sdcli.library.find import BUILTIN
from sdcli.options.parse import Switch, spell_value
from sdcli.options.table import ALL_OPTIONS, Option
from sdcli.plan import Plan
from sdcli.reproduce.command_line import name_file
from sdcli.training.options import EMBEDDING, options_for
from sdcli.training.plan import TrainingPlan, settle_settings
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint


def command_for_training(plan: TrainingPlan) -> str:
    """A line for a shell, as long as the files are where they are."""
    model = identify_checkpoint(plan.drawing.model.path)
    words = ["sdcli", "train", plan.kind, str(plan.folder)]
    words += ["--word", plan.word] if plan.kind == EMBEDDING else []
    words += ["-o", str(plan.out)]
    words += ["--regularisation", str(plan.regularisation)] if plan.regularisation else []
    for prompt in plan.samples:
        words += ["--sample", prompt]
    return shlex.join([*words, *_drawing_flags(plan.drawing, model), *_own_flags(plan, model)])


def _drawing_flags(drawing: Plan, model: Checkpoint) -> Iterator[str]:
    """What is said of the model, where it is not what the model says itself."""
    if (name := name_file(str(drawing.model.path))) != BUILTIN:
        yield from ("-m", name)
    if drawing.vae != drawing.model:
        yield from ("--vae", name_file(str(drawing.vae.path)))
    for name in ("prediction", "zero-snr", "clip-skip"):
        row = ALL_OPTIONS[name]
        value = getattr(drawing, row.field)
        if value != getattr(model, row.field):
            yield from _flag(row, value)
    for name in ("device", "dtype"):
        row = ALL_OPTIONS[name]
        if getattr(drawing, row.field) != row.default.value:
            yield from _flag(row, getattr(drawing, row.field))


def _own_flags(plan: TrainingPlan, model: Checkpoint) -> Iterator[str]:
    usual = settle_settings(plan.kind, {}, model)
    for row in options_for(plan.kind).values():
        value = getattr(plan.settings, row.field)
        if value != getattr(usual, row.field):
            yield from _flag(row, value)


def _flag(row: Option, value: Any) -> Iterator[str]:
    if isinstance(row.parse, Switch):
        yield f"--{row.name}" if value else f"--no-{row.name}"
    else:
        yield from (f"--{row.name}", spell_value(value))
