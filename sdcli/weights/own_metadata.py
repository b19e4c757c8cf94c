"""What a checkpoint says about itself under the key `sdcli`: how it wants to be drawn with, and
what its shapes cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from sdcli.weights.json_table import parse_json_table
from sdcli.weights.safetensors import Header, damaged_file

METADATA_KEY = "sdcli"
LONGEST_TEXT = 10_000


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _real(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and least <= value <= most


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _heads(value: Any) -> bool:
    """One number for all levels of a U-Net, or one for each."""
    numbers = cast("list[Any]", value) if isinstance(value, list) else [value]
    return 0 < len(numbers) <= 16 and all(map(_whole(1, 1024), numbers))


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "name": _text,
    "about": _text,
    "size": _whole(8, 16_384),
    "steps": _whole(1, 1000),
    "cfg": _real(-1000, 1000),
    "scheduler": _text,
    "clip_skip": _whole(1, 24),
    "prediction": _text,
    "zero_snr": _truth,
    "vae_scale": _real(1e-6, 1e6),
    "unet_heads": _heads,
    "text_heads": _whole(1, 1024),
    "vision_heads": _whole(1, 1024),
    "act": _text,
    "reads": _text,
    "unet_groups": _whole(1, 1024),
    "vae_groups": _whole(1, 1024),
}


def read_own_metadata(header: Header) -> Mapping[str, Any]:
    """The words of a file about itself; a value of a wrong kind is refused, not guessed at."""
    own = parse_json_table(header.metadata.get(METADATA_KEY, ""))
    for name, fits in _CHECKS.items():
        if name in own and not fits(own[name]):
            raise damaged_file(
                header.path, f"its metadata gives a `{name}` that cannot be: {own[name]!r:.60}"
            )
    return own
