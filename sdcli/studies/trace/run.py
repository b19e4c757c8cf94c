"""A trace: what the engine saw, told as pictures; then the files of the study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdcli import __version__
from sdcli.events import SilentListener
from sdcli.images import animation
from sdcli.images.contact_sheet import draw_contact_sheet as draw_sheet
from sdcli.metadata import codec
from sdcli.outputs.study_folder import StudyFolder
from sdcli.picture import Picture
from sdcli.plan import Draw
from sdcli.reproduce.command_line import command_for_study
from sdcli.studies import charts
from sdcli.studies.html_page import render_page
from sdcli.studies.trace.page import (
    AttendedWord,
    FilmFrame,
    TraceMoment,
    TraceStory,
    animation_frames,
    attention_sheet,
    film_strip,
    trace_page,
)
from sdcli.studies.trace.plan import TracePlan
from sdcli.studies.unfinished import OpenStudy

if TYPE_CHECKING:
    from sdcli.trace_result import TraceResult


class PictureKeeper(SilentListener):
    """Saves a trace's picture as soon as it is drawn: what comes after takes as long again."""

    def __init__(self, study: OpenStudy) -> None:
        self._study = study
        self.path: Path | None = None  # where it is, once it is

    def on_picture(self, picture: Picture) -> None:
        """The picture is drawn."""
        self.path = self._study.folder.picture(picture, "picture")
        self._study.remember("picture", self.path, {})


def tell_story(trace: TracePlan, traced: TraceResult) -> TraceStory:
    """What the engine saw of a trace, as pictures for a page."""
    levels = traced.levels
    alpha_bar = [1 / (1 + sigma**2) for sigma in levels.trained]
    before = [1.0, *alpha_bar[:-1]]
    picture = None if traced.picture is None else traced.picture.image
    return TraceStory(
        plan=trace.plan,
        words=trace.words,
        picture=picture,
        moments=[
            TraceMoment(
                one.step, one.timestep, one.sigma, one.noisy, one.clean, one.noise, one.wanted
            )
            for one in traced.closely
        ],
        film=[
            FilmFrame(one.step, one.sigma, one.noisy, one.clean)
            for one in traced.film
            if one.step in trace.focus.film
        ],
        schedule=charts.ScheduleCurves(
            beta=[1 - now / was for now, was in zip(alpha_bar, before, strict=True)],
            alpha_bar=alpha_bar,
            timesteps=levels.timesteps,
            sigmas=levels.sigmas,
            scheduler=trace.plan.scheduler,
        ),
        seen=[
            AttendedWord(one.word, animation.overlay_map(picture, one.map), one.peak)
            for one in traced.attended
            if picture is not None
        ],
    )


def write_trace(story: TraceStory, folder: StudyFolder) -> list[Path]:
    """The page, the strip, the animations, the chart, the maps and the numbers."""
    command = command_for_study("trace", replace(story.plan, task=Draw()), story.words, ())
    frames = animation_frames(story)
    webp = animation.encode_animation(frames, "webp")
    chart = charts.draw_schedule_chart(story.schedule)
    files = [
        folder.text(render_page(trace_page(story, webp, chart, command)), "report.html"),
        folder.image(draw_sheet(film_strip(story)), "strip.png"),
        folder.data(webp, "trace.webp"),
        folder.data(animation.encode_animation(frames, "gif"), "trace.gif"),
        folder.text(chart, "schedule.svg"),
    ]
    if story.seen:
        files.append(folder.image(draw_sheet(attention_sheet(story)), "attention.png"))
    results = {
        "sdcli": __version__,
        "command": command,
        "plan": codec.to_data(story.plan),
        "steps": [
            {"step": m.step, "timestep": m.timestep, "sigma": m.sigma, "alpha_bar": m.share}
            for m in story.moments
        ],
        "attention": [
            {"word": one.word, "peak": one.peak} | ({} if one.gain is None else {"gain": one.gain})
            for one in story.seen
        ],
    }
    return [*files, folder.results(results)]
