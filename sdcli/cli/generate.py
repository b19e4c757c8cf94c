"""The commands that draw: from words, over a picture, inside a mask."""

from __future__ import annotations

from sdcli.cli import options
from sdcli.cli.drawing_options import Said, spread
from sdcli.cli.run import perform
from sdcli.planning.resolve import plan
from sdcli.request import Draw, Edit, Redraw, Repaint


@spread
def txt2img(said: Said) -> None:
    """Draw a picture from words."""
    perform(plan(said.request(Draw()), ready=said.manner.wake), manner=said.manner)


@spread
def img2img(said: Said, image: options.Picture, strength: options.Strength = None) -> None:
    """Redraw a picture from words."""
    task = Redraw(image, strength)
    perform(plan(said.request(task), ready=said.manner.wake), manner=said.manner)


@spread
def inpaint(
    said: Said,
    image: options.Picture,
    mask: options.Mask,
    strength: options.Strength = None,
    feather: options.Feather = None,
) -> None:
    """Repaint the white of a mask; outside it every pixel stays as it was."""
    task = Repaint(image, mask, strength, feather)
    perform(plan(said.request(task), ready=said.manner.wake), manner=said.manner)


@spread
def edit(said: Said, image: options.Picture, image_cfg: options.ImageCfg = None) -> None:
    """Follow an instruction about a picture (InstructPix2Pix checkpoints)."""
    task = Edit(image, image_cfg)
    perform(plan(said.request(task), ready=said.manner.wake), manner=said.manner)
