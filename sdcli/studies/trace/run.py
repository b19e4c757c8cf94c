"""A trace: drawn, its steps decoded, put on a strip, an animation and a page, told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.engine import door
from sdcli.events import Listener
from sdcli.images import animation as film
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.plan import Draw
from sdcli.reproduce.command_line import command_for_study as again
from sdcli.studies import charts
from sdcli.studies import time_estimate as pace
from sdcli.studies.html_page import render_page
from sdcli.studies.progress import StudyProgress
from sdcli.studies.trace import page as pages
from sdcli.studies.trace.page import AttendedWord, TraceMoment, TraceStory
from sdcli.studies.trace.plan import TracePlan

if TYPE_CHECKING:
    from sdcli.engine.trace import TraceResult


def draw_trace(asked: TracePlan, manner: perform.OutputMode) -> None:
    """Draw the plan and leave a folder with what was seen on the way."""
    plan = asked.plan
    if manner.dry_run:
        perform.print_plans([plan], manner)
        return
    folder = study.folder(plan.output, "trace", plan)
    talk = console.Console(quiet=manner.quiet)
    with talk.live():
        if not asked.forward:
            StudyProgress([plan], talk)
        talk.on_stage("loading torch")
        seen = _draw(asked, talk)
    story = _story(asked, seen)
    if seen.picture is not None:
        path = folder.picture(seen.picture, "picture")
        pace.remember_pace(plan, seen.picture.made.seconds)
        perform.print_picture(seen.picture, path, manner)
    words = again("trace", replace(plan, task=Draw()), asked.words, ())
    perform.print_files(_kept(folder, story, words), manner)


def _kept(folder: study.Folder, story: TraceStory, words: str) -> list[Any]:
    """The strip, the maps, the animations, the chart, the numbers and the page."""
    frames = pages.animation_frames(story)
    animation = film.moving(frames, "webp")
    svg = charts.draw_schedule_chart(story.schedule)
    made = [
        folder.text(render_page(pages.trace_page(story, animation, svg, words)), "report.html"),
        folder.image(sheet.drawn(pages.film_strip(story)), "strip.png"),
        folder.data(animation, "trace.webp"),
        folder.data(film.moving(frames, "gif"), "trace.gif"),
        folder.text(svg, "schedule.svg"),
    ]
    if story.seen:
        made.append(folder.image(sheet.drawn(pages.attention_sheet(story)), "attention.png"))
    steps = [
        {"step": m.step, "timestep": m.timestep, "sigma": m.sigma, "alpha_bar": m.share}
        for m in story.moments
    ]
    words_seen = [{"word": one.word, "peak": one.peak} for one in story.seen]
    facts = {"sdcli": __version__, "command": words, "plan": codec.to_data(story.plan)}
    made.append(folder.results({**facts, "steps": steps, "attention": words_seen}))
    return made


def _draw(asked: TracePlan, listener: Listener) -> TraceResult:
    if asked.forward:
        return door.trace_noising(asked.plan, listener, asked.at)
    split, attention = asked.split, asked.attention
    return door.trace_drawing(asked.plan, listener, asked.at, split=split, attention=attention)


def _story(asked: TracePlan, seen: TraceResult) -> TraceStory:
    """What the engine saw, as pictures for a page."""
    levels = seen.levels
    left = [1 / (1 + sigma**2) for sigma in levels.trained]
    before = [1.0, *left[:-1]]
    picture = None if seen.picture is None else seen.picture.image
    return TraceStory(
        plan=asked.plan,
        picture=picture,
        moments=[
            TraceMoment(f.step, f.timestep, f.sigma, f.noisy, f.clean, f.noise, f.wanted)
            for f in seen.frames
        ],
        schedule=charts.NoiseSchedule(
            beta=[1 - now / was for now, was in zip(left, before, strict=True)],
            alpha_bar=left,
            timesteps=levels.timesteps,
            sigmas=levels.sigmas,
            scheduler=asked.plan.scheduler,
        ),
        seen=[
            AttendedWord(one.word, film.overlaid(picture, one.map), one.peak)
            for one in seen.attended
            if picture is not None
        ],
    )
