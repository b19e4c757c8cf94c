"""Finished pictures made larger."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdcli.cli import console, options
from sdcli.cli.output_mode import warm_wish
from sdcli.engine import door
from sdcli.engine.door import SessionLike
from sdcli.errors import PartFailed
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.request import Output
from sdcli.server.warm import choose_session
from sdcli.studies.progress import Drawing, RunProgress

if TYPE_CHECKING:
    from sdcli.upscale.run import EnlargedPicture, SkippedPicture, UpscaleJob

With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="NAME or FILE",
        help="The upscaler: ESRGAN, Real-ESRGAN and, with spandrel, others; or SD's x4 checkpoint.",
        show_default="the one in the box",
    ),
]
Scale = Annotated[
    float | None,
    typer.Option(
        "--scale",
        metavar="X",
        help="So many times as large (0.25 to 16).",
        show_default="the upscaler's",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="WIDTHxHEIGHT",
        help="As large as fits within this size; one number is both sides.",
        show_default=False,
    ),
]
Refine = Annotated[
    float | None,
    typer.Option(
        "--refine",
        metavar="STRENGTH",
        min=0.0,
        max=1.0,
        help="Paint over the larger picture with a model, in tiles fused at every step; 0.2 to 0.5.",
        show_default=False,
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        metavar="TEXT",
        help="Words to draw by: for `--refine`, or an SD x4 upscaler.",
        show_default="those that the picture carries",
    ),
]
Model = Annotated[
    str | None,
    options.typer_option(
        "model",
        about="The checkpoint to `--refine` with.",
        default="the picture's, else as in txt2img",
    ),
]
Negative = Annotated[
    str | None, options.typer_option("negative", default="those that the picture carries")
]
Steps = Annotated[int | None, options.typer_option("steps", default="as it was drawn, the model's")]
Cfg = Annotated[float | None, options.typer_option("cfg", default="as it was drawn, the model's")]
Seed = Annotated[
    int | None,
    options.typer_option("seed", about="The seed of what is drawn.", default="the picture's"),
]
NoiseLevel = Annotated[int | None, options.typer_option("noise-level")]
Control = Annotated[
    str | None,
    typer.Option(
        "--control",
        metavar="FILE[:WEIGHT]",
        help="A ControlNet (tile) that holds `--refine` to the picture.",
        show_default=False,
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another setting for what is drawn, like `scheduler=euler` (repeat for more).",
        show_default=False,
    ),
]
Out = Annotated[
    str | None,
    options.typer_option(
        "out", about="A folder, a file, or a template with {name}, {width}, {height}, {index}."
    ),
]
NoMetadata = Annotated[
    bool, typer.Option("--no-metadata", help="Write none of what the pictures carry.")
]


def upscale(
    pictures: options.Pictures,
    with_: With = None,
    scale: Scale = None,
    to: To = None,
    refine: Refine = None,
    prompt: Prompt = None,
    negative: Negative = None,
    model: Model = None,
    steps: Steps = None,
    cfg: Cfg = None,
    seed: Seed = None,
    noise_level: NoiseLevel = None,
    control: Control = None,
    changes: Changes = None,
    out: Out = None,
    format: options.Format = None,  # noqa: A002
    force: options.Force = False,
    no_metadata: NoMetadata = False,
    device: options.Device = None,
    json: options.Json = False,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Make pictures larger.

    What they carry stays with them; a damaged one is named and left out.
    """
    from sdcli.upscale.drawing_wish import read_drawing_wish
    from sdcli.upscale.run import plan_upscale
    from sdcli.upscale.size_wish import read_size_wish

    output = Output(out, format, force, metadata=not no_metadata)
    values = {"negative": negative, "steps": steps, "cfg": cfg, "seed": seed}
    said = read_drawing_wish(
        {**values, "noise-level": noise_level},
        changes or (),
        prompt=prompt,
        model=model,
        control=control,
        device=device,
    )
    job = plan_upscale(pictures, with_, read_size_wish(scale, to), output, refine, said)
    if dry_run:
        _print_plan(job, json)
        return
    talk = console.Console(quiet=quiet)
    with talk.live():
        skipped = _upscale(job, device or "auto", json, talk)
    if job.is_of_one and skipped:
        raise skipped[0].error
    for one in skipped:
        console.print_error(one.error)
    if skipped:
        raise PartFailed(
            f"{len(skipped)} of {len(job.paths)} pictures could not be enlarged",
            hint="why, is said above for each; the others are saved",
        )


def _upscale(
    job: UpscaleJob, device: str, json: bool, talk: console.Console
) -> list[SkippedPicture]:
    """Enlarge, save and tell every picture; those that could not be."""
    from sdcli.upscale.drawing_upscaler import DrawingUpscaler
    from sdcli.upscale.run import EnlargedPicture, upscale_pictures

    talk.on_stage("loading torch")
    loads = not isinstance(job.upscaler, DrawingUpscaler)
    enlarger = door.open_upscaler(job.upscaler.path, device, talk) if loads else None
    skipped: list[SkippedPicture] = []
    with choose_session(warm_wish(None), talk) if job.draws else nullcontext() as session:
        draw = _Draw(session, talk)
        for count, one in enumerate(upscale_pictures(job, enlarger, draw), 1):
            talk.on_stage(f"picture {count} of {len(job.paths)}")
            if isinstance(one, EnlargedPicture):
                _tell(one, job, json, talk)
            else:
                skipped.append(one)
    return skipped


@dataclass(frozen=True)
class _Draw:
    """Draws what paints over a picture, or a picture larger."""

    session: SessionLike | None
    talk: console.Console

    def __call__(self, plan: Plan) -> Picture:
        """The picture of a plan."""
        assert self.session is not None
        progress = RunProgress(self.talk)
        progress.expect([Drawing(plan)])
        progress.begin(Drawing(plan))
        (picture,) = self.session.run(plan, progress)
        progress.finish()
        return picture


def _tell(one: EnlargedPicture, job: UpscaleJob, json: bool, talk: console.Console) -> None:
    if one.note:
        talk.on_note(f"{one.picture.name}: what it carries is not carried on: {one.note}")
    if json:
        console.print_record(
            _record(one.picture, one.path, one.size, job)
            | ({"enlarged": str(one.enlarged)} if one.enlarged else {})
            | {"seconds": one.seconds, "events": list(one.events)}
        )
    else:
        console.print_result(str(one.path))


def _record(picture: Path, path: Path, size: tuple[int, int], job: UpscaleJob) -> dict[str, Any]:
    return {
        "path": str(path),
        "picture": str(picture),
        "width": size[0],
        "height": size[1],
        "upscaler": str(job.upscaler.path),
    }


def _print_plan(job: UpscaleJob, json: bool) -> None:
    """What would be done; the first picture that cannot be enlarged is an error."""
    from sdcli.upscale.run import SkippedPicture, planned_pictures

    rows: list[list[str]] = []
    for one in planned_pictures(job):
        if isinstance(one, SkippedPicture):
            raise one.error
        if json:
            console.print_record(_record(one.picture, one.path, one.size, job))
        rows.append([str(one.picture), _pixels(one.before), _pixels(one.size), str(one.path)])
    if not json:
        console.print_table(("picture", "is", "becomes", "at"), rows)


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
