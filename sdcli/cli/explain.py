"""How a prompt is read, and which of its words a picture is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, read_prompt, spread_options
from sdcli.cli.measure_options import With
from sdcli.cli.output_mode import OutputMode
from sdcli.engine import door
from sdcli.errors import BadRequest
from sdcli.options.table import check_request
from sdcli.prompts.explain import explain_request
from sdcli.prompts.explanation_text import explanation_lines, explanation_record
from sdcli.request import Draw, Edit, Redraw, Repaint, Task

OfPicture = Annotated[
    Path | None,
    typer.Option(
        "--picture",
        metavar="FILE",
        help="Say which words this picture is about, and which not.",
        show_default=False,
    ),
]


@spread_options(Draw, Redraw, Repaint, Edit)
def explain(options: DrawingOptions, picture: OfPicture = None, with_: With = None) -> None:
    """Show how a prompt is read.

    Its tokens, chunks and weights, and the names found in it; with `--picture`, what each of its
    words does for a picture's score.
    """
    if picture is not None:
        prompt = options.values["prompt"]
        said = None if prompt is None else read_prompt(prompt)
        _explain_picture(picture, said, with_ or [], options.mode)
        return
    if with_:
        raise BadRequest(
            "`--with` judges a picture, and none is named", hint="add `--picture FILE`"
        )
    found = explain_request(check_request(options.request(_task_kind(options))))
    if options.mode.json:
        console.print_record(explanation_record(found))
    else:
        console.print_styled(explanation_lines(found))
        talk = console.Console(quiet=options.mode.quiet)
        for note in found.notes:
            talk.on_note(note)


def _explain_picture(path: Path, prompt: str | None, judges: list[str], mode: OutputMode) -> None:
    from sdcli.score.plan import load_judged_picture, plan_score  # which need numpy
    from sdcli.score.words import score_words, word_lines

    job = plan_score([path], prompt=prompt, judges=judges, measures="clip")
    image, words = load_judged_picture(job)
    talk = console.Console(quiet=mode.quiet)
    with talk.live():
        talk.on_stage("loading torch")
        scores = score_words(door.open_judges(job.panel.judges, job.panel.asked), image, words)
    if mode.json:
        console.print_record({"path": str(path), **scores.record()})
    else:
        for line in word_lines(scores):
            console.print_result(console.escape_controls(line))
    for line in job.panel.judges.describe():
        talk.on_note(line)


def _task_kind(options: DrawingOptions) -> type[Task]:
    """The task for which these flags have a meaning."""
    values = options.values
    if values["image"] is None:
        return Draw
    if values["image-cfg"] is not None:
        return Edit
    return Redraw if values["mask"] is None else Repaint
