"""What a picture starts from: the task of a plan, its pictures looked at, the size that is drawn."""

from __future__ import annotations

from typing import Any, TypeVar, assert_never

from sdcli import request as requested
from sdcli.errors import BadRequest
from sdcli.images.load import CELL, check_mask, load_picture, picture_size, round_up_to_cell
from sdcli.options.table import OPTIONS, default_of
from sdcli.plan import Edit, Enlarge, File, Outpaint, Redraw, Repaint, Task
from sdcli.planning.enlarging import size_drawn_larger
from sdcli.planning.hires import make_drawing
from sdcli.planning.outpaint import find_borders
from sdcli.prompts.syntax import Syntax
from sdcli.request import Request
from sdcli.weights.checkpoint import Checkpoint

T = TypeVar("T")


def given_or(value: T | None, otherwise: T) -> T:
    """The user's word if there was one. Zero is a word; `or` would lose it."""
    return otherwise if value is None else value


def drawn_size(request: Request, model: Checkpoint) -> tuple[int, int]:
    """The size that is drawn: as said, else as the picture handed in, else the model's."""
    if isinstance(request.task, requested.Draw) or _is_part(request.task):
        return given_or(request.width, model.size), given_or(request.height, model.size)
    if isinstance(request.task, requested.Outpaint):
        return _canvas_size(request, request.task)
    if isinstance(request.task, requested.Enlarge):
        return size_drawn_larger(request, request.task, model.family.cell)
    width, height = picture_size(request.task.image)
    if request.width is None and request.height is None:
        return _within(round_up_to_cell(width)), _within(round_up_to_cell(height))
    if request.width is None and request.height is not None:
        return _near(width * request.height / height), request.height
    if request.height is None and request.width is not None:
        return request.width, _near(height * request.width / width)
    return given_or(request.width, 0), given_or(request.height, 0)


def _canvas_size(request: Request, task: requested.Outpaint) -> tuple[int, int]:
    """The size at which a picture with its new borders is drawn."""
    canvas = find_borders(task).canvas(picture_size(task.image))
    width, height = (_within(round_up_to_cell(side)) for side in canvas)
    if (given_or(request.width, width), given_or(request.height, height)) != (width, height):
        raise BadRequest(
            f"with its new borders the picture is {canvas[0]}x{canvas[1]}, and is drawn at that size",
            hint="`--to WIDTHxHEIGHT` says how large it comes to be",
        )
    return width, height


def _is_part(task: requested.Task) -> bool:
    """Whether only what a mask covers is drawn, and then laid back into the picture."""
    masked = isinstance(task, requested.Repaint | requested.Outpaint)
    return masked and given_or(task.only_masked, default_of("only-masked")) >= 0


def _near(pixels: float) -> int:
    return _within(max(CELL, round(pixels / CELL) * CELL))


def _within(side: int) -> int:
    return OPTIONS["width"].check(side)


def check_pictures(task: requested.Task) -> None:
    """Look at the pictures handed in: whether they are any, and whether the mask can be meant."""
    match task:
        case requested.Draw():
            return
        case requested.Outpaint():
            find_borders(task)
            load_picture(task.image)
        case requested.Redraw() | requested.Edit() | requested.Enlarge():
            load_picture(task.image)
        case requested.Repaint():
            load_picture(task.image)
            check_mask(task.mask, task.image)
        case _:
            assert_never(task)


def plan_task(task: requested.Task, syntax: Syntax, prompt: str) -> Task:
    """The task of a prompt with every question answered, its files not hashed yet."""
    match task:
        case requested.Draw():
            return make_drawing(task, syntax, prompt)
        case requested.Redraw(image):
            return Redraw(**_task_values(task, image=File(image, "")))
        case requested.Repaint(image, mask):
            return Repaint(**_task_values(task, image=File(image, ""), mask=File(mask, "")))
        case requested.Outpaint(image):
            values = _task_values(task, image=File(image, ""), **find_borders(task)._asdict())
            del values["to"]
            return Outpaint(**values)
        case requested.Edit(image):
            return Edit(**_task_values(task, image=File(image, "")))
        case requested.Enlarge(image):
            return Enlarge(**_task_values(task, image=File(image, "")))
        case _:
            assert_never(task)


def _task_values(task: requested.Task, **known: Any) -> dict[str, Any]:
    """What a task says, by field, and the table's default where it says nothing; but what is known."""
    said = {
        option.field: given_or(getattr(task, option.field), option.default_for(task))
        for option in OPTIONS.values()
        if option.of == "task" and hasattr(task, option.field)
    }
    return {**said, **known}
