"""The second pass of a request: its words and its scheduler found, and what cannot be done refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sdcli import request as requested
from sdcli.errors import BadRequest
from sdcli.hires import SecondPass, second_pass
from sdcli.images.upscalers import UPSCALERS
from sdcli.library.find import find_adapter
from sdcli.options.table import OPTIONS, number_bounds
from sdcli.plan import Draw, File, Plan
from sdcli.prompts.stages import all_wordings
from sdcli.prompts.syntax import SYNTAXES, Syntax
from sdcli.schedulers.names import find_scheduler
from sdcli.text import suggest
from sdcli.weights.families import FAMILIES
from sdcli.weights.upscaler import read_upscaler

_OPTIONS = tuple(OPTIONS[each.name.replace("_", "-")] for each in fields(requested.Draw))
MOST_LEVELS = 1_000  # as of a picture's steps


def make_drawing(asked: requested.Draw, syntax: Syntax, prompt: str) -> Draw:
    """The drawing that is asked for, whose first pass has this prompt."""
    if asked.hires is None:
        _refuse_idle(asked)
    if not asked.hires:
        return Draw()
    values: dict[str, Any] = {}
    for option in _OPTIONS:
        said = getattr(asked, option.field)
        values[option.field] = option.default.value if said is None else said
    values["hires_upscaler"] = find_upscaler(values["hires_upscaler"])
    values["hires_prompt"] = _without_tags(values["hires_prompt"], syntax, prompt)
    if scheduler := asked.hires_scheduler:
        values["hires_scheduler"] = find_scheduler(scheduler)
    return Draw(**values)


def find_upscaler(name: str) -> str | File:
    """The way of enlarging of this name, else the upscaler's file of that name, not hashed yet."""
    if name in UPSCALERS:
        return name
    try:
        path = find_adapter(name, "upscaler")
    except BadRequest as error:
        near = suggest(name, UPSCALERS)
        raise BadRequest(error.fact, hint=near or error.hint) from None
    read_upscaler(path)
    return File(path, "")


def _refuse_idle(asked: requested.Draw) -> None:
    """Refuse what is said of a second pass that nobody asks for."""
    for option in _OPTIONS:
        if getattr(asked, option.field) is not None:
            raise BadRequest(
                f"`--{option.name}` is about a second pass, and nothing asks for one",
                hint="`--hires 2` does",
            )


def _without_tags(prompt: str, syntax: Syntax, first_prompt: str) -> str:
    words, tags = syntax.extract_tags(prompt)
    if tags and set(tags) != set(syntax.extract_tags(first_prompt)[1]):
        raise BadRequest(
            "the second pass wears the LoRAs of the first one, and `--hires-prompt` names others",
            hint="write the prompt's own tags into it, or none",
        )
    return words


def check_second_pass(plan: Plan) -> None:
    """Refuse a second pass that cannot be drawn, before a model is loaded for it."""
    second = second_pass(plan)
    if second is None:
        return
    if FAMILIES[plan.family].task == "inpaint":
        raise BadRequest(
            f"`{plan.model.path.name}` is for inpainting, and `--hires` is not done with such models",
            hint="leave one of the two away",
        )
    _check_size(plan, second)
    if second.levels > MOST_LEVELS:
        raise BadRequest(
            f"{second.plan.steps} steps at `--hires-strength {second.strength:g}` are the last of"
            f" {second.levels}, which are too many",
            hint="fewer `--hires-steps`, or more strength; at 0 the second pass only enlarges",
        )
    for text in all_wordings(plan):
        SYNTAXES[plan.syntax].parse_weights(text)


def _check_size(plan: Plan, second: SecondPass) -> None:
    whole, size = second.enlarged, (second.plan.width, second.plan.height)
    least, most = number_bounds()["width"]
    if min(size) < least or max(whole.width, whole.height) > most:
        raise BadRequest(
            f"{plan.width}x{plan.height} would be enlarged to {whole.width}x{whole.height}",
            hint=f"{least:g} to {most:g} pixels a side",
        )
