"""Pictures of several plans through the U-Net together: those that differ in words and seeds alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sdcli.engine.batch_size import choose_batch_size
from sdcli.engine.denoise import UnetInputs
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.passes import BatchDrawing, DrawnLatents
from sdcli.engine.run_passes import run_passes
from sdcli.events import Listener
from sdcli.picture import Picture
from sdcli.plan import Draw, Plan
from sdcli.prompts.stages import and_weights

if TYPE_CHECKING:
    from sdcli.engine.session import Session


def draw_together(
    session: Session, plans: Sequence[Plan], batch: int, listener: Listener
) -> Iterator[Picture]:
    """The one picture of each plan, in the order of the plans: `batch` of them in one call of the
    U-Net where that can be, 0 being as many as fit."""
    if batch == 1 or len(plans) == 1 or not _can_share(plans):
        for plan in plans:
            yield from session.run(plan, listener)
        return
    loaded = session.load(plans[0], listener)
    inputs = [session.prepare(plan, loaded, listener) for plan in plans]
    index, size = 0, choose_batch_size(batch, loaded.machine.device)
    while index < len(plans):
        together = min(size.next, _equal_from(plans, inputs, index))
        with size.measured(together):
            drawn = _draw(plans, loaded, inputs, listener, index, together)
        for one in drawn:
            listener.on_picture(one.picture)
            yield one.picture
        index += len(drawn)


def _can_share(plans: Sequence[Plan]) -> bool:
    """Whether plans differ in words and seeds alone, and start from nothing of their own."""
    first = _without_words(plans[0])
    return (
        isinstance(first.task, Draw)
        and not first.controls
        and all(_without_words(plan) == first for plan in plans)
    )


def _without_words(plan: Plan) -> Plan:
    words = dict.fromkeys(("prompt", "negative", "template", "negative_template"), "")
    return replace(plan, **words, seed=0, variation_seed=0)


def _equal_from(plans: Sequence[Plan], inputs: Sequence[UnetInputs], index: int) -> int:
    """How many from `index` on have words of one length, joined in no way of their own and the same
    at every step; 1 where the first has not."""
    shapes = _shapes(inputs[index])
    alike = [
        None not in shapes and and_weights(plan) == (1.0,) and _shapes(one) == shapes
        for plan, one in zip(plans[index:], inputs[index:], strict=True)
    ]
    return max(1, [*alike, False].index(False))


def _shapes(inputs: UnetInputs) -> list[torch.Size | None]:
    """How long the words of each pass are; None where they change on the way."""
    own = None if inputs.stages else inputs.embeds.shape
    return [own, *([] if inputs.second is None else _shapes(inputs.second))]


def _draw(
    plans: Sequence[Plan],
    loaded: LoadedModel,
    inputs: Sequence[UnetInputs],
    listener: Listener,
    index: int,
    count: int,
) -> list[DrawnLatents]:
    """The pictures from `index` on that are denoised together, or half of them and half again."""

    def attempt(count: int) -> list[DrawnLatents]:
        own, given = plans[index : index + count], inputs[index : index + count]
        return run_passes(
            BatchDrawing(own[0], loaded, stack_inputs(given), listener, index, count, own_plans=own)
        )

    return loaded.memory.retry_batch(loaded.pipe, attempt, count, listener.on_fallback)


def stack_inputs(each: Sequence[UnetInputs]) -> UnetInputs:
    """The inputs of several pictures as those of one batch: branch by branch, in each the pictures."""
    if len(each) == 1:
        return each[0]

    def stack(rows: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack([*rows], dim=1).flatten(0, 1)

    added = each[0].added and {
        name: stack([one.added[name] for one in each if one.added]) for name in each[0].added
    }
    seconds = [one.second for one in each if one.second is not None]
    return replace(
        each[0],
        embeds=stack([one.embeds for one in each]),
        added=added,
        pictures=len(each),
        second=stack_inputs(seconds) if seconds else None,
    )
