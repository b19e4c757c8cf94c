"""Few-step models and LoRAs get the settings they were distilled for, never over what was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sdcli.plan import Lora, Plan
from sdcli.prompts.notes import prompt_notes
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from sdcli.weights.few_step import FewStepSettings, first_few_step
from sdcli.weights.read_header import read_header

BURNT = 1.5  # times the guidance that a file was made for


def settle_few_step(model: Checkpoint, loras: Iterable[Lora]) -> Checkpoint:
    """The model with the defaults of what it or a LoRA was recognised as; its own words go first."""
    found = _recognised(model, loras)
    if found is None:
        return model
    settings: dict[str, Any] = {
        "scheduler": found.scheduler,
        "steps": found.steps,
        "cfg": found.cfg,
    }
    for name in ("size", "prediction"):  # where they are others than the family's
        if value := getattr(found, name):
            settings[name] = value
    new = {name: value for name, value in settings.items() if name not in model.own_metadata}
    return replace(model, recognised=found.title, **new)


def plan_notes(plan: Plan) -> Iterator[str]:
    """What a person should know about a plan before wondering at the picture."""
    found = _recognised(identify_checkpoint(plan.model.path), plan.loras)
    if found is not None:
        yield str(found)
        if plan.cfg > BURNT * found.cfg:
            yield (
                f"WARNING: with `--cfg {plan.cfg:g}` pictures of {found.title} come out burnt:"
                f" it was made for {found.cfg:g}"
            )
    yield from prompt_notes(plan)


def _recognised(model: Checkpoint, loras: Iterable[Lora]) -> FewStepSettings | None:
    worn = (read_header(lora.file.path) for lora in loras if lora.unet)
    return first_few_step(worn, model.header)
