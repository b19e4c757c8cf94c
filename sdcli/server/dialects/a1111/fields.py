"""What a request may say: one row a field, with its default there and what it means here.

A row either sets an option of ours, or is read where it is used, or is about something that is not
provided: then it has values by which nobody asks for it, and any other is refused by its name. A field
that is in no row is refused unless it is empty. So nothing that a client says is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sdcli.server.dialects.a1111.values import (
    Read,
    anything,
    asks_for_nothing,
    check_option,
    list_of,
    name,
    number,
    object_of,
    refuse,
    text,
    whole,
    yes_or_no,
)


@dataclass(frozen=True)
class Field:
    """One field of a request's JSON."""

    name: str
    default: Any = None  # what it is where it is left away or null
    read: Read = anything
    option: str = ""  # of ours, that has the same values
    neutral: Callable[[Any], bool] | None = None  # of what is not provided: who asks for nothing
    lacking: str = ""  # what is said to everybody else

    def value_in(self, body: Mapping[str, Any]) -> Any:
        """What a request says of it."""
        said = body.get(self.name)
        if said is None:
            return self.default
        try:
            value = self.read(said)
        except ValueError as error:
            raise refuse(self.name, str(error)) from None
        if self.neutral is not None and not self.neutral(value):
            raise refuse(self.name, self.lacking)
        return check_option(self.option, value, self.name) if self.option else value


def read_fields(body: Mapping[str, Any], rows: Iterable[Field]) -> dict[str, Any]:
    """What a request says, by the names of its fields, all of them."""
    known = {row.name: row for row in rows}
    values = {row.name: row.value_in(body) for row in known.values()}
    for said, value in body.items():
        if said not in known and not asks_for_nothing(value):
            raise refuse(said[:80], "there is no such field")
    return values


