"""How a prompt is read."""

from __future__ import annotations

from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.options.table import check_request
from sdcli.prompts.explain import explain_request
from sdcli.prompts.explanation_text import explanation_lines, explanation_record
from sdcli.request import Draw, Edit, Redraw, Repaint, Task


@spread_options(Draw, Redraw, Repaint, Edit)
def explain(options: DrawingOptions) -> None:
    """Show how a prompt is read.

    Its tokens, chunks and weights, and the names found in it.
    """
    found = explain_request(check_request(options.request(_task_kind(options))))
    if options.mode.json:
        console.print_record(explanation_record(found))
    else:
        console.print_styled(explanation_lines(found))
        talk = console.Console(quiet=options.mode.quiet)
        for note in found.notes:
            talk.on_note(note)


def _task_kind(options: DrawingOptions) -> type[Task]:
    """The task for which these flags have a meaning."""
    values = options.values
    if values["image"] is None:
        return Draw
    if values["image-cfg"] is not None:
        return Edit
    return Redraw if values["mask"] is None else Repaint
