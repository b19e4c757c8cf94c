"""The loop: noise becomes latents, one step at a time. Everything else prepares for this."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from PIL import Image

from sdcli.engine.noise import Noise
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.sampler import Sampling

ALWAYS = (-math.inf, math.inf)
WITH_GUIDANCE = (0.28, 5.42)  # where it helps (Kynkäänniemi et al., 2404.07724)
NOISE_LEVEL = "noise_level"  # among what is added
Combine = Callable[[Sequence[torch.Tensor]], torch.Tensor]


class ControlResiduals(Protocol):
    """A ControlNet at work."""

    @property
    def control_map(self) -> Image.Image:
        """The map it follows."""
        ...

    def __call__(
        self, latents: torch.Tensor, timestep: torch.Tensor, share: float, inputs: UnetInputs
    ) -> dict[str, Any]:
        """What it adds to the U-Net's arguments; `share` is how far along the middle of the step is."""
        ...


@dataclass(frozen=True)
class UnetInputs:
    """What goes into the U-Net beside the latents: a row for each branch of the guidance and, where
    several pictures are drawn together, for each picture: the first branch's pictures come first."""

    embeds: torch.Tensor  # [branches * pictures, 77 * chunks, width]; the prompt's rows come last
    combine: Combine  # the branches' predictions into one
    # SDXL: pooled text and sizes. An upscaler: how much noise lies over the picture that it sees.
    added: dict[str, torch.Tensor] | None = None
    extra_channels: torch.Tensor | None = None  # more channels: a mask, a picture's latents
    controls: tuple[ControlResiduals, ...] = ()  # ControlNets: more arguments for each step
    last_evaluation: int = 0  # of a prompt that changes: the last evaluation with these words,
    stages: tuple[UnetInputs, ...] = ()  # and all its words, in their order
    pictures: int = 1
    second: UnetInputs | None = None  # of the second pass, where there is one

    def at_evaluation(self, evaluation: int) -> UnetInputs:
        """The inputs at one evaluation, counted from 0: a prompt may change on the way."""
        words = next((each for each in self.stages if evaluation <= each.last_evaluation), self)
        return replace(self, embeds=words.embeds, added=words.added)

    def without_guidance(self) -> UnetInputs:
        """The inputs of the prompt's own branch alone."""

        def last(rows: torch.Tensor) -> torch.Tensor:
            return rows[-self.pictures :]

        return replace(
            self,
            embeds=last(self.embeds),
            combine=no_guidance,
            added=self.added and {name: last(rows) for name, rows in self.added.items()},
            extra_channels=None if self.extra_channels is None else last(self.extra_channels),
        )

    @property
    def branches(self) -> int:
        """How many predictions one step takes for each picture."""
        return self.embeds.shape[0] // self.pictures

    def for_pictures(self, count: int) -> UnetInputs:
        """The same inputs for several pictures, which are drawn together from the same words."""
        if count == self.pictures:
            return self

        def repeat(rows: torch.Tensor) -> torch.Tensor:
            return rows.repeat_interleave(count, 0)

        added = self.added and {name: repeat(rows) for name, rows in self.added.items()}
        return replace(
            self,
            embeds=repeat(self.embeds),
            added=added,
            extra_channels=None if self.extra_channels is None else repeat(self.extra_channels),
            stages=tuple(stage.for_pictures(count) for stage in self.stages),
            pictures=count,
        )


@dataclass(frozen=True)
class UnetCall:
    """All that one call of the U-Net is given. Its rows are ordered as those of `UnetInputs`."""

    evaluation: int  # counted in calls, from 0 where the picture begins
    latents: torch.Tensor
    timestep: torch.Tensor  # one number, on the device
    embeds: torch.Tensor
    added: dict[str, torch.Tensor] | None
    residuals: dict[str, Any]  # of ControlNets


Predict = Callable[[UnetCall], torch.Tensor]


def call_unet(pipe: Pipeline) -> Predict:
    """The U-Net called as it is. What caches, compiles or records calls takes this one's place."""

    def predict(call: UnetCall) -> torch.Tensor:
        return pipe.unet(
            call.latents.to(pipe.unet.dtype),
            call.timestep,
            encoder_hidden_states=call.embeds,
            class_labels=(call.added or {}).get(NOISE_LEVEL),
            added_cond_kwargs=call.added,
            return_dict=False,
            **call.residuals,
        )[0]

    return predict


