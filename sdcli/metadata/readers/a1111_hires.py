"""The second pass (hires fix) that a text of A1111's kind tells of."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.upscalers import UPSCALERS
from sdcli.metadata.a1111_format import HIRES_RESIZE, HIRES_SCHEDULE, SCHEDULE, SIZE
from sdcli.metadata.readers.draft import ForeignPictureBuilder, as_number, bare_name
from sdcli.options.table import OPTIONS
from sdcli.schedulers.names import SCHEDULERS, find_sampler_with_schedule

FIRST_SIZE = "First pass size"  # of A1111 in its first months, whose `Size` is the second pass's
SDCPP = "stable-diffusion.cpp"  # which calls the upscaler as A1111 calls the scale
SDCPP_SCALE = "Hires scale"
_SAME_RULES = ("AUTOMATIC1111", "Forge", "sdcli", SDCPP)
_SAME = ("", "use same sampler", "use same scheduler", "use same checkpoint", "use same choices")
_UPSCALERS = {row.a1111.lower(): row.name for row in UPSCALERS.values()} | {"none": "lanczos"}


def read_second_pass(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> bool:
    """Put the second pass into the draft; whether there was one."""
    if not any(name.lower().startswith("hires") or name == FIRST_SIZE for name in fields):
        return False
    if draft.program not in _SAME_RULES:
        draft.note_difference(
            f"it was enlarged in a second pass (hires fix) by rules of {draft.program}'s own, "
            "which is not done"
        )
        return True
    amount = _amount(draft, fields)
    if not amount:
        draft.note_difference("it was enlarged in a second pass, to a size that it does not tell")
        return True
    draft.second["hires"] = amount
    _read_upscaler(draft, fields)
    _read_strength(draft, fields)
    _read_scheduler(draft, fields)
    for name in ("hires-steps", "hires-cfg"):
        if as_number(fields.get(OPTIONS[name].a1111)):
            draft.set_number(OPTIONS[name].field, fields[OPTIONS[name].a1111])
    for name in ("hires-prompt", "hires-negative"):
        if words := fields.get(OPTIONS[name].a1111):
            draft.second[OPTIONS[name].field] = words
    _note_others(draft, fields)
    return True


def _amount(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> str:
    """By how much, or to which size; nothing where it is not told."""
    if FIRST_SIZE in fields:
        return _amount_of_first_months(draft, fields)
    scale = SDCPP_SCALE if draft.program == SDCPP else OPTIONS["hires"].a1111
    said = _size(fields.get(HIRES_RESIZE, "")) or fields.get(scale, "")
    try:
        return OPTIONS["hires"].read(said)
    except BadRequest as error:
        draft.note_difference(
            f"it was enlarged ({said[:40]}) in a way that cannot be: {error.fact}"
        )
        return ""


def _size(said: str) -> str:
    """A size in whole cells; nothing where no side is said."""
    width, _, height = said.partition("x")
    sides = [int(as_number(side) or 0) // 8 * 8 for side in (width, height)]
    return f"{sides[0]}x{sides[1]}" if max(sides) > 0 else ""


def _amount_of_first_months(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> str:
    """The size of the whole picture, after the draft was told the first pass's, as A1111 reads it."""
    wide, high = (int(as_number(side) or 0) for side in fields.get(SIZE, "").split("x")[:2])
    first = _size(fields[FIRST_SIZE]).partition("x")
    if not first[0] or "0" in (first[0], first[2]):
        scale = math.sqrt(512 * 512 / max(wide * high, 1))
        sides = [math.ceil(scale * side / 64) * 64 for side in (wide, high)]
    else:
        sides = [int(first[0]), int(first[2])]
    draft.set_size(*sides)
    return _size(f"{wide}x{high}")


def _read_upscaler(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    named = OPTIONS["hires" if draft.program == SDCPP else "hires-upscaler"].a1111
    said = fields.get(named, "Latent")
    draft.second["hires_upscaler"] = _UPSCALERS.get(said.lower()) or bare_name(said) or "lanczos"


def _read_strength(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    named = OPTIONS["hires-strength"].a1111
    strength = fields.get(named) or fields.get(named.title())
    if as_number(strength) is None:
        draft.note_difference("the strength of its second pass is not recorded")
    draft.set_number("hires_strength", strength)
    steps = as_number(fields.get(OPTIONS["hires-steps"].a1111)) or as_number(fields.get("Steps"))
    share = draft.second.get("hires_strength")
    if draft.program == SDCPP and steps and share:
        whole = int(steps / share)
        taken = min(int(whole * share), whole - 1) + 1
        if taken != steps:
            draft.note_difference(f"its second pass took {taken} steps, and takes {steps} here")


def _read_scheduler(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    sampler = _unless_same(fields.get(OPTIONS["hires-scheduler"].a1111))
    schedule = _unless_same(fields.get(HIRES_SCHEDULE))
    own = draft.values.get("scheduler", "")
    if sampler or schedule:
        theirs = sampler or fields.get(OPTIONS["scheduler"].a1111, "")
        try:
            own = find_sampler_with_schedule(theirs, schedule or fields.get(SCHEDULE))
            draft.second["hires_scheduler"] = own
        except SdcliError as error:
            draft.note_difference(
                f"the sampler of its second pass, `{theirs}`: {error.fact}; the first one's instead"
            )
    if draft.program != SDCPP and own in SCHEDULERS and SCHEDULERS[own].solver.a1111_unspaced:
        draft.note_difference(f"its second pass began by rules that A1111 has for `{own}` alone")


def _unless_same(said: str | None) -> str:
    return "" if said is None or said.strip().lower() in _SAME else said


def _note_others(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    """What of a second pass is not done: another checkpoint, other modules."""
    for name, said in fields.items():
        kind = name.lower()
        if kind.startswith(("hires checkpoint", "hires module", "hires vae")) and _unless_same(
            said
        ):
            draft.note_difference(
                f"its second pass had a {name[6:].lower()} of its own, `{said[:80]}`"
            )
