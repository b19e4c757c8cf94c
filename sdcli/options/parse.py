"""Values as they are spoken on a command line, in a preset, in a sweep: text into values."""

from __future__ import annotations

import math
import re
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.request import Control, Lora


def parse_finite(text: str) -> float:
    """A number that is one: no NaN, no infinity."""
    try:
        value = float(text)
    except ValueError:
        raise BadRequest(f"`{text}` is not a number", hint="write it like 7.5") from None
    if not math.isfinite(value):
        raise BadRequest(f"`{text}` is not a number to compute with", hint="write it like 7.5")
    return value


def parse_not_negative(text: str) -> float:
    """A finite number that is not negative."""
    value = parse_finite(text)
    if value < 0:
        raise BadRequest(f"{value:g} is negative", hint="0 is the least")
    return value


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_WEIGHTS = re.compile(rf"(?P<both>{_NUMBER})?(?P<apart>(?:(?:^|,)(?:te|unet)={_NUMBER})*)")
_DURING = re.compile(rf"(?P<rest>.+)@(?P<start>{_NUMBER})-(?P<end>{_NUMBER})")


def parse_lora(text: str) -> Lora:
    """`FILE`, `FILE:0.8` or `FILE:0.8,te=0.5`: a LoRA and its weights."""
    name, colon, tail = text.rpartition(":")
    weights = _WEIGHTS.fullmatch(tail) if colon and tail else None
    if weights is None:
        return Lora(text)
    apart = dict(pair.split("=") for pair in weights["apart"].split(",") if pair)
    both = parse_finite(weights["both"] or "1")
    return Lora(
        name,
        unet=parse_finite(apart.get("unet", f"{both}")),
        te=parse_finite(apart.get("te", f"{both}")),
    )


def parse_control(text: str) -> Control:
    """`FILE:IMAGE`, with `:WEIGHT` and `@FROM-TO` (shares of the steps) where they are said."""
    rest, start, end = text, 0.0, 1.0
    if during := _DURING.fullmatch(text):
        rest, start, end = (
            during["rest"],
            parse_finite(during["start"]),
            parse_finite(during["end"]),
        )
    if not 0 <= start < end <= 1:
        raise BadRequest(
            f"`{text}` is to be followed from {start:g} to {end:g}",
            hint="say shares of the steps, like `@0-0.6`",
        )
    weight = 1.0
    head, colon, tail = rest.rpartition(":")
    if colon and re.fullmatch(_NUMBER, tail):
        rest, weight = head, parse_finite(tail)
    name, image = _halves(rest, text)
    return Control(name, Path(image), weight, start, end)


def _halves(rest: str, text: str) -> tuple[str, str]:
    """A name and a path, parted at the colon after which there is a file, else at the first."""
    places = [at for at, letter in enumerate(rest) if letter == ":" and 0 < at < len(rest) - 1]
    if not places:
        raise BadRequest(
            f"`{text}` names no picture", hint="write FILE:IMAGE, then :WEIGHT if you like"
        )
    found = [at for at in places if Path(rest[at + 1 :]).is_file()]
    at = (found or places)[0]
    return rest[:at], rest[at + 1 :]
