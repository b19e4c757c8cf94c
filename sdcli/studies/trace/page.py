"""The page of a trace: the film strip, what the words looked at, the noise schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image

from sdcli.images.animation import difference_map, make_frames
from sdcli.images.contact_sheet import Cell, Sheet, flow_cells
from sdcli.plan import Plan
from sdcli.reproduce.command_line import command_for_plan
from sdcli.studies import charts
from sdcli.studies.html_page import NumberTable, PageAnimation, PageChart, StudyPage, TableValue
from sdcli.studies.plan_facts import plan_facts, plan_summary
from sdcli.text import percent, signed

FORMULA = "x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε"


@dataclass(frozen=True)
class FilmFrame:
    """One step of the animation."""

    step: int
    sigma: float
    noisy: Image.Image
    clean: Image.Image


@dataclass(frozen=True)
class TraceMoment:
    """One step: three pictures, and what each branch of the guidance saw."""

    step: int
    timestep: float
    sigma: float
    noisy: Image.Image
    clean: Image.Image
    noise: Image.Image
    wanted: Sequence[Image.Image] = ()

    @property
    def share(self) -> float:
        """Alpha-bar: how much of the picture's variance is left at this noise level."""
        return 1 / (1 + self.sigma**2)


@dataclass(frozen=True)
class AttendedWord:
    """A word, its overlay on the picture, the most attention that a cell gave it, and what the
    picture's score loses without it where somebody judged that."""

    word: str
    image: Image.Image
    peak: float
    gain: float | None = None

    @property
    def label(self) -> str:
        """The same in a line."""
        lost = "" if self.gain is None else f"; score {signed(-self.gain)} without"
        return f"{self.word}  ({percent(self.peak)} at most{lost})"


@dataclass
class TraceStory:
    """Everything that was seen."""

    plan: Plan
    words: Sequence[str]  # what was asked, as flags
    picture: Image.Image | None  # the finished one; None where a picture was noised
    moments: Sequence[TraceMoment]
    film: Sequence[FilmFrame]
    schedule: charts.ScheduleCurves
    seen: Sequence[AttendedWord] = field(default_factory=list[AttendedWord])
    judged_by: str = ""  # who said what the words do for the score


def film_strip(story: TraceStory) -> Sheet:
    """The film strip: steps across, what is looked at down."""
    rows: list[tuple[str, Callable[[TraceMoment], Image.Image]]] = [
        ("noised picture" if story.picture is None else "noisy latent", lambda one: one.noisy),
        ("what the model sees in it", lambda one: one.clean),
        ("the noise in it" if story.picture is None else "noise removed", lambda one: one.noise),
    ]
    if story.moments[0].wanted:
        rows += _branches(story)
    return Sheet(
        title=story.plan.prompt,
        rows=[
            [Cell(take(one), "", f"{name}, step {one.step}") for one in story.moments]
            for name, take in rows
        ],
        row_names=[name for name, _ in rows],
        columns=[
            f"step\N{NO-BREAK SPACE}{one.step} σ\N{NO-BREAK SPACE}{one.sigma:.3g}"
            for one in story.moments
        ],
        axes=("", f"{story.plan.steps} steps of {story.plan.scheduler}"),
        subtitle=plan_summary(story.plan),
    )


def attention_sheet(story: TraceStory) -> Sheet:
    """What each word looked at, laid over the finished picture."""
    cells = [Cell(one.image, one.label, f"attention to `{one.word}`") for one in story.seen]
    if story.picture is not None:
        cells.insert(
            0, Cell(story.picture, "the picture", "the picture", command_for_plan(story.plan))
        )
    return flow_cells(story.plan.prompt, cells, "where each word of the prompt was attended to")


def animation_frames(story: TraceStory) -> list[Image.Image]:
    """The frames of the animation: the noise on the left, the picture on the right."""
    found = [
        (one.noisy, one.clean, f"step {one.step} of {story.plan.steps}   σ {one.sigma:.3g}")
        for one in story.film
    ]
    if story.picture is not None:
        found.append((story.picture, story.picture, f"done: {story.plan.steps} steps"))
    return make_frames(found)


