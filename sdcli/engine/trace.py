"""The denoising made visible: what the latents are at a step, what the model sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.attention_maps import Maps, recorded
from sdcli.engine.denoise import Inputs, Step, predict
from sdcli.engine.initial_latents import pixels
from sdcli.engine.noise import generator
from sdcli.engine.sampler import Sampling
from sdcli.engine.session import Loaded, Studio, developed, sampling_of
from sdcli.images import load as images
from sdcli.picture import Picture, Watch
from sdcli.plan import Plan, Redraw
from sdcli.prompts.chunks import split_into_chunks
from sdcli.prompts.syntax import parse_weights
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.prompts.word_positions import CHUNK_PLACES, find_word_positions


@dataclass(frozen=True)
class Frame:
    """One moment: x is clean + sigma * noise, each of the three as a picture."""

    step: int  # from 1
    timestep: float
    sigma: float
    noisy: Image.Image
    clean: Image.Image  # what the model sees in it
    noise: Image.Image
    wanted: tuple[Image.Image, ...] = ()  # what each branch of the guidance saw, the prompt's last


@dataclass(frozen=True)
class Levels:
    """The noise levels of the model's training, and those that were visited."""

    trained: tuple[float, ...]
    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]


@dataclass(frozen=True)
class Attended:
    """A word and where it was attended to: a grey picture at the latents' size, and its peak."""

    word: str
    map: Image.Image
    peak: float


@dataclass(frozen=True)
class Traced:
    """A drawing and what was seen on the way."""

    picture: Picture | None  # None: a picture was noised, and none drawn
    frames: tuple[Frame, ...]
    levels: Levels
    attended: tuple[Attended, ...] = ()


@dataclass
class _Taken:
    """The steps that frames are made of, on the CPU until the drawing is done."""

    evaluations: frozenset[int]
    steps: list[Step] = field(default_factory=list[Step])

    def look(self, step: Step) -> None:
        """Keep a step that is wanted; a drawing begun again begins anew here too."""
        if step.index == 0:
            self.steps.clear()
        if step.index in self.evaluations:
            self.steps.append(step)


def trace(
    plan: Plan, watch: Watch, at: Sequence[int], *, split: bool = False, attention: bool = False
) -> Traced:
    """The plan's picture, bit for bit what it is untraced, and the steps `at` (from 1)."""
    studio = Studio(watch)
    loaded = studio.open(plan)
    sampling = sampling_of(plan)
    each = sampling.solver.evaluations
    taken = _Taken(frozenset(min((step - 1) * each, sampling.evaluations - 1) for step in at))
    maps = Maps(plan.height // images.CELL, plan.width // images.CELL)

    def look(step: Step) -> None:
        taken.look(step)
        maps.step(first=step.index == 0)

    given = studio.dressed(plan, loaded)
    with recorded(loaded.pipe.unet, maps) if attention else nullcontext():
        drawing = studio.drawing(plan, loaded, given, look=look)
    watch.stage("decoding the steps")
    frames: list[Frame] = []
    for place, step in enumerate(taken.steps):
        frames.append(_frame(step, step.index // each + 1, sampling, loaded, watch, split=split))
        watch.step(place + 1, len(taken.steps))
    seen = _attended(plan, maps) if attention else ()
    return Traced(drawing.picture, tuple(frames), _levels(sampling), seen)


@torch.inference_mode()
def forward(plan: Plan, watch: Watch, at: Sequence[int]) -> Traced:
    """The picture handed in at the noise levels of the steps `at`, each made in one go, and what
    the model sees in it there, at one evaluation each."""
    assert isinstance(plan.task, Redraw)
    studio = Studio(watch)
    loaded = studio.open(plan)
    pipe, sampling = loaded.pipe, sampling_of(plan)
    each = sampling.solver.evaluations
    dice = generator(plan.seed, plan.rng, str(loaded.machine.device), ensd=plan.ensd)
    fitted = images.fit(images.picture(plan.task.image.path), plan.width, plan.height)
    frames: list[Frame] = []
    given = studio.dressed(plan, loaded)
    latents = pipeline.encode(pipe, pixels(fitted)).float()
    noise = dice.randn(tuple(latents.shape)).to(latents.device)
    for place, step in enumerate(sorted(at, reverse=True)):
        index = min((step - 1) * each, sampling.evaluations - 1)
        x = sampling.noised(latents, noise, index)
        seen = _step(pipe, sampling, x, index, given)
        frames.append(_frame(seen, step, sampling, loaded, watch, split=False))
        watch.step(place + 1, len(at))
    return Traced(None, tuple(frames), _levels(sampling))


def _step(
    pipe: pipeline.Pipeline, sampling: Sampling, x: torch.Tensor, index: int, given: Inputs
) -> Step:
    """One evaluation, from which no step is taken."""
    share = index / sampling.evaluations
    branches = predict(pipe, sampling, x, index, given.at(index), share)
    prediction = given.combine(branches)
    return Step(
        index=index,
        of=sampling.evaluations,
        timestep=float(sampling.timesteps[index]),
        sigma=float(sampling.sigmas[index]),
        before=x,
        branches=branches,
        prediction=prediction,
        clean=sampling.denoised(prediction, index, x),
        after=x,
    )


def _frame(
    step: Step, number: int, sampling: Sampling, loaded: Loaded, watch: Watch, *, split: bool
) -> Frame:
    """The pictures of one step. The noise is what is left when what the model sees is taken out."""

    def decoded(latents: torch.Tensor) -> Image.Image:
        return developed(loaded, latents, watch)

    noise = (step.before - step.clean) / step.sigma
    branches = [sampling.denoised(b, step.index, step.before) for b in step.branches]
    return Frame(
        step=number,
        timestep=step.timestep,
        sigma=step.sigma,
        noisy=decoded(sampling.scaled(step.before, step.index)),
        clean=decoded(step.clean),
        noise=decoded(noise),
        wanted=tuple(map(decoded, branches)) if split else (),
    )


def _levels(sampling: Sampling) -> Levels:
    return Levels(
        tuple(sampling.schedule.sigmas), tuple(sampling.timesteps), tuple(sampling.sigmas)
    )


def _attended(plan: Plan, maps: Maps) -> tuple[Attended, ...]:
    """The map of each word, the brightest cell white."""
    known = {one.word: one.vectors for one in plan.embeddings}
    parts = split_into_chunks(parse_weights(plan.prompt, plan.syntax), clip_tokenizer(), known)
    found: list[Attended] = []
    for word in find_word_positions(parts):
        shares = maps.of(word, CHUNK_PLACES * len(parts))
        low, high = float(shares.min()), float(shares.max())
        levels = (shares - low) / max(high - low, 1e-12) * 255
        grey = Image.fromarray(levels.round().to(torch.uint8).numpy())
        found.append(Attended(word.text, grey, high))
    return tuple(found)
