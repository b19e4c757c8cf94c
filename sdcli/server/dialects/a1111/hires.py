"""The second pass (hires fix) that a request for a picture from words asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdcli.images.upscalers import A1111_FILES, UPSCALERS
from sdcli.request import Draw
from sdcli.server.dialects.a1111.shelf import UPSCALER, Shelf
from sdcli.server.dialects.a1111.values import check_option, refuse
from sdcli.text import format_number

USUAL_UPSCALER = "Latent"
USUAL_STRENGTH = 0.75
_NONE = "None"  # which is Lanczos alone
_UPSCALERS = {row.a1111: row.name for row in UPSCALERS.values()} | {_NONE: "lanczos"}
_SAME = ("", "Use same sampler", "Use same scheduler", "Use same checkpoint")
FindScheduler = Callable[[str, str], str]


def read_drawing(values: Mapping[str, Any], find: FindScheduler, shelf: Shelf) -> Draw:
    """The drawing that is asked for; `find` is of a sampler and its schedule, by their names there."""
    if not values["enable_hr"]:
        return Draw()
    if values["hr_checkpoint_name"] not in _SAME:
        raise refuse("hr_checkpoint_name", "the second pass is drawn by the model of the first")
    strength = values["denoising_strength"]
    return Draw(
        hires=_amount(values),
        hires_upscaler=_upscaler(values["hr_upscaler"] or USUAL_UPSCALER, shelf),
        hires_steps=check_option(
            "hires-steps", max(values["hr_second_pass_steps"], 0), "hr_second_pass_steps"
        ),
        hires_strength=check_option(
            "hires-strength",
            USUAL_STRENGTH if strength is None else strength,
            "denoising_strength",
        ),
        hires_scheduler=_scheduler(values, find),
        hires_cfg=None
        if values["hr_cfg"] is None
        else check_option("hires-cfg", values["hr_cfg"], "hr_cfg"),
        hires_prompt=values["hr_prompt"] or None,
        hires_negative=values["hr_negative_prompt"] or None,
    )


def _amount(values: Mapping[str, Any]) -> str:
    """By how much, or to which size."""
    sides = [max(values[f"hr_resize_{axis}"], 0) // 8 * 8 for axis in "xy"]
    if any(sides):
        return check_option("hires", f"{sides[0]}x{sides[1]}", "hr_resize_x")
    return check_option("hires", format_number(values["hr_scale"]), "hr_scale")


def _upscaler(named: str, shelf: Shelf) -> str:
    if named in _UPSCALERS:
        return _UPSCALERS[named]
    file = A1111_FILES.get(named, named)
    return str(shelf.find(UPSCALER, file, "hr_upscaler").path)


def _scheduler(values: Mapping[str, Any], find: FindScheduler) -> str | None:
    sampler, schedule = (
        "" if values[name] in _SAME else values[name]
        for name in ("hr_sampler_name", "hr_scheduler")
    )
    if not sampler and not schedule:
        return None
    return find(
        sampler or values["sampler_name"] or values["sampler_index"],
        schedule or values["scheduler"],
    )
