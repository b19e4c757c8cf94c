"""What is said of how a model is to draw: over an enlarged picture, or a picture larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.table import parse_assignments
from sdcli.reproduce.recall import read_request
from sdcli.request import Request

NOISE_LEVEL = "noise-level"
# What `sdcli upscale` settles itself, and what says it.
_SETTLED = {"image": "name the picture", "count": "one picture makes one", "scale": "`--scale`"}


@dataclass(frozen=True)
class DrawingWish:
    """Words and settings, where those that a picture carries, or the model's own, are not meant."""

    prompt: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])  # by the options' names
    model: str | None = None  # to paint over the picture with
    control: str | None = None  # a ControlNet that then looks at the picture itself
    device: str | None = None
    flags: tuple[str, ...] = ()  # by which anything of it was said


def read_drawing_wish(
    values: Mapping[str, Any],
    changes: Sequence[str],
    *,
    prompt: str | None = None,
    model: str | None = None,
    control: str | None = None,
    device: str | None = None,
) -> DrawingWish:
    """What was said by flags of their own, `values` by the options' names, and by `--set`."""
    own = {name: value for name, value in values.items() if value is not None}
    more = parse_assignments(changes)
    if twice := next((name for name in own if name in more), None):
        raise BadRequest(f"`--{twice}` and `--set {twice}` say the same", hint="say one of them")
    if settled := next((name for name in more if name in _SETTLED), None):
        raise BadRequest(f"`{settled}` is not for `--set` to say here", hint=_SETTLED[settled])
    beside = {"--model": model, "--prompt": prompt, "--control": control, "--set": changes or None}
    flags = [f"--{name}" for name in own]
    flags += [name for name, value in beside.items() if value is not None]
    return DrawingWish(prompt, own | more, model, control, device, tuple(flags))


def read_carried_request(picture: Path) -> Request | None:
    """What a picture says of how it was drawn; None where it says nothing, or nothing that can be
    read."""
    try:
        return read_request(picture)
    except BadRequest:
        return None
