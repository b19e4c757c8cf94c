"""The commands that draw: from words, over a picture, inside a mask, by an instruction."""

from __future__ import annotations

from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import KeepBest, spread_measures
from sdcli.cli.run import draw_request
from sdcli.request import Draw, Edit, Outpaint, Redraw, Repaint
from sdcli.studies.judging_wish import JudgingWish


@spread_options(Draw)
@spread_measures
def txt2img_command(
    options: DrawingOptions,
    wish: JudgingWish,
    keep_best: KeepBest = None,
) -> None:
    """Draw a picture from words."""
    draw_request(options.request(Draw), options.mode, wish, keep_best)


@spread_options(Redraw)
@spread_measures
def img2img_command(
    options: DrawingOptions,
    wish: JudgingWish,
    keep_best: KeepBest = None,
) -> None:
    """Redraw a picture from words."""
    draw_request(options.request(Redraw), options.mode, wish, keep_best)


@spread_options(Repaint)
@spread_measures
def inpaint_command(
    options: DrawingOptions,
    wish: JudgingWish,
    keep_best: KeepBest = None,
) -> None:
    """Repaint the white of a mask. Outside it every pixel stays as it was."""
    draw_request(options.request(Repaint), options.mode, wish, keep_best)


@spread_options(Outpaint)
@spread_measures
def outpaint_command(
    options: DrawingOptions,
    wish: JudgingWish,
    keep_best: KeepBest = None,
) -> None:
    """Draw on beyond a picture's edges.

    What was there stays as it was, but for a soft edge.
    """
    draw_request(options.request(Outpaint), options.mode, wish, keep_best)


@spread_options(Edit)
@spread_measures
def edit_command(
    options: DrawingOptions,
    wish: JudgingWish,
    keep_best: KeepBest = None,
) -> None:
    """Follow an instruction about a picture.

    It needs an InstructPix2Pix checkpoint.
    """
    draw_request(options.request(Edit), options.mode, wish, keep_best)