def _only(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


def _not_positive(value: float) -> bool:
    return value <= 0


def _idle_scripts(value: Any) -> Mapping[str, Any]:
    """Scripts of which none is to do anything: without arguments, or with nothing but `false`."""
    scripts = object_of(value)
    if busy := next((name for name, call in scripts.items() if not _is_idle(call)), None):
        raise ValueError(f"there is no script `{busy[:60]}`")
    return scripts


def _is_idle(call: Any) -> bool:
    arguments = cast("dict[str, Any]", call).get("args") if isinstance(call, dict) else call
    units = cast("list[Any]", arguments) if isinstance(arguments, list) else [arguments]
    return all(asks_for_nothing(unit) or _is_switched_off(unit) for unit in units)


def _is_switched_off(unit: Any) -> bool:
    return isinstance(unit, dict) and cast("dict[str, Any]", unit).get("enabled") is False


_NO_SCRIPTS = "there are no scripts (`POST /v1/jobs` with `image` and `right` outpaints)"
USUAL_SAMPLER = "Euler"

COMMON = (
    Field("prompt", "", text, option="prompt"),
    Field("negative_prompt", "", text, option="negative"),
    Field("steps", 50, whole, option="steps"),
    Field("cfg_scale", 7.0, number, option="cfg"),
    Field("seed", -1, whole),
    Field("subseed", -1, whole),
    Field("subseed_strength", 0.0, number),
    Field("seed_resize_from_h", -1, whole),
    Field("seed_resize_from_w", -1, whole),
    Field("tiling", False, yes_or_no),
    Field("width", None, whole),
    Field("height", None, whole),
    Field("batch_size", 1, whole),
    Field("n_iter", 1, whole),
    Field("sampler_name", "", name),
    Field("sampler_index", "", name),  # its name before 1.6
    Field("scheduler", "", name),
    Field("eta", None, number),
    Field("s_noise", None, number),
    Field("clip_skip", None, whole),  # of other programs that speak this language
    Field("override_settings", {}, object_of),
    Field("override_settings_restore_afterwards", True, yes_or_no),
    Field("send_images", True, yes_or_no),
    Field("save_images", False, yes_or_no),
    Field("force_task_id", "", name),
    Field("alwayson_scripts", {}, _idle_scripts),
    Field("script_name", "", name, neutral=_only("", "None"), lacking=_NO_SCRIPTS),
    Field("styles", [], list_of, neutral=_only([]), lacking="there are no styles"),
    Field("restore_faces", False, yes_or_no, neutral=_only(False), lacking="faces are not restored"),
    Field("s_churn", 0.0, number, neutral=_only(0), lacking="no solver is churned"),
    Field("s_min_uncond", 0.0, number, neutral=_only(0), lacking="guidance is not left out by noise"),
    Field("refiner_checkpoint", "", name, neutral=_only("", "None"), lacking="there is no refiner"),
    Field("disable_extra_networks", False, yes_or_no, neutral=_only(False),
          lacking="tags in prompts are always followed; leave them away"),
    Field("infotext", "", text, neutral=_only(""), lacking="a text of settings is not read here"),
    # Details of what is refused above, or what that program itself does not look at.
    *(Field(each) for each in (
        "s_tmax", "s_tmin", "refiner_switch_at", "script_args", "comments",
        "do_not_save_samples", "do_not_save_grid", "distilled_cfg_scale", "hr_distilled_cfg",
        "hr_additional_modules",
    )),
)  # fmt: skip

_SECOND_PASS = (
    Field("enable_hr", False, yes_or_no),
    Field("hr_scale", 2.0, number),
    Field("hr_upscaler", "", name),
    Field("hr_second_pass_steps", 0, whole),
    Field("hr_resize_x", 0, whole),
    Field("hr_resize_y", 0, whole),
    Field("hr_checkpoint_name", "", name),
    Field("hr_sampler_name", "", name),
    Field("hr_scheduler", "", name),
    Field("hr_prompt", "", text),
    Field("hr_negative_prompt", "", text),
    Field("hr_cfg", None, number),  # of Forge
    Field("denoising_strength", None, number),
    *(Field(side, 0, whole, neutral=_not_positive, lacking="`width` and `height` are the first pass's")
      for side in ("firstphase_width", "firstphase_height")),
)  # fmt: skip

_PICTURES = ("init_images", "mask", "latent_mask")
FROM_PICTURES = (
    Field("init_images", [], list_of),
    Field("include_init_images", False, yes_or_no),
    Field("resize_mode", 0, whole),
    Field("denoising_strength", 0.75, number),
    Field("image_cfg_scale", None, number),
    Field("mask", "", text),
    Field("mask_blur", None, whole),
    Field("mask_blur_x", 4, whole),
    Field("mask_blur_y", 4, whole),
    Field("inpainting_fill", 0, whole),
    Field("inpaint_full_res", True, yes_or_no),
    Field("inpaint_full_res_padding", 0, whole),
    Field("inpainting_mask_invert", False, yes_or_no),
    Field("initial_noise_multiplier", 1.0, number, neutral=_only(1), lacking="noise is not weakened"),
    Field("mask_round", True, yes_or_no, neutral=_only(True), lacking="masks are black and white"),
    Field("latent_mask", "", text, neutral=_only(""), lacking="there is one mask for all"),
)  # fmt: skip

# Clients send one set of fields to both: without a picture there is nothing that these are about...
_NAMED_IN_SECOND_PASS = {row.name for row in _SECOND_PASS}
_OF_NO_PICTURE = tuple(
    Field(row.name) for row in FROM_PICTURES if row.name not in (*_PICTURES, *_NAMED_IN_SECOND_PASS)
)
# ... and with one there is no second pass.
_NO_SECOND_PASS = (
    Field("enable_hr", False, yes_or_no, neutral=_only(False),
          lacking="a second pass is for pictures from words"),
    *(Field(name) for name in sorted(_NAMED_IN_SECOND_PASS - {"enable_hr", "denoising_strength"})),
)  # fmt: skip

TXT2IMG = (*COMMON, *_SECOND_PASS, *_OF_NO_PICTURE)
IMG2IMG = (*COMMON, *_NO_SECOND_PASS, *FROM_PICTURES)
