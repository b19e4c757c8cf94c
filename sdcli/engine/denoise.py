"""The loop: noise becomes latents, one step at a time. Everything else prepares for this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from PIL import Image

from sdcli.engine.noise import Noise
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.sampler import Sampling

Combine = Callable[[Sequence[torch.Tensor]], torch.Tensor]


class ControlResiduals(Protocol):
    """A ControlNet at work."""

    @property
    def control_map(self) -> Image.Image:
        """The map it follows."""
        ...

    def __call__(
        self, latents: torch.Tensor, timestep: Any, share: float, inputs: UnetInputs
    ) -> dict[str, Any]:
        """What it adds to the U-Net's arguments, at this share of the steps, told for their middle."""
        ...


@dataclass(frozen=True)
class UnetInputs:
    """What goes into the U-Net beside the latents: a row for each branch of the guidance."""

    embeds: torch.Tensor  # [branches, 77 * chunks, width]; the prompt's row comes last
    combine: Combine  # the branches' predictions into one
    added: dict[str, torch.Tensor] | None = None  # SDXL: pooled text and sizes
    extra_channels: torch.Tensor | None = None  # more channels: a mask, a picture's latents
    controls: tuple[ControlResiduals, ...] = field(
        default=()
    )  # ControlNets: more arguments for each step
    last_evaluation: int = 0  # of a prompt that changes: the last evaluation with these words,
    stages: tuple[UnetInputs, ...] = ()  # and all its words, in their order

    def at_evaluation(self, evaluation: int) -> UnetInputs:
        """The inputs at one evaluation, counted from 0: a prompt may change on the way."""
        words = next((each for each in self.stages if evaluation <= each.last_evaluation), self)
        return replace(self, embeds=words.embeds, added=words.added)

    @property
    def branches(self) -> int:
        """How many predictions one step takes."""
        return self.embeds.shape[0]


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
    pipe: Pipeline,
    sampling: Sampling,
    x: torch.Tensor,
    inputs: UnetInputs,
    noise: Noise,
    *,
    begin: int = 0,
    keep: MaskedOriginal | None = None,
) -> Iterator[DenoisingStep]:
    """The steps from `x` on, starting with evaluation `begin`. The last one's `after` is done."""
    count = len(sampling.timesteps)
    for index in range(begin, count):
        share = (index - begin + 0.5) / (count - begin)
        branches = predict(pipe, sampling, x, index, inputs.at_evaluation(index - begin), share)
        prediction = inputs.combine(branches)
        clean = sampling.predict_clean(prediction, index, x)
        if keep is not None:
            clean = torch.lerp(keep.latents, clean, keep.mask)
        after = sampling.advance(clean, index, x, noise)
        yield DenoisingStep(
            index=index - begin,
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


def predict(
    pipe: Pipeline,
    sampling: Sampling,
    x: torch.Tensor,
    index: int,
    inputs: UnetInputs,
    share: float,
) -> tuple[torch.Tensor, ...]:
    """Each branch's prediction at one evaluation, all branches through the U-Net at once."""
    timestep = sampling.timesteps[index]
    scaled = sampling.scale_input(x, index)
    latents = scaled.expand(inputs.branches, *scaled.shape[1:])
    more: dict[str, Any] = {}
    for extra in inputs.controls:
        more = _add_residuals(more, extra(latents, timestep, share, inputs))
    if inputs.extra_channels is not None:
        latents = torch.cat([latents, inputs.extra_channels], dim=1)
    dtype = pipe.unet.dtype
    out = pipe.unet(
        latents.to(dtype),
        timestep,
        encoder_hidden_states=inputs.embeds,
        added_cond_kwargs=inputs.added,
        return_dict=False,
        **more,
    )[0]
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
