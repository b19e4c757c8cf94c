"""Few-step models and LoRAs get the settings they were distilled for, never over what was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sdcli.plan import Lora, Plan
from sdcli.prompts.notes import prompt_notes
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from sdcli.weights.few_step import FewStepSettings, first_few_step, recognise_few_step
from sdcli.weights.read_header import read_header

BURNT = 1.5  # times the guidance that a file was made for


def settle_few_step(model: Checkpoint, loras: Iterable[Lora]) -> Checkpoint:
    """The model with the defaults of what it or a LoRA was recognised as. What its file says of
    itself goes first, but for a LoRA that was made for other settings.
    """
    by_lora = _recognised_lora(loras)
    found = by_lora or recognise_few_step(model.header, checkpoint=True)
    if found is None:
        return model
    own: Mapping[str, Any] = {} if by_lora else model.own_metadata
    settings: dict[str, Any] = {
        "scheduler": found.scheduler,
        "steps": found.steps,
        "cfg": found.cfg,
    }
    for name in ("size", "prediction"):  # where they are others than the family's
        if value := getattr(found, name):
            settings[name] = value
    new = {name: value for name, value in settings.items() if name not in own}
    return replace(model, recognised=found.title, **new)


def plan_notes(plan: Plan) -> Iterator[str]:
    """What a person should know about a plan before wondering at the picture."""
    found = _recognised_lora(plan.loras) or recognise_few_step(
        identify_checkpoint(plan.model.path).header, checkpoint=True
    )
    if found is not None:
        yield str(found)
        if plan.cfg > BURNT * found.cfg:
            yield (
                f"WARNING: with `--cfg {plan.cfg:g}` pictures of {found.title} come out burnt:"
                f" it was made for {found.cfg:g}"
            )
    yield from prompt_notes(plan)


def _recognised_lora(loras: Iterable[Lora]) -> FewStepSettings | None:
    return first_few_step(read_header(lora.file.path) for lora in loras if lora.unet)
