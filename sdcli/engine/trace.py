"""The denoising made visible: what the latents are at a step, what the model sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.attention_maps import AttentionMaps, recording_predict
from sdcli.engine.decode import decode_image
from sdcli.engine.denoise import DenoisingStep, UnetInputs, call_unet, predict_branches
from sdcli.engine.fast_ways import make_predict
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.noise import make_noise
from sdcli.engine.sampler import Sampling
from sdcli.engine.session import LatentStep, Session, sampling_for_plan
from sdcli.events import Listener, Listeners, SilentListener, Step
from sdcli.images.load import CELL, fit_picture, load_picture
from sdcli.picture import Picture
from sdcli.plan import Plan, Redraw
from sdcli.prompts.stages import prompt_stages, wording_chunks
from sdcli.prompts.word_positions import CHUNK_PLACES, find_word_positions


@dataclass(frozen=True)
class TracedStep:
    """One moment: x is clean + sigma * noise, each of the three as a picture."""

    step: int  # from 1
    timestep: float
    sigma: float
    noisy: Image.Image
    clean: Image.Image  # what the model sees in it
    noise: Image.Image
    wanted: tuple[Image.Image, ...] = ()  # what each branch of the guidance saw, the prompt's last


@dataclass(frozen=True)
class TracedLevels:
    """The noise levels of the model's training, and those that were visited."""

    trained: tuple[float, ...]
    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]


@dataclass(frozen=True)
class AttendedMap:
    """A word and where it was attended to: a grey picture at the latents' size, and its peak."""

    word: str
    map: Image.Image
    peak: float


@dataclass(frozen=True)
class TraceResult:
    """A drawing and what was seen on the way."""

    picture: Picture | None  # None: a picture was noised, and none drawn
    frames: tuple[TracedStep, ...]
    levels: TracedLevels
    attended: tuple[AttendedMap, ...] = ()


class _Recorder(SilentListener):
    """Keeps the steps that are wanted, on the device until the drawing is done."""

    def __init__(self, evaluations: frozenset[int]) -> None:
        self._evaluations = evaluations
        self.steps: list[DenoisingStep] = []

    def on_step(self, step: Step) -> None:
        """Keep a step that is wanted; a drawing that is begun again begins anew here too."""
        assert isinstance(step, LatentStep)
        if step.index == 0:
            self.steps.clear()
        if step.index in self._evaluations:
            self.steps.append(step.latents)


def record_drawing(
    plan: Plan,
    listener: Listener,
    at: Sequence[int],
    *,
    split: bool = False,
    attention: bool = False,
) -> TraceResult:
    """The plan's picture, bit for bit what it is untraced, and the steps `at` (from 1)."""
    session = Session()
    loaded = session.load(plan, listener)
    sampling = sampling_for_plan(plan)
    each = sampling.solver.evaluations
    last = sampling.evaluations - 1
    maps = AttentionMaps(plan.height // CELL, plan.width // CELL)
    recorder = _Recorder(frozenset(min((step - 1) * each, last) for step in at))
    inputs = session.prepare(plan, loaded, listener)
    predict = make_predict(loaded.pipe, plan)
    if attention:
        predict = recording_predict(predict, loaded.pipe.unet, maps)
    drawn = session.draw_one(plan, loaded, inputs, Listeners(recorder, listener), predict)
    listener.on_stage("decoding the steps")
    steps: list[TracedStep] = []
    for done, step in enumerate(recorder.steps, 1):
        number = step.index // each + 1
        steps.append(_traced_step(step, number, sampling, loaded, listener, split=split))
        listener.on_progress(done, len(recorder.steps))
    attended = _attended(plan, maps) if attention else ()
    return TraceResult(drawn.picture, tuple(steps), _levels(sampling), attended)


@torch.inference_mode()
def record_noising(plan: Plan, listener: Listener, at: Sequence[int]) -> TraceResult:
    """The picture handed in at the noise levels of the steps `at`, each made in one go, and what
    the model sees in it there, at one evaluation each."""
    assert isinstance(plan.task, Redraw)
    session = Session()
    loaded = session.load(plan, listener)
    pipe, sampling = loaded.pipe, sampling_for_plan(plan)
    each = sampling.solver.evaluations
    dice = make_noise(plan.seed, plan.rng, str(loaded.machine.device), ensd=plan.ensd)
    fitted = fit_picture(load_picture(plan.task.image.path), plan.width, plan.height)
    frames: list[TracedStep] = []
    inputs = session.prepare(plan, loaded, listener)
    latents = pipeline.encode_pixels(pipe, image_to_pixels(fitted)).float()
    noise = dice.randn(tuple(latents.shape)).to(latents.device)
    for place, step in enumerate(sorted(at, reverse=True)):
        index = min((step - 1) * each, sampling.evaluations - 1)
        x = sampling.add_noise(latents, noise, index)
        seen = _evaluate(pipe, sampling, x, index, inputs)
        frames.append(_traced_step(seen, step, sampling, loaded, listener, split=False))
        listener.on_progress(place + 1, len(at))
    return TraceResult(None, tuple(frames), _levels(sampling))


def _evaluate(
    pipe: pipeline.Pipeline, sampling: Sampling, x: torch.Tensor, index: int, inputs: UnetInputs
) -> DenoisingStep:
    """One evaluation, from which no step is taken."""
    share = index / sampling.evaluations
    branches = predict_branches(
        call_unet(pipe), sampling, x, index, inputs.at_evaluation(index), share
    )
    prediction = inputs.combine(branches)
    return DenoisingStep(
        index=index,
        of=sampling.evaluations,
        timestep=float(sampling.timesteps[index]),
        sigma=float(sampling.sigmas[index]),
        before=x,
        branches=branches,
        prediction=prediction,
        clean=sampling.predict_clean(prediction, index, x),
        after=x,
    )


def _traced_step(
    step: DenoisingStep,
    number: int,
    sampling: Sampling,
    loaded: LoadedModel,
    listener: Listener,
    *,
    split: bool,
) -> TracedStep:
    """The pictures of one step. The noise is what is left when what the model sees is taken out."""

    def decoded(latents: torch.Tensor) -> Image.Image:
        return decode_image(loaded, latents, listener)

    noise = (step.before - step.clean) / step.sigma
    branches = [sampling.predict_clean(b, step.index, step.before) for b in step.branches]
    return TracedStep(
        step=number,
        timestep=step.timestep,
        sigma=step.sigma,
        noisy=decoded(sampling.scale_input(step.before, step.index)),
        clean=decoded(step.clean),
        noise=decoded(noise),
        wanted=tuple(map(decoded, branches)) if split else (),
    )


def _levels(sampling: Sampling) -> TracedLevels:
    return TracedLevels(
        tuple(sampling.schedule.sigmas), tuple(sampling.timesteps), tuple(sampling.sigmas)
    )


def _attended(plan: Plan, maps: AttentionMaps) -> tuple[AttendedMap, ...]:
    """The map of each word, the brightest cell white."""
    _, (prompt, *_) = next(prompt_stages(plan))
    parts = wording_chunks(plan, prompt)
    found: list[AttendedMap] = []
    for word in find_word_positions(parts):
        shares = maps.map_of_word(word, CHUNK_PLACES * len(parts))
        low, high = float(shares.min()), float(shares.max())
        levels = (shares - low) / max(high - low, 1e-12) * 255
        grey = Image.fromarray(levels.round().to(torch.uint8).numpy())
        found.append(AttendedMap(word.text, grey, high))
    return tuple(found)
