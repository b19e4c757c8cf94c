"""The commands that draw: from words, over a picture, inside a mask."""

from __future__ import annotations

from sdcli.cli import options
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.run import draw_plans
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Edit, Redraw, Repaint


@spread_options
def txt2img(said: DrawingOptions) -> None:
    """Draw a picture from words."""
    draw_plans(make_plan(said.request(Draw()), ready=said.manner.wake), manner=said.manner)


@spread_options
def img2img(
    said: DrawingOptions, image: options.Picture, strength: options.Strength = None
) -> None:
    """Redraw a picture from words."""
    task = Redraw(image, strength)
    draw_plans(make_plan(said.request(task), ready=said.manner.wake), manner=said.manner)


@spread_options
def inpaint(
    said: DrawingOptions,
    image: options.Picture,
    mask: options.Mask,
    strength: options.Strength = None,
    feather: options.Feather = None,
) -> None:
    """Repaint the white of a mask; outside it every pixel stays as it was."""
    task = Repaint(image, mask, strength, feather)
    draw_plans(make_plan(said.request(task), ready=said.manner.wake), manner=said.manner)


@spread_options
def edit(said: DrawingOptions, image: options.Picture, image_cfg: options.ImageCfg = None) -> None:
    """Follow an instruction about a picture (InstructPix2Pix checkpoints)."""
    task = Edit(image, image_cfg)
    draw_plans(make_plan(said.request(task), ready=said.manner.wake), manner=said.manner)
