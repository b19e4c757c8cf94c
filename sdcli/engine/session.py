"""A plan into pictures: load the model, encode the prompt, denoise, decode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType
from typing import Self

import torch
from PIL import Image

from sdcli import __version__
from sdcli.engine.decode import decode_image, paste_over_original
from sdcli.engine.denoise import DenoisingStep, UnetInputs, denoise
from sdcli.engine.initial_latents import DenoisingStart, prepare_start
from sdcli.engine.loaded_model import LoadedModel, load_model
from sdcli.engine.noise import make_noise
from sdcli.engine.sampler import Sampling
from sdcli.engine.text_encoder import encode_prompts
from sdcli.engine.unet_inputs import add_channels, make_unet_inputs
from sdcli.errors import SdcliError
from sdcli.events import Listener, SilentListener, Step
from sdcli.picture import Picture, Provenance
from sdcli.plan import Plan, nth_picture
from sdcli.prompts.stages import unused_embeddings
from sdcli.weights.families import FAMILIES

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
    """Draws plan after plan in this process, and loads a model only when it is another than the last.

    Not to be used from two threads at once.
    """

    def __init__(self) -> None:
        self._loaded: LoadedModel | None = None

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
        self._loaded = None

    def run(self, plan: Plan, listener: Listener | None = None) -> Iterator[Picture]:
        """The plan's pictures, in the order of their seeds, each as soon as it is finished."""
        listener = listener or SilentListener()
        loaded = self.load(plan, listener)
        inputs = self.prepare(plan, loaded, listener)
        for index in range(plan.count):
            picture = self.draw_one(plan, loaded, inputs, listener, index).picture
            listener.on_picture(picture)
            yield picture

    def load(self, plan: Plan, listener: Listener) -> LoadedModel:
        """The plan's model, ready on its device: the one in memory where it is the same."""
        if self._loaded is None or not self._loaded.can_draw(plan):
            self._loaded = None  # the old model leaves before the new one comes
            self._loaded = load_model(plan, listener)
        return self._loaded

    def prepare(self, plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs:
        """What the U-Net is given, encoded by a model that wears the plan's LoRAs."""
        if plan.loras != loaded.lora_weights.loras:
            listener.on_stage("changing LoRAs")
            loaded.lora_weights.change(plan.loras)
        if plan.controls:
            listener.on_stage("loading ControlNets")
        controls = loaded.controlnets.guides(plan)
        listener.on_stage("reading the prompt")
        for word in unused_embeddings(plan):
            listener.on_note(f"the embedding `{word}` stands in no prompt: it changes nothing")
        with torch.inference_mode():
            prompts = encode_prompts(loaded.pipe, plan)
            return replace(make_unet_inputs(plan, loaded.pipe, prompts), controls=controls)

    def draw_one(
        self,
        plan: Plan,
        loaded: LoadedModel,
        inputs: UnetInputs,
        listener: Listener,
        index: int = 0,
    ) -> DrawnLatents:
        """Picture `index` of the plan with its latents.

        Where memory runs out it is begun again with less, and its steps are told again from 0.
        """
        own_plan = nth_picture(plan, index)
        began = time.perf_counter()

        def attempt() -> tuple[Image.Image, torch.Tensor, float]:
            listener.on_stage(f"seed {own_plan.seed}")
            start, steps = start_steps(own_plan, loaded, inputs)
            x, before = start.x, time.perf_counter()
            for step in steps:
                x = step.after
                listener.on_step(_event(step, own_plan, index, plan.count, loaded))
            if not torch.isfinite(x).all():  # this also waits for the device
                raise _not_finite(loaded)
            seconds = time.perf_counter() - before
            return paste_over_original(decode_image(loaded, x, listener), start), x, seconds

        image, latents, denoising = loaded.memory.retry(loaded.pipe, attempt, listener.on_fallback)
        made = Provenance(
            device=loaded.machine.device.type,
            dtype=loaded.machine.dtype_name,
            seconds=round(time.perf_counter() - began, 3),
            versions={"sdcli": __version__} | {name: version(name) for name in LIBRARIES},
            events=(*loaded.memory.taken, *loaded.fallbacks),
            threads=torch.get_num_threads() if loaded.machine.device.type == "cpu" else 0,
        )
        maps = tuple(control.control_map for control in inputs.controls)
        return DrawnLatents(Picture(image, own_plan, made, index, maps), latents, denoising)


def sampling_for_plan(plan: Plan) -> Sampling:
    """The plan's scheduler at its start."""
    return Sampling(
        plan.scheduler,
        plan.steps,
        prediction=plan.prediction,
        zero_snr=plan.zero_snr,
        eta=plan.eta,
        xl=FAMILIES[plan.family].xl_levels,
    )


def start_steps(
    plan: Plan, loaded: LoadedModel, inputs: UnetInputs
) -> tuple[DenoisingStart, Iterator[DenoisingStep]]:
    """One picture's start, and its steps as they are taken."""
    pipe = loaded.pipe
    sampling = sampling_for_plan(plan)
    noise = make_noise(plan.seed, plan.rng, str(loaded.machine.device), ensd=plan.ensd)
    with torch.inference_mode():
        start = prepare_start(plan, pipe, sampling, noise)
        inputs = add_channels(inputs, start.extra_channels, plan.task)
    return start, denoise(
        pipe, sampling, start.x, inputs, noise, begin=start.first_evaluation, keep=start.keep
    )


def _event(
    step: DenoisingStep, plan: Plan, index: int, count: int, loaded: LoadedModel
) -> LatentStep:
    """What listeners are told of a step."""
    return LatentStep(
        index=step.index,
        of=step.of,
        timestep=step.timestep,
        sigma=step.sigma,
        seed=plan.seed,
        picture_index=index,
        picture_count=count,
        batch=1,
        preview=lambda: loaded.preview(step.clean, plan.output.preview_vae),
        latents=step,
    )


def _not_finite(loaded: LoadedModel) -> SdcliError:
    half = loaded.pipe.unet.dtype is not torch.float32
    return SdcliError(
        "the denoising ran into numbers that are none (NaN or infinite)",
        hint="`--dtype fp32` may hold them" if half else "try another scheduler or a lower `--cfg`",
    )
