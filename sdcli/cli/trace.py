"""`sdcli trace`: the denoising made visible."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import plan_request, print_files, print_picture, print_plans
from sdcli.cli.study_to_draw import FLAGS_OF_ONE_RUN, study_to_draw
from sdcli.engine import door
from sdcli.events import Listeners
from sdcli.options.table import with_start_picture
from sdcli.planning.resolve import with_random_seed
from sdcli.request import Draw, Request
from sdcli.studies.progress import Drawing, RunProgress
from sdcli.studies.trace.plan import TracePlan, plan_trace
from sdcli.text import count_of

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="STEP,STEP...",
        help="Which steps to show, from 1.",
        show_default="evenly spaced",
    ),
]
Frames = Annotated[
    int, typer.Option("--frames", min=1, max=1000, metavar="N", help="How many steps to show.")
]
NoisedPicture = Annotated[
    Path | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="Show this picture drown in noise instead, and what the model sees in it.",
        show_default=False,
    ),
]
Attention = Annotated[
    bool, typer.Option("--attention", help="Where in the picture each word was attended to.")
]
WordJudge = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="FILE[:ACTIVATION]",
        help="With `--attention`: a CLIP that says what each word does for the picture's score.",
        show_default="the one in the box, for the built-in model's pictures",
    ),
]
CfgSplit = Annotated[
    bool,
    typer.Option("--cfg-split", help="What the prompt and what the empty prompt wanted."),
]


@spread_options(Draw, without=FLAGS_OF_ONE_RUN)
def trace(
    options: DrawingOptions,
    image: NoisedPicture = None,
    at: At = None,
    frames: Frames = 8,
    attention: Attention = False,
    cfg_split: CfgSplit = False,
    with_: WordJudge = None,
) -> None:
    """The denoising, as a film strip and an animation.

    With `--image`, a picture's way into the noise.
    """
    request = with_start_picture(options.request(), image)
    resolve = partial(plan_request, mode=options.mode)

    def plan(asked: Request) -> TracePlan:
        return plan_trace(
            asked,
            at,
            frames,
            resolve,
            split=cfg_split,
            attention=attention,
            judges=tuple(with_ or ()),
        )

    planned = plan(request)
    if options.mode.dry_run:
        print_plans([planned.plan], options.mode)
    else:
        _trace(planned, lambda seed: plan(with_random_seed(request, seed)), options.mode)


def _trace(planned: TracePlan, again: Callable[[int], TracePlan], mode: OutputMode) -> None:
    from sdcli.server.remote_studies import record_trace
    from sdcli.studies.trace.run import PictureKeeper, tell_story, write_trace
    from sdcli.studies.trace.words import judge_story, plan_word_judges

    panel = plan_word_judges(planned)
    talk = console.Console(quiet=mode.quiet)
    with study_to_draw(
        "trace",
        [planned.plan],
        talk,
        again=(lambda seed: [again(seed).plan]) if planned.random_seed else None,
        words=planned.words,
        goes_on="the same command draws it there again, and its steps",
    ) as study:
        planned = planned if study.seed == planned.plan.seed else again(study.seed)
        progress = RunProgress(talk)
        if not planned.forward:
            drawing = Drawing(planned.plan, traced=True)
            progress.expect([drawing])
            progress.on_note(progress.announcement())
            progress.begin(drawing)
        keeper = PictureKeeper(study)
        traced = record_trace(mode.warm, planned.plan, Listeners(progress, keeper), planned.focus)
        story = tell_story(planned, traced)
        if panel is not None and story.picture is not None:
            judge_story(planned, story, panel, door.open_judges(panel.judges, panel.asked))
        files = write_trace(story, study.folder)
        if not planned.forward:
            progress.finish()
    what = count_of(len(planned.focus.film), "noise level") if planned.forward else ""
    talk.on_note(progress.summary(study.folder.path, what))
    if traced.picture is not None and keeper.path is not None:
        print_picture(traced.picture, keeper.path, mode)
    print_files(files, mode)
