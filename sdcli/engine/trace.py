"""The denoising made visible: what the latents are at a step, what the model sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from sdcli.engine import pipeline
from sdcli.engine.attention_maps import AttentionMaps, recording_predict
from sdcli.engine.decode import decode_image
from sdcli.engine.denoise import DenoisingStep, Predict, UnetInputs, predict_branches
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.noise import noise_of_plan
from sdcli.engine.passes import LatentStep, sampling_for_plan
from sdcli.engine.sampler import Sampling
from sdcli.engine.session import Session
from sdcli.events import Listener, Listeners, SilentListener, Step
from sdcli.images.load import CELL, fit_picture, load_picture
from sdcli.plan import Plan, Redraw
from sdcli.prompts.stages import prompt_stages, wording_chunks
from sdcli.prompts.word_positions import CHUNK_PLACES, find_word_positions
from sdcli.trace_result import (
    AttendedMap,
    FilmedStep,
    TracedLevels,
    TracedStep,
    TraceFocus,
    TraceResult,
)


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


def record_trace(
    plan: Plan, listener: Listener, focus: TraceFocus, session: Session | None = None
) -> TraceResult:
    """What is seen on the way of a drawing or, of a plan that starts from a picture, on that picture's
    way into the noise."""
    if isinstance(plan.task, Redraw):
        return record_noising(plan, listener, focus.at, focus.film, session=session)
    return record_drawing(
        plan,
        listener,
        focus.at,
        film=focus.film,
        split=focus.split,
        attention=focus.attention,
        session=session,
    )


def record_drawing(
    plan: Plan,
    listener: Listener,
    at: Sequence[int],
    *,
    film: Sequence[int] = (),
    split: bool = False,
    attention: bool = False,
    session: Session | None = None,
) -> TraceResult:
    """The plan's picture, bit for bit what it is untraced, the steps `at` (from 1) looked at
    closely, and those of the `film`. The picture is told before its steps are decoded."""
    session = session or Session()
    loaded = session.load(plan, listener)
    sampling = sampling_for_plan(plan)
    each = sampling.solver.evaluations
    last = sampling.evaluations - 1
    maps = AttentionMaps(plan.height // CELL, plan.width // CELL)
    wanted = frozenset((*at, *film))
    recorder = _Recorder(frozenset(min((step - 1) * each, last) for step in wanted))
    inputs = session.prepare(plan, loaded, listener)
    predict = loaded.make_predict(plan, listener)
    if attention:
        predict = recording_predict(predict, loaded.pipe.unet, maps)
    drawn = session.draw_one(plan, loaded, inputs, Listeners(recorder, listener), predict)
    listener.on_picture(drawn.picture)
    listener.on_stage("decoding the steps")
    filming = _Filming(sampling, loaded, listener, frozenset(at), split)
    steps: list[FilmedStep] = []
    for done, step in enumerate(recorder.steps, 1):
        steps.append(filming.decode(step, step.index // each + 1))
        listener.on_progress(done, len(recorder.steps))
    attended = _attended(plan, maps) if attention else ()
    return TraceResult(drawn.picture, tuple(steps), _levels(sampling), attended)


@torch.inference_mode()
def record_noising(
    plan: Plan,
    listener: Listener,
    at: Sequence[int],
    film: Sequence[int] = (),
    *,
    session: Session | None = None,
) -> TraceResult:
    """The picture handed in at the noise levels of the steps `at` and of the `film`, each made in
    one go, and what the model sees in it there, at one evaluation each."""
    assert isinstance(plan.task, Redraw)
    session = session or Session()
    loaded = session.load(plan, listener)
    pipe, sampling = loaded.pipe, sampling_for_plan(plan)
    each = sampling.solver.evaluations
    dice = noise_of_plan(plan, str(loaded.machine.device))
    fitted = fit_picture(load_picture(plan.task.image.path), plan.width, plan.height)
    steps: list[FilmedStep] = []
    filming = _Filming(sampling, loaded, listener, frozenset(at), split=False)
    wanted = sorted({*at, *film}, reverse=True)
    inputs = session.prepare(plan, loaded, listener)
    predict = loaded.make_predict(plan, listener)
    latents = pipeline.encode_pixels(pipe, image_to_pixels(fitted)).float()
    noise = dice.randn(tuple(latents.shape)).to(latents.device)
    for done, step in enumerate(wanted, 1):
        index = min((step - 1) * each, sampling.evaluations - 1)
        x = sampling.add_noise(latents, noise, index)
        seen = _evaluate(predict, sampling, x, index, inputs)
        steps.append(filming.decode(seen, step))
        listener.on_progress(done, len(wanted))
    return TraceResult(None, tuple(steps), _levels(sampling))


def _evaluate(
    predict: Predict, sampling: Sampling, x: torch.Tensor, index: int, inputs: UnetInputs
) -> DenoisingStep:
    """One evaluation, from which no step is taken."""
    share = index / sampling.evaluations
    branches = predict_branches(predict, sampling, x, index, inputs.at_evaluation(index), share)
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


@dataclass(frozen=True)
class _Filming:
    """Makes pictures of steps."""

    sampling: Sampling
    loaded: LoadedModel
    listener: Listener
    closely: frozenset[int]  # the steps of which more is shown than the film needs
    split: bool

    def decode(self, step: DenoisingStep, number: int) -> FilmedStep:
        """The pictures of one step. The noise is what is left when what the model sees is taken out."""
        noisy = self._image(self.sampling.scale_input(step.before, step.index))
        filmed = number, step.timestep, step.sigma, noisy, self._image(step.clean)
        if number not in self.closely:
            return FilmedStep(*filmed)
        noise = self._image((step.before - step.clean) / step.sigma)
        return TracedStep(*filmed, noise, self._wanted(step) if self.split else ())

    def _wanted(self, step: DenoisingStep) -> tuple[Image.Image, ...]:
        seen = (self.sampling.predict_clean(b, step.index, step.before) for b in step.branches)
        return tuple(map(self._image, seen))

    def _image(self, latents: torch.Tensor) -> Image.Image:
        return decode_image(self.loaded, latents, self.listener)


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
