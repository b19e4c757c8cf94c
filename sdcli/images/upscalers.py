"""What makes a picture larger before a second pass: one row each, by the names that A1111 has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Upscaler:
    """One way: of latents, by one of torch's interpolations, or of pixels, by one of Pillow's."""

    name: str
    a1111: str
    of_latents: str = ""
    antialias: bool = False
    of_pixels: str = ""


UPSCALERS: Mapping[str, Upscaler] = {
    row.name: row
    for row in (
        Upscaler("latent", "Latent", "bilinear"),
        Upscaler("latent-antialiased", "Latent (antialiased)", "bilinear", antialias=True),
        Upscaler("latent-bicubic", "Latent (bicubic)", "bicubic"),
        Upscaler(
            "latent-bicubic-antialiased",
            "Latent (bicubic antialiased)",
            "bicubic",
            antialias=True,
        ),
        Upscaler("latent-nearest", "Latent (nearest)", "nearest"),
        Upscaler("latent-nearest-exact", "Latent (nearest-exact)", "nearest-exact"),
        Upscaler("lanczos", "Lanczos", of_pixels="LANCZOS"),
        Upscaler("nearest", "Nearest", of_pixels="NEAREST"),
    )
}
