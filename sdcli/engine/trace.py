"""The denoising made visible: what the latents are at a step, what the model sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.attention_maps import AttentionMaps, record_attention
from sdcli.engine.denoise import UnetInputs, DenoisingStep, predict
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.noise import make_noise
from sdcli.engine.sampler import Sampling
from sdcli.engine.session import LoadedModel, Session, decode_image, sampling_for_plan
from sdcli.images import load as images
from sdcli.picture import Picture, Watch
from sdcli.plan import Plan, Redraw
from sdcli.prompts.chunks import split_into_chunks
from sdcli.prompts.syntax import parse_weights
from sdcli.prompts.tokenizer import clip_tokenizer
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


@dataclass
class _Taken:
    """The steps that frames are made of, on the CPU until the drawing is done."""

    evaluations: frozenset[int]
    steps: list[DenoisingStep] = field(default_factory=list[DenoisingStep])

    def look(self, step: DenoisingStep) -> None:
        """Keep a step that is wanted; a drawing begun again begins anew here too."""
        if step.index == 0:
            self.steps.clear()
        if step.index in self.evaluations:
            self.steps.append(step)


def trace_drawing(
    plan: Plan, watch: Watch, at: Sequence[int], *, split: bool = False, attention: bool = False
) -> TraceResult:
    """The plan's picture, bit for bit what it is untraced, and the steps `at` (from 1)."""
    studio = Session(watch)
    loaded = studio.open(plan)
    sampling = sampling_for_plan(plan)
    each = sampling.solver.evaluations
    taken = _Taken(frozenset(min((step - 1) * each, sampling.evaluations - 1) for step in at))
    maps = AttentionMaps(plan.height // images.CELL, plan.width // images.CELL)

    def look(step: DenoisingStep) -> None:
        taken.look(step)
        maps.end_step(first=step.index == 0)

    given = studio.prepare(plan, loaded)
    with record_attention(loaded.pipe.unet, maps) if attention else nullcontext():
        drawing = studio.draw_one(plan, loaded, given, look=look)
    watch.stage("decoding the steps")
    frames: list[TracedStep] = []
    for place, step in enumerate(taken.steps):
        frames.append(_frame(step, step.index // each + 1, sampling, loaded, watch, split=split))
        watch.step(place + 1, len(taken.steps))
    seen = _attended(plan, maps) if attention else ()
    return TraceResult(drawing.picture, tuple(frames), _levels(sampling), seen)


@torch.inference_mode()
def trace_noising(plan: Plan, watch: Watch, at: Sequence[int]) -> TraceResult:
    """The picture handed in at the noise levels of the steps `at`, each made in one go, and what
    the model sees in it there, at one evaluation each."""
    assert isinstance(plan.task, Redraw)
    studio = Session(watch)
    loaded = studio.open(plan)
    pipe, sampling = loaded.pipe, sampling_for_plan(plan)
    each = sampling.solver.evaluations
    dice = make_noise(plan.seed, plan.rng, str(loaded.machine.device), ensd=plan.ensd)
    fitted = images.fit(images.picture(plan.task.image.path), plan.width, plan.height)
    frames: list[TracedStep] = []
    given = studio.prepare(plan, loaded)
    latents = pipeline.encode_pixels(pipe, image_to_pixels(fitted)).float()
    noise = dice.randn(tuple(latents.shape)).to(latents.device)
    for place, step in enumerate(sorted(at, reverse=True)):
        index = min((step - 1) * each, sampling.evaluations - 1)
        x = sampling.add_noise(latents, noise, index)
        seen = _step(pipe, sampling, x, index, given)
        frames.append(_frame(seen, step, sampling, loaded, watch, split=False))
        watch.step(place + 1, len(at))
    return TraceResult(None, tuple(frames), _levels(sampling))


def _step(
    pipe: pipeline.Pipeline, sampling: Sampling, x: torch.Tensor, index: int, given: UnetInputs
) -> DenoisingStep:
    """One evaluation, from which no step is taken."""
    share = index / sampling.evaluations
    branches = predict(pipe, sampling, x, index, given.at_evaluation(index), share)
    prediction = given.combine(branches)
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


def _frame(
    step: DenoisingStep, number: int, sampling: Sampling, loaded: LoadedModel, watch: Watch, *, split: bool
) -> TracedStep:
    """The pictures of one step. The noise is what is left when what the model sees is taken out."""

    def decoded(latents: torch.Tensor) -> Image.Image:
        return decode_image(loaded, latents, watch)

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
    known = {one.word: one.vectors for one in plan.embeddings}
    parts = split_into_chunks(parse_weights(plan.prompt, plan.syntax), clip_tokenizer(), known)
    found: list[AttendedMap] = []
    for word in find_word_positions(parts):
        shares = maps.map_of_word(word, CHUNK_PLACES * len(parts))
        low, high = float(shares.min()), float(shares.max())
        levels = (shares - low) / max(high - low, 1e-12) * 255
        grey = Image.fromarray(levels.round().to(torch.uint8).numpy())
        found.append(AttendedMap(word.text, grey, high))
    return tuple(found)
