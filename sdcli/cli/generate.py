"""The commands that draw: from words, over a picture, inside a mask, by an instruction."""

from __future__ import annotations

from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.run import draw_request
from sdcli.request import Draw, Edit, Redraw, Repaint


@spread_options(Draw)
def txt2img_command(options: DrawingOptions) -> None:
    """Draw a picture from words."""
    draw_request(options.request(Draw), options.mode)


@spread_options(Redraw)
def img2img_command(options: DrawingOptions) -> None:
    """Redraw a picture from words."""
    draw_request(options.request(Redraw), options.mode)


@spread_options(Repaint)
def inpaint_command(options: DrawingOptions) -> None:
    """Repaint the white of a mask. Outside it every pixel stays as it was."""
    draw_request(options.request(Repaint), options.mode)


@spread_options(Edit)
def edit_command(options: DrawingOptions) -> None:
    """Follow an instruction about a picture.

    It needs an InstructPix2Pix checkpoint.
    """
    draw_request(options.request(Edit), options.mode)
