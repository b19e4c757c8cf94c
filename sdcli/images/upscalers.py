"""What makes a picture larger before a second pass, beside the files of upscalers: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainUpscaler:
    """One way: of latents, by one of torch's interpolations, or of pixels, by one of Pillow's."""

    name: str
    a1111: str
    of_latents: str = ""
    antialias: bool = False
    of_pixels: str = ""


UPSCALERS: Mapping[str, PlainUpscaler] = {
    row.name: row
    for row in (
        PlainUpscaler("latent", "Latent", "bilinear"),
        PlainUpscaler("latent-antialiased", "Latent (antialiased)", "bilinear", antialias=True),
        PlainUpscaler("latent-bicubic", "Latent (bicubic)", "bicubic"),
        PlainUpscaler(
            "latent-bicubic-antialiased",
            "Latent (bicubic antialiased)",
            "bicubic",
            antialias=True,
        ),
        PlainUpscaler("latent-nearest", "Latent (nearest)", "nearest"),
        PlainUpscaler("latent-nearest-exact", "Latent (nearest-exact)", "nearest-exact"),
        PlainUpscaler("lanczos", "Lanczos", of_pixels="LANCZOS"),
        PlainUpscaler("nearest", "Nearest", of_pixels="NEAREST"),
    )
}

# What A1111 calls the files that it fetches for upscalers of these names.
A1111_FILES: Mapping[str, str] = {
    "R-ESRGAN General 4xV3": "realesr-general-x4v3",
    "R-ESRGAN General WDN 4xV3": "realesr-general-wdn-x4v3",
    "R-ESRGAN AnimeVideo": "realesr-animevideov3",
    "R-ESRGAN 4x+": "RealESRGAN_x4plus",
    "R-ESRGAN 4x+ Anime6B": "RealESRGAN_x4plus_anime_6B",
    "R-ESRGAN 2x+": "RealESRGAN_x2plus",
}
