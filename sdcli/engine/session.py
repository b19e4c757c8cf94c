"""A plan into pictures: load the model, encode the prompt, denoise, decode."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

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
from sdcli.engine.loaded_models import LoadedModels
from sdcli.engine.noise import StackedNoise, make_noise
from sdcli.engine.sampler import Sampling
from sdcli.engine.text_encoder import encode_prompts
from sdcli.engine.unet_inputs import add_channels, make_unet_inputs
from sdcli.errors import SdcliError
from sdcli.events import Listener, SilentListener, Step
from sdcli.library.hashes import watch_files
from sdcli.options.fast_ways import GUIDANCE_INTERVAL, announce_ways
from sdcli.picture import Picture, Provenance
from sdcli.plan import File, Plan, files_of, nth_picture
from sdcli.prompts.notes import prompt_notes
from sdcli.weights.families import FAMILIES

_WEIGHTS_AND_CONTROLS = {"model", "VAE", "LoRA", "embedding", "ControlNet", "control picture"}
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


class Session:
    """Draws plan after plan in this process, and loads a model only when it is another than the last,
    or, with `keep_several`, than those that fit into half of the memory.

    Not to be used from two threads at once.
    """

    def __init__(self, *, keep_several: bool = False) -> None:
        self._models = LoadedModels(several=keep_several)

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the model's memory back."""
        self.close()

    def close(self) -> None:
        """Give the model's memory back. The session can be used again: it loads what it needs."""
        self._models.clear()

    def change_caller(self, told: set[Any]) -> None:
        """Another one asks from now on; `told` holds, and will hold, what models they were told of."""
        self._models.change_caller(told)

    def loaded_models(self) -> list[str]:
        """The files of the models in memory, the last used last."""
        return self._models.names

    def run(self, plan: Plan, listener: Listener | None = None) -> Iterator[Picture]:
        """The plan's pictures, in the order of their seeds, each as soon as it is finished."""
        listener = listener or SilentListener()
        backend = () if plan.backend == "torch" else (plan.backend,)
        for line in announce_ways((*backend, *plan.fast)):
            listener.on_note(line)
        loaded = self.load(plan, listener)
        inputs = self.prepare(plan, loaded, listener)
        index = 0
        while index < plan.count:
            together = min(plan.batch, plan.count - index)
            for drawn in self.draw_batch(plan, loaded, inputs, listener, index, together):
                listener.on_picture(drawn.picture)
                yield drawn.picture
                index += 1

    def load(self, plan: Plan, listener: Listener) -> LoadedModel:
        """The plan's model, ready on its device: the one in memory where it is the same."""
        return self._models.get(plan, listener)

    def prepare(self, plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs:
        """What the U-Net is given, encoded by a model that wears the plan's LoRAs.

        SdcliError where a file is not the one that the plan was made with.
        """
        # The model and its VAE are read by then, and were held to their hashes while they were.
        with watch_files(file for file, what in files_of(plan) if what not in {"model", "VAE"}):
            return self._prepare(plan, loaded, listener)

    def _prepare(self, plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs:
        if plan.loras != loaded.lora_weights.loras:
            listener.on_stage("changing LoRAs")
            loaded.lora_weights.change(plan.loras)
        if plan.controls:
            listener.on_stage("loading ControlNets")
        controls = loaded.controlnets.guides(plan)
        listener.on_stage("reading the prompt")
        for note in prompt_notes(plan):
            listener.on_note(note)
        with torch.inference_mode():
            prompts = encode_prompts(loaded.pipe, plan)
            return replace(make_unet_inputs(plan, loaded.pipe, prompts), controls=controls)

    def draw_one(
        self,
        plan: Plan,
        loaded: LoadedModel,
        inputs: UnetInputs,
        listener: Listener,
        predict: Predict | None = None,
    ) -> DrawnLatents:
        """The plan's first picture, drawn alone, with its latents; `predict` takes the place of the
        U-Net's call."""
        (drawn,) = self.draw_batch(plan, loaded, inputs, listener, 0, 1, predict)
        return drawn

    def draw_batch(
        self,
        plan: Plan,
        loaded: LoadedModel,
        inputs: UnetInputs,
        listener: Listener,
        index: int,
        count: int,
        predict: Predict | None = None,
    ) -> list[DrawnLatents]:
        """The pictures from `index` on that are denoised together: so many or, where memory runs
        out, half of them and half again.

        What is begun again with less tells its steps again from 0.
        """

        def attempt(count: int) -> list[DrawnLatents]:
            state = BatchDrawing(plan, loaded, inputs, listener, index, count, predict)
            for run_pass in PASSES:
                run_pass(state)
            return state.drawn

        return loaded.memory.retry_batch(loaded.pipe, attempt, count, listener.on_fallback)


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
    began: float = field(default_factory=time.perf_counter)
    denoising: float = 0.0  # seconds that the steps alone took
    start: DenoisingStart | None = None
    latents: torch.Tensor | None = None  # [pictures, 4, h, w]
    drawn: list[DrawnLatents] = field(default_factory=list[DrawnLatents])

    @property
    def plans(self) -> list[Plan]:
        """The plan of each picture of the batch, to be drawn by itself."""
        return [nth_picture(self.plan, self.index + k) for k in range(self.count)]


def denoise_pass(state: BatchDrawing) -> None:
    """From noise, or from the picture handed in, to finished latents."""
    plans = state.plans
    seeds = f"seed {plans[0].seed}" + (f" to {plans[-1].seed}" if len(plans) > 1 else "")
    state.listener.on_stage(seeds)
    predict = state.predict or state.loaded.make_predict(state.plan, state.listener)
    with watch_files(_pictures_of(state.plan)):
        start, steps = start_steps(plans, state.loaded, state.inputs, predict)
    x, before = start.x, time.perf_counter()
    for step in steps:
        x = step.after
        state.listener.on_step(_event(step, state))
    if not torch.isfinite(x).all():  # this also waits for the device
        raise _not_finite(state.loaded)
    state.start, state.latents, state.denoising = start, x, time.perf_counter() - before


def decode_pass(state: BatchDrawing) -> None:
    """From latents to pictures, one after the other: a VAE takes more memory than a U-Net."""
    assert state.start is not None and state.latents is not None
    maps = tuple(control.control_map for control in state.inputs.controls)
    plans = state.plans
    for k, own_plan in enumerate(plans):
        latents = state.latents[k : k + 1]
        image = decode_image(state.loaded, latents, state.listener)
        if state.start.overlay is not None:
            image = state.start.overlay.lay_over(image)
        picture = Picture(image, own_plan, _made(state), state.index + k, maps)
        state.drawn.append(DrawnLatents(picture, latents, state.denoising / state.count))


PASSES: tuple[Callable[[BatchDrawing], None], ...] = (denoise_pass, decode_pass)
"""What is done for every batch of pictures, in this order; each pass finds what the last one left."""


def _made(state: BatchDrawing) -> Provenance:
    """How the pictures of a batch came about."""
    loaded, plans = state.loaded, state.plans
    machine = loaded.machine
    libraries = LIBRARIES if state.plan.backend == "torch" else (*LIBRARIES, state.plan.backend)
    return Provenance(
        device=machine.device.type,
        dtype=machine.dtype_name,
        seconds=round((time.perf_counter() - state.began) / state.count, 3),
        versions={"sdcli": __version__} | {name: version(name) for name in libraries},
        events=(*loaded.memory.taken, *loaded.fallbacks),
        ways=tuple(taken_ways(state.plan, machine)),
        threads=torch.get_num_threads() if machine.device.type == "cpu" else 0,
        batch_seeds=tuple(each.seed for each in plans) if len(plans) > 1 else (),
    )


def _pictures_of(plan: Plan) -> Iterator[File]:
    """The pictures that the plan starts from."""
    return (file for file, what in files_of(plan) if what not in _WEIGHTS_AND_CONTROLS)


def sampling_for_plan(plan: Plan) -> Sampling:
    """The plan's scheduler at its start."""
    return Sampling(
        plan.scheduler,
        plan.steps,
        prediction=plan.prediction,
        zero_snr=plan.zero_snr,
        eta=plan.eta,
        xl=FAMILIES[plan.family].xl_levels,
        penultimate=plan.penultimate,
        downcast_alphas=plan.downcast_alphas,
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
    device = str(loaded.machine.device)
    each = [make_noise(one.seed, one.rng, device, ensd=one.ensd) for one in plans]
    noise = each[0] if len(each) == 1 else StackedNoise(each)
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
        guided=WITH_GUIDANCE if GUIDANCE_INTERVAL in plan.fast else ALWAYS,
    )


def _event(step: DenoisingStep, state: BatchDrawing) -> LatentStep:
    """What listeners are told of a step."""
    return LatentStep(
        index=step.index,
        of=step.of,
        timestep=step.timestep,
        sigma=step.sigma,
        seed=state.plan.seed + state.index,
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
