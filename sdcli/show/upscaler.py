"""What an upscaler is."""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.weights.safetensors import Header
from sdcli.weights.upscaler import TITLES, upscaler_from_header


@dataclass(frozen=True)
class UpscalerFacts:
    """How an upscaler is built, and by how much it enlarges."""

    architecture: str
    enlarges: str | None
    width: int | None
    blocks: int | None


def upscaler_facts(header: Header) -> UpscalerFacts:
    """The facts of an upscaler's file."""
    found = upscaler_from_header(header)
    return UpscalerFacts(
        architecture=TITLES[found.architecture],
        enlarges=f"{found.scale} times" if found.scale else None,
        width=found.config.get("width"),
        blocks=found.config.get("blocks", found.config.get("layers")),
    )
