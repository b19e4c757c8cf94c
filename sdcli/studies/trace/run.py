"""A trace: drawn, its steps decoded, put on a strip, an animation and a page, told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sdcli import __version__
from sdcli.cli import console
from sdcli.cli import run as perform
from sdcli.images import animation as film
from sdcli.images import contact_sheet as sheet
from sdcli.metadata import codec
from sdcli.outputs import study_folder as study
from sdcli.plan import Draw
from sdcli.reproduce.command_line import study as again
from sdcli.studies import charts
from sdcli.studies import time_estimate as pace
from sdcli.studies.html_page import html
from sdcli.studies.progress import Progress
from sdcli.studies.trace import page as pages
from sdcli.studies.trace.page import Moment, Seen, Story
from sdcli.studies.trace.plan import Trace


def trace(asked: Trace, manner: perform.Manner) -> None:
    """Draw the plan and leave a folder with what was seen on the way."""
    plan = asked.plan
    if manner.dry_run:
        perform.rehearse([plan], manner)
        return
    folder = study.folder(plan.output, "trace", plan)
    talk = console.Conversation(quiet=manner.quiet)
    with talk.live():
        if not asked.forward:
            Progress([plan], talk)
        talk.stage("waking torch")
        seen = perform.traced(asked, talk)
    story = _story(asked, seen)
    if seen.picture is not None:
        path = folder.picture(seen.picture, "picture")
        pace.remember(plan, seen.picture.made.seconds)
        perform.tell(seen.picture, path, manner)
    words = again("trace", replace(plan, task=Draw()), asked.words, ())
    perform.left(_kept(folder, story, words), manner)


def _kept(folder: study.Folder, story: Story, words: str) -> list[Any]:
    """The strip, the maps, the animations, the chart, the numbers and the page."""
    frames = pages.moving(story)
    animation = film.moving(frames, "webp")
    svg = charts.schedule(story.schedule)
    made = [
        folder.text(html(pages.page(story, animation, svg, words)), "report.html"),
        folder.image(sheet.drawn(pages.strip(story)), "strip.png"),
        folder.data(animation, "trace.webp"),
        folder.data(film.moving(frames, "gif"), "trace.gif"),
        folder.text(svg, "schedule.svg"),
    ]
    if story.seen:
        made.append(folder.image(sheet.drawn(pages.words(story)), "attention.png"))
    steps = [
        {"step": m.step, "timestep": m.timestep, "sigma": m.sigma, "alpha_bar": m.share}
        for m in story.moments
    ]
    words_seen = [{"word": one.word, "peak": one.peak} for one in story.seen]
    facts = {"sdcli": __version__, "command": words, "plan": codec.to_data(story.plan)}
    made.append(folder.results({**facts, "steps": steps, "attention": words_seen}))
    return made


def _story(asked: Trace, seen: Any) -> Story:
    """What the engine saw, as pictures for a page."""
    levels = seen.levels
    left = [1 / (1 + sigma**2) for sigma in levels.trained]
    before = [1.0, *left[:-1]]
    picture = None if seen.picture is None else seen.picture.image
    return Story(
        plan=asked.plan,
        picture=picture,
        moments=[
            Moment(f.step, f.timestep, f.sigma, f.noisy, f.clean, f.noise, f.wanted)
            for f in seen.frames
        ],
        schedule=charts.Schedule(
            beta=[1 - now / was for now, was in zip(left, before, strict=True)],
            alpha_bar=left,
            timesteps=levels.timesteps,
            sigmas=levels.sigmas,
            scheduler=asked.plan.scheduler,
        ),
        seen=[
            Seen(one.word, film.overlaid(picture, one.map), one.peak)
            for one in seen.attended
            if picture is not None
        ],
    )
