"""What is done with the pictures that are drawn together, pass after pass: to latents, to pixels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import torch

from sdcli import __version__
from sdcli.engine.decode import decode_image
from sdcli.engine.denoise import (
    ALWAYS,
    WITH_GUIDANCE,
    DenoisingStep,
    Predict,
    UnetInputs,
    denoise,
)
from sdcli.engine.fast_ways import taken_ways
from sdcli.engine.initial_latents import DenoisingStart, prepare_start
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.noise import Noise, StackedNoise, noise_of_plan
from sdcli.engine.sampler import Sampling
from sdcli.engine.unet_inputs import add_channels
from sdcli.errors import SdcliError
from sdcli.events import Listener, SilentListener, Step
from sdcli.library.hashes import watch_files
from sdcli.options.fast_ways import GUIDANCE_INTERVAL, OPENVINO
from sdcli.picture import Picture, Provenance
from sdcli.plan import Enlarge, File, Plan, counted_seed, files_of, nth_picture
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.weights.families import FAMILIES

_WEIGHTS_AND_CONTROLS = {
    *("model", "VAE", "LoRA", "embedding", "ControlNet", "control picture", "upscaler"),
}
LIBRARIES = ("torch", "diffusers", "transformers")


@dataclass(frozen=True)
class LatentStep(Step):
    """What listeners inside the engine find in a step beside its facts: the tensors."""

    latents: DenoisingStep


@dataclass(frozen=True)
class DrawnLatents:
    """A finished picture and what it was decoded from."""

    picture: Picture
    latents: torch.Tensor
    denoising: float  # seconds that the steps alone took


@dataclass
class BatchDrawing:
    """What the passes over the pictures of one batch hand on to each other."""

    plan: Plan
    loaded: LoadedModel
    inputs: UnetInputs
    listener: Listener
    index: int  # of the first picture of the batch in the plan
    count: int
    predict: Predict | None = None
    own_plans: Sequence[Plan] = ()  # of pictures that share no words, each a plan of its own
    told: int = 0  # steps, of the passes before this one
    to_come: int = 0  # steps, of those after it
    began: float = field(default_factory=time.perf_counter)
    denoising: float = 0.0  # seconds that the steps alone took
    start: DenoisingStart | None = None
    latents: torch.Tensor | None = None  # [pictures, 4, h, w]
    drawn: list[DrawnLatents] = field(default_factory=list[DrawnLatents])

    @property
    def plans(self) -> list[Plan]:
        """The plan of each picture of the batch, to be drawn by itself."""
        if self.own_plans:
            return [*self.own_plans]
        return [nth_picture(self.plan, self.index + k) for k in range(self.count)]


def denoise_pass(state: BatchDrawing) -> None:
    """From noise, or from the picture handed in, to finished latents."""
    plans = state.plans
    state.listener.on_stage(seeds_in_words(plans))
    predict = state.predict or state.loaded.make_predict(state.plan, state.listener)
    with watch_files(_pictures_of(state.plan)):
        start, steps = start_steps(plans, state.loaded, state.inputs, predict)
    state.start, state.latents = start, take_steps(state, start.x, steps)


def take_steps(
    state: BatchDrawing, x: torch.Tensor, steps: Iterator[DenoisingStep]
) -> torch.Tensor:
    """The latents after all the steps from `x` on, each of which is told."""
    before, taken = time.perf_counter(), 0
    for step in steps:
        x, taken = step.after, step.index + 1
        state.listener.on_step(_event(step, state))
    if not torch.isfinite(x).all():  # this also waits for the device
        raise _not_finite(state.loaded)
    state.told += taken
    state.denoising += time.perf_counter() - before
    return x


def decode_pass(state: BatchDrawing) -> None:
    """From latents to pictures, one after the other: a VAE takes more memory than a U-Net."""
    assert state.start is not None and state.latents is not None
    maps = tuple(control.control_map for control in state.inputs.controls)
    plans = state.plans
    for k, own_plan in enumerate(plans):
        latents = state.latents[k : k + 1]
        image = decode_image(state.loaded, latents, state.listener, decoded_at_once(state.plan))
        if state.start.overlay is not None:
            image = state.start.overlay.lay_over(image)
        picture = Picture(image, own_plan, _made(state), state.index + k, maps)
        state.drawn.append(DrawnLatents(picture, latents, state.denoising / state.count))


def decoded_at_once(plan: Plan) -> int:
    """The side in pixels of what the VAE makes at once; 0: all of the picture, as of every plan but
    one that enlarges a picture, which may come to be larger than memory."""
    return plan.fused_tiles if isinstance(plan.task, Enlarge) else 0


def seeds_in_words(plans: Sequence[Plan]) -> str:
    """Of which seeds these pictures are."""
    first, last = counted_seed(plans[0]), counted_seed(plans[-1])
    seeds = f"seed {first}" + (f" to {last}" if last != first else "")
    return f"seed {plans[0].seed}, variation {seeds}" if plans[0].variation_strength else seeds


def _made(state: BatchDrawing) -> Provenance:
    """How the pictures of a batch came about."""
    loaded, plans = state.loaded, state.plans
    machine = loaded.machine
    libraries = (*LIBRARIES, OPENVINO) if state.plan.backend == OPENVINO else LIBRARIES
    return Provenance(
        device=machine.device.type,
        dtype=machine.dtype_name,
        seconds=round((time.perf_counter() - state.began) / state.count, 3),
        versions={"sdcli": __version__} | {name: version(name) for name in libraries},
        events=(*loaded.memory.taken, *loaded.fallbacks),
        ways=tuple(taken_ways(state.plan, machine, loaded.pipe, state.count)),
        threads=torch.get_num_threads() if machine.device.type == "cpu" else 0,
        batch_seeds=tuple(counted_seed(each) for each in plans) if len(plans) > 1 else (),
    )


def _pictures_of(plan: Plan) -> Iterator[File]:
    """The pictures that the plan starts from."""
    return (file for file, what in files_of(plan) if what not in _WEIGHTS_AND_CONTROLS)


def sampling_for_plan(plan: Plan) -> Sampling:
    """The plan's scheduler at its start."""
    family = FAMILIES[plan.family]
    return Sampling(
        plan.scheduler,
        plan.steps,
        prediction=plan.prediction,
        eta=plan.eta,
        xl=family.xl_levels,
        penultimate=plan.penultimate,
        of=make_noise_schedule(*family.betas, zero_snr=plan.zero_snr, half=plan.downcast_alphas),
    )


