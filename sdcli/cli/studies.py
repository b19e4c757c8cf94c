"""The commands that show how it works: schedulers compared, sweeps, the denoising made visible."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import options
from sdcli.cli.drawing_options import DrawingOptions, spread_options_without
from sdcli.options.table import with_start_picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw
from sdcli.studies.compare.run import draw_comparison
from sdcli.studies.sweep.plan import plan_lineup
from sdcli.studies.sweep.plan import plan_sweep as variations_of
from sdcli.studies.sweep.run import draw_sweep as draw_sweep
from sdcli.studies.trace.plan import plan_trace as tracing
from sdcli.studies.trace.run import draw_trace as draw_trace

FLAGS_OF_ONE_RUN = (
    "count",
    "keep_maps",
    "preview",
    "preview_vae",
)  # flags of a run, not of a study
USUAL = "ddim,euler,euler-a,heun,dpm++2m,dpm++2m-karras,unipc-karras,dpm++2m-sde-karras"

Schedulers = Annotated[
    str,
    typer.Option(
        "--schedulers",
        metavar="NAME,NAME... or all",
        help="Which to compare; `all` is every solver at its usual spacing.",
    ),
]
StepCounts = Annotated[
    str, typer.Option("--steps", metavar="N,N...", help="At how many steps: 10,20 or 10..50/10.")
]
Seeds = Annotated[
    int, typer.Option("--seeds", min=1, max=100, metavar="N", help="How many noises to try.")
]


Vary = Annotated[
    list[str],
    typer.Option(
        "--vary",
        metavar="NAME=VALUE,VALUE...",
        help="An option's values (cfg=3,7.5 or cfg=1..15/2), or a word of the prompt and others in"
        " its place (red=red,blue); up to three: down, across, sheet by sheet.",
    ),
]


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
CfgSplit = Annotated[
    bool,
    typer.Option("--cfg-split", help="What the prompt and what the empty prompt wanted."),
]


@spread_options_without("scheduler", *FLAGS_OF_ONE_RUN)
def compare_schedulers(
    said: DrawingOptions,
    schedulers: Schedulers = USUAL,
    steps: StepCounts = "10,20,30,50",
    seeds: Seeds = 3,
) -> None:
    """The same noise under several schedulers, measured: a sheet, a chart, a table, a verdict."""
    resolve = partial(make_plan, ready=said.manner.wake)
    draw_comparison(
        plan_lineup(said.request(Draw()), schedulers, steps, seeds, resolve), said.manner
    )


@spread_options_without(*FLAGS_OF_ONE_RUN)
def sweep(
    said: DrawingOptions,
    vary: Vary,
    image: options.OptionalPicture = None,
    mask: options.OptionalMask = None,
    strength: options.Strength = None,
    feather: options.Feather = None,
) -> None:
    """A labelled sheet over any one, two or three options, or words of the prompt."""
    request = with_start_picture(said.request(Draw()), image, mask, strength, feather)
    resolve = partial(make_plan, ready=said.manner.wake)
    draw_sweep(variations_of(request, vary, resolve), said.manner)


@spread_options_without(*FLAGS_OF_ONE_RUN)
def trace(
    said: DrawingOptions,
    image: NoisedPicture = None,
    at: At = None,
    frames: Frames = 8,
    attention: Attention = False,
    cfg_split: CfgSplit = False,
) -> None:
    """The denoising as a film strip and an animation; or a picture's way into the noise."""
    request = with_start_picture(said.request(Draw()), image)
    resolve = partial(make_plan, ready=said.manner.wake)
    asked = tracing(request, at, frames, resolve, split=cfg_split, attention=attention)
    draw_trace(asked, said.manner)
