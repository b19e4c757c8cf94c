"""How much an outpainting adds on each side: as it is said, or as a shape asks for it."""

from __future__ import annotations

from sdcli.errors import BadRequest
from sdcli.images.load import CELL, LARGEST, picture_size
from sdcli.images.outpaint import Borders
from sdcli.request import Outpaint

_HINT = "`--right 256`, or `--to 16:9`"


def find_borders(task: Outpaint) -> Borders:
    """The pixels that are added; BadRequest where that is nothing, or more than can be."""
    size = picture_size(task.image)
    if task.to is None:
        borders = Borders(*(side or 0 for side in (task.left, task.up, task.right, task.down)))
    else:
        wanted = _shape(task.to, size)
        left, right = _share("width", wanted[0] - size[0], task.left, task.right, task)
        up, down = _share("height", wanted[1] - size[1], task.up, task.down, task)
        borders = Borders(left, up, right, down)
    if not any(borders):
        raise BadRequest("nothing is to be added to the picture", hint=_HINT)
    width, height = borders.canvas(size)
    if width * height > LARGEST:
        raise BadRequest(f"{width}x{height} is larger than a picture can be", hint="add less to it")
    return borders


def _shape(text: str, size: tuple[int, int]) -> tuple[int, int]:
    """The size that a shape asks for: of proportions the smallest that holds all of the picture,
    the side that grows a multiple of a cell."""
    if "x" in text:
        width, height = text.split("x")
        return int(width), int(height)
    across, down = map(int, text.split(":"))
    if size[0] * down < size[1] * across:
        return max(_near(size[1] * across / down), size[0]), size[1]
    return size[0], max(_near(size[0] * down / across), size[1])


def _near(pixels: float) -> int:
    return round(pixels / CELL) * CELL


def _share(
    what: str, more: int, before: int | None, after: int | None, task: Outpaint
) -> tuple[int, int]:
    """What is added before and after, so that it comes to `more`; in halves where neither is said."""
    if more < 0:
        raise BadRequest(
            f"`--to {task.to}` is smaller than the picture's {what}, by {-more} pixels",
            hint="it can only grow; `sdcli img2img` scales a picture",
        )
    if before is None and after is None:
        return more // 2, more - more // 2
    before = more - (after or 0) if before is None else before
    after = more - before if after is None else after
    if before < 0 or after < 0 or before + after != more:
        raise BadRequest(
            f"`--to {task.to}` adds {more} pixels to the {what}, and the sides say something else",
            hint="leave one of them away",
        )
    return before, after