def start_steps(
    plans: Sequence[Plan],
    loaded: LoadedModel,
    inputs: UnetInputs,
    predict: Predict | None = None,
) -> tuple[DenoisingStart, Iterator[DenoisingStep]]:
    """The start of the pictures that are denoised together, and their steps as they are taken.

    Each picture's noise comes from its own generator, whoever is drawn beside it.
    """
    pipe, plan = loaded.pipe, plans[0]
    sampling = sampling_for_plan(plan)
    noise = noise_of_plans(plans, loaded)
    with torch.inference_mode():
        start = prepare_start(plan, pipe, sampling, noise, len(plans))
        inputs = add_channels(inputs, start.extra_channels, plan.task)
    return start, denoise(
        predict or loaded.make_predict(plan, SilentListener()),
        sampling,
        start.x,
        inputs,
        noise,
        begin=start.first_evaluation,
        keep=start.keep,
        guided=guided_levels(plan),
    )


def noise_of_plans(plans: Sequence[Plan], loaded: LoadedModel) -> Noise:
    """The noise of the pictures that are denoised together."""
    each = [noise_of_plan(one, str(loaded.machine.device)) for one in plans]
    return each[0] if len(each) == 1 else StackedNoise(each)


def guided_levels(plan: Plan) -> tuple[float, float]:
    """Between which noise levels the plan has guidance."""
    return WITH_GUIDANCE if GUIDANCE_INTERVAL in plan.fast else ALWAYS


def _event(step: DenoisingStep, state: BatchDrawing) -> LatentStep:
    """What listeners are told of a step."""
    return LatentStep(
        index=state.told + step.index,
        of=state.told + step.of + state.to_come,
        timestep=step.timestep,
        sigma=step.sigma,
        seed=state.plans[0].seed,
        picture_index=state.index,
        picture_count=state.plan.count,
        batch=state.count,
        preview=lambda: state.loaded.preview(step.clean[:1], state.plan.output.preview_vae),
        latents=step,
    )


def _not_finite(loaded: LoadedModel) -> SdcliError:
    half = loaded.pipe.unet.dtype is not torch.float32
    return SdcliError(
        "the denoising ran into numbers that are none (NaN or infinite)",
        hint="`--dtype fp32` may hold them" if half else "try another scheduler or a lower `--cfg`",
    )