def trace_page(story: TraceStory, animation: bytes, svg: str, asked: str) -> StudyPage:
    """All of it."""
    forward, count = story.picture is None, len(story.moments)
    made = film_strip(story)
    sheets = [_titled(made, "Into the noise" if forward else "Out of the noise")]
    if story.picture is not None:
        cells = [Cell(story.picture, "the picture", "the picture", command_for_plan(story.plan))]
        sheets.insert(0, flow_cells("The finished picture", cells))
    if story.seen:
        sheets.append(_titled(attention_sheet(story), "What each word looked at"))
    return StudyPage(
        kind="Forward process" if forward else "Trace",
        title=story.plan.prompt,
        subtitle=plan_summary(story.plan),
        verdict=[f"Any amount of noise in one step: {FORMULA}"] if forward else [],
        sheets=sheets,
        animations=[
            PageAnimation(
                "In motion", animation, "webp", "left: x at the step; right: what is seen"
            )
        ],
        charts=[PageChart("The noise schedule", svg)],
        tables=[_table(story)],
        notes=_notes(story),
        plan=plan_facts(story.plan),
        command=asked,
        slider=(count - 1, 2 * count - 1) if forward else (1, 0),
    )


def _branches(story: TraceStory) -> list[tuple[str, Callable[[TraceMoment], Image.Image]]]:
    """What each branch of the guidance saw: the negative prompt's first, the prompt's last."""
    against = "the negative prompt" if story.plan.negative else "the empty prompt"
    count = len(story.moments[0].wanted)
    names = [against, *(["the prompt"] if count == 2 else [f"prompt {i}" for i in range(1, count)])]

    def take(place: int) -> Callable[[TraceMoment], Image.Image]:
        return lambda one: one.wanted[place]

    rows = [(f"{name} wanted", take(place)) for place, name in enumerate(names)]
    return [*rows, ("where they differ", lambda one: difference_map(one.wanted[0], one.wanted[-1]))]


def _table(story: TraceStory) -> NumberTable:
    rows: list[list[TableValue]] = [
        [m.step, m.timestep, m.sigma, m.share, m.share / (1 - m.share)] for m in story.moments
    ]
    heads = ("step", "timestep", "sigma", "alpha-bar", "SNR")
    return NumberTable("The noise levels", heads, rows, ("d", ".1f", ".4g", ".4g", ".4g"))


def _notes(story: TraceStory) -> list[str]:
    found = [
        "At every step x is the picture that the model sees in it plus sigma times noise; shown is"
        " x scaled to variance 1, as the model is given it. All three are decoded by the VAE, which"
        " was never trained on noise: what it makes of noise is only an impression.",
    ]
    if story.picture is None:
        found.append(
            f"{FORMULA}: x_0 is the picture's latents, ε normal noise of the seed, ᾱ_t the share of"
            " the picture's variance that is left. No step needs the one before it, which is what"
            " makes training possible. The second row is one evaluation of the model at each level."
        )
    if story.moments[0].wanted:
        found.append(
            f"Guidance goes from what one prompt wants towards what the other wants, and"
            f" {story.plan.cfg:g} times as far."
        )
    if story.seen:
        found.append(
            "Attention is the cross-attention of every block of the U-Net, averaged over heads,"
            " blocks and steps. Light is where a word had the largest share of it; the per cent are"
            " its largest share of any place, the rest going to the other words and to the prompt's"
            " beginning and end."
        )
    if story.judged_by:
        found.append(
            "What the score does without a word is the CLIP score of the finished picture with the"
            f" prompt less that word ({story.judged_by}): below 0, the picture is about it."
        )
    return found


def _titled(one: Sheet, title: str) -> Sheet:
    return Sheet(title, one.rows, one.row_names, one.columns, one.axes)
