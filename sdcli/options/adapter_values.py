"""What stands behind `--lora` and `--control`: a file, its weights, its picture, its steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.images.preprocessors import NONE, PREPROCESSORS
from sdcli.library.open_file import is_ordinary_file
from sdcli.options.parse import Name, Word, parse_finite
from sdcli.request import Control, Lora

LARGEST_WEIGHT = 1_000.0  # of a LoRA or a ControlNet, up and down


@dataclass(frozen=True)
class LoraSpec:
    """`FILE[:WEIGHT]`, as `parse_lora` reads it."""

    def __call__(self, text: str) -> Lora:
        """The LoRA and its weights."""
        return self.check(parse_lora(text))

    def check(self, value: Any) -> Lora:
        """The LoRA, if its weights can be."""
        for weight in (value.unet, value.te):
            _check_weight(weight, f"`{value.name}`")
        return value


@dataclass(frozen=True)
class ControlSpec:
    """`FILE:IMAGE[:WEIGHT][@FROM-TO]`, as `parse_control` reads it."""

    preprocessor: str = NONE

    def __call__(self, text: str) -> Control:
        """The ControlNet, its picture, its weight and its steps."""
        return self.check(replace(parse_control(text), preprocessor=self.preprocessor))

    def check(self, value: Any) -> Control:
        """The ControlNet, if its weight and its steps can be."""
        Word(*PREPROCESSORS).check(value.preprocessor)
        _check_weight(value.weight, f"`{value.name}`")
        if not 0 <= value.start < value.end <= 1:
            raise BadRequest(
                f"`{value.name}` is to be followed from {value.start:g} to {value.end:g}",
                hint="say shares of the steps, like `@0-0.6`",
            )
        return value


def _check_weight(weight: float, what: str) -> None:
    if not -LARGEST_WEIGHT <= weight <= LARGEST_WEIGHT:
        raise BadRequest(
            f"{what}: the weight {weight:g} is out of bounds",
            hint=f"{-LARGEST_WEIGHT:g} to {LARGEST_WEIGHT:g}",
        )


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WEIGHTS = re.compile(rf"(?P<both>{_NUMBER})?(?P<apart>(?:(?:^|,)(?:te|unet)={_NUMBER})*)")
_DURING = re.compile(rf"(?P<rest>.+)@(?P<start>{_NUMBER})-(?P<end>{_NUMBER})")


def parse_lora(text: str) -> Lora:
    """`FILE`, `FILE:0.8` or `FILE:0.8,te=0.5`: a LoRA and its weights."""
    name, colon, tail = text.rpartition(":")
    weights = _WEIGHTS.fullmatch(tail) if colon and tail else None
    if weights is None:
        return Lora(Name()(text))
    apart = dict(pair.split("=") for pair in weights["apart"].split(",") if pair)
    both = parse_finite(weights["both"] or "1")
    return Lora(
        Name()(name),
        unet=parse_finite(apart.get("unet", f"{both!r}")),
        te=parse_finite(apart.get("te", f"{both!r}")),
    )


def parse_control(text: str) -> Control:
    """`FILE:IMAGE`, with `:WEIGHT` and `@FROM-TO` (shares of the steps) where they are given."""
    rest, start, end = text, 0.0, 1.0
    if during := _DURING.fullmatch(text):
        rest = during["rest"]
        start, end = parse_finite(during["start"]), parse_finite(during["end"])
    weight = 1.0
    head, colon, tail = rest.rpartition(":")
    if colon and re.fullmatch(_NUMBER, tail):
        rest, weight = head, parse_finite(tail)
    name, image = _split_name_and_image(rest, text)
    return Control(name, Path(image), weight, start, end)


def _split_name_and_image(rest: str, text: str) -> tuple[str, str]:
    """A name and a path, parted at the colon after which there is a file, else at the first."""
    places = [at for at, letter in enumerate(rest) if letter == ":" and 0 < at < len(rest) - 1]
    if not places:
        raise BadRequest(
            f"`{text}` names no picture", hint="write FILE:IMAGE, then :WEIGHT if you like"
        )
    before_files = [at for at in places if is_ordinary_file(Path(rest[at + 1 :]))]
    at = (before_files or places)[0]
    return rest[:at], rest[at + 1 :]
