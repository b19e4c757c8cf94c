"""Encoded words and sizes into what the U-Net is given, branch by branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from sdcli.engine.denoise import (
    NOISE_LEVEL,
    Combine,
    UnetInputs,
    classifier_free_guidance,
    no_guidance,
)
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.text_encoder import EncodedPrompts
from sdcli.plan import Edit, Enlarge, Plan
from sdcli.weights.families import FAMILIES


def make_unet_inputs(plan: Plan, pipe: Pipeline, texts: Sequence[EncodedPrompts]) -> UnetInputs:
    """The U-Net's inputs for a plan, with all the words of a prompt that changes."""
    first, *later = (_inputs(plan, pipe, text) for text in texts)
    return replace(first, stages=(first, *later)) if later else first


def _inputs(plan: Plan, pipe: Pipeline, text: EncodedPrompts) -> UnetInputs:
    """One branch, two under guidance, three for an edit, one more for each prompt after an AND.

    A prompt that stands alone has a weight too, where it ends in one.
    """
    if isinstance(plan.task, Edit):
        rows = (text.negative, text.negative, text.positive)
        combine: Combine = edit_guidance(plan.cfg, plan.task.image_cfg)
    elif len(text.positives) > 1 or text.and_weights != (1.0,):
        rows = (text.negative, *text.positives)
        combine = composed_guidance(plan.cfg, text.and_weights)
    elif plan.cfg == 1:
        rows, combine = (text.positive,), no_guidance
    else:
        rows, combine = (text.negative, text.positive), classifier_free_guidance(plan.cfg)
    embeds = torch.cat([row.embeds for row in rows])
    added = None
    if rows[-1].pooled is not None:
        pooled = torch.cat([row.pooled for row in rows if row.pooled is not None])
        ids = [_sizes(plan, pipe, wanted=row is not text.negative) for row in rows]
        added = {
            "text_embeds": pooled,
            "time_ids": torch.tensor(ids, dtype=pooled.dtype, device=pooled.device),
        }
    if isinstance(plan.task, Enlarge):
        levels = [plan.task.noise_level] * len(rows)
        added = {NOISE_LEVEL: torch.tensor(levels, device=embeds.device)}
    return UnetInputs(
        embeds=embeds, combine=combine, added=added, last_evaluation=text.last_evaluation
    )


def composed_guidance(cfg: float, pulls: Sequence[float]) -> Combine:
    """Toward each prompt by `cfg` times its own pull (Liu et al., 2206.01714)."""

    def combine(branches: Sequence[torch.Tensor]) -> torch.Tensor:
        negative, *positives = branches
        total = negative
        for pull, positive in zip(pulls, positives, strict=True):
            total = total + cfg * pull * (positive - negative)
        return total

    return combine


def edit_guidance(cfg: float, image_cfg: float) -> Combine:
    """Toward the picture by `image_cfg`, toward the instruction by `cfg` (Brooks, 2211.09800)."""

    def combine(branches: Sequence[torch.Tensor]) -> torch.Tensor:
        nothing, picture, both = branches
        return nothing + image_cfg * (picture - nothing) + cfg * (both - picture)

    return combine


def add_channels(given: UnetInputs, channels: torch.Tensor | None, task: object) -> UnetInputs:
    """The inputs with more channels, repeated for each branch; an edit's first sees no picture. Where
    each picture of several has its own, there is a row for each."""
    if channels is None:
        return given
    if len(channels) > 1:
        given = given.for_pictures(len(channels))
    rows = channels.repeat(given.branches, 1, 1, 1)
    if isinstance(task, Edit):
        rows[0] = 0
    return replace(given, extra_channels=rows)


def _sizes(plan: Plan, pipe: Pipeline, *, wanted: bool) -> list[float]:
    """SDXL's six numbers (size, crop, target), the refiner's five (size, crop, score)."""
    size = [float(plan.height), float(plan.width), 0.0, 0.0]
    if scores := FAMILIES[plan.family].aesthetic_scores:
        return [*size, scores[0] if wanted else scores[1]]
    return [*size, float(plan.height), float(plan.width)]