@dataclass(frozen=True)
class MaskedOriginal:
    """What must not change: the clean latents, and 1 where they may be painted over."""

    latents: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True)
class DenoisingStep:
    """One evaluation of the model, and what came of it."""

    index: int  # from 0, counted in evaluations
    of: int
    timestep: float
    sigma: float
    before: torch.Tensor
    branches: tuple[torch.Tensor, ...]  # each branch's own prediction, the prompt's last
    prediction: torch.Tensor
    clean: torch.Tensor  # the picture predicted at this step, in latents
    after: torch.Tensor


def no_guidance(branches: Sequence[torch.Tensor]) -> torch.Tensor:
    """No guidance: the prompt's own prediction."""
    return branches[-1]


def classifier_free_guidance(cfg: float) -> Combine:
    """Away from the negative prompt, by `cfg` times the difference (Ho, Salimans: 2207.12598)."""

    def combine(branches: Sequence[torch.Tensor]) -> torch.Tensor:
        negative, positive = branches
        return negative + cfg * (positive - negative)

    return combine


@torch.inference_mode()
def denoise(
    predict: Predict,
    sampling: Sampling,
    x: torch.Tensor,
    inputs: UnetInputs,
    noise: Noise,
    *,
    begin: int = 0,
    keep: MaskedOriginal | None = None,
    guided: tuple[float, float] = ALWAYS,
) -> Iterator[DenoisingStep]:
    """The steps from `x` ([pictures, 4, h, w]) on, starting with evaluation `begin`.

    Outside the noise levels `guided` (above the first, up to the second) there is no guidance.
    The last step's `after` is the finished latents.
    """
    inputs = inputs.for_pictures(len(x))
    count = len(sampling.timesteps)
    for index in range(begin, count):
        share = (index - begin + 0.5) / (count - begin)
        evaluation = index - begin
        now = inputs.at_evaluation(evaluation)
        if not guided[0] < sampling.sigmas[index] <= guided[1]:
            now = now.without_guidance()
        branches = predict_branches(predict, sampling, x, index, now, share, evaluation)
        prediction = now.combine(branches)
        clean = sampling.predict_clean(prediction, index, x)
        if keep is not None:
            clean = torch.lerp(keep.latents, clean, keep.mask)
        after = sampling.advance(clean, index, x, noise)
        yield DenoisingStep(
            index=evaluation,
            of=count - begin,
            timestep=float(sampling.timesteps[index]),
            sigma=float(sampling.sigmas[index]),
            before=x,
            branches=branches,
            prediction=prediction,
            clean=clean,
            after=after,
        )
        x = after


def predict_branches(
    predict: Predict,
    sampling: Sampling,
    x: torch.Tensor,
    index: int,
    inputs: UnetInputs,
    share: float,
    evaluation: int = 0,
) -> tuple[torch.Tensor, ...]:
    """Each branch's prediction at one evaluation, all branches through the U-Net at once."""
    timestep = sampling.timestep_on(index, x.device)
    latents = sampling.scale_input(x, index).repeat(inputs.branches, 1, 1, 1)
    residuals: dict[str, Any] = {}
    for control in inputs.controls:
        residuals = _add_residuals(residuals, control(latents, timestep, share, inputs))
    if inputs.extra_channels is not None:
        latents = torch.cat([latents, inputs.extra_channels], dim=1)
    out = predict(UnetCall(evaluation, latents, timestep, inputs.embeds, inputs.added, residuals))
    return tuple(out.to(x.dtype).chunk(inputs.branches))


def _add_residuals(one_: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two ControlNets' residuals added up."""
    if not one_ or not other:
        return one_ or other
    return {name: _add(one_[name], other[name]) for name in one_}


def _add(one_: Any, other: Any) -> Any:
    if isinstance(one_, torch.Tensor):
        return one_ + other
    return tuple(a + b for a, b in zip(one_, other, strict=True))
