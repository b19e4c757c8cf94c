"""The families of Stable Diffusion as a table: what each is called, what its users expect of it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Family:
    """What every checkpoint of a kind has in common and no tensor tells."""

    name: str
    title: str
    base: str  # the family whose LoRAs, embeddings and ControlNets fit
    channels: int = 4  # what the U-Net takes: 4 latents, 9 with a masked picture, 8 with a picture
    size: int = 512
    steps: int = 25
    cfg: float = 7.0
    scheduler: str = "dpm++2m-karras"
    clip_skip: int = 1  # 1: the text encoder's last layer
    vae_scale: float = 0.18215
    unet_heads: int | None = None  # none: heads of 64 wide
    act: str = "quick_gelu"  # of the first text encoder; the second one's is gelu
    # Where SDXL's encoders stop, their last norm is left out; SD 1 and 2 apply it.
    final_norm: bool = True

    @property
    def task(self) -> str:
        """What its extra channels are for: draw, inpaint or edit."""
        return {4: "draw", 9: "inpaint", 8: "edit"}[self.channels]


SD1 = Family("sd1", "Stable Diffusion 1", "sd1", unet_heads=8)
SD2 = Family("sd2", "Stable Diffusion 2", "sd2", clip_skip=2, act="gelu")
SDXL = Family(
    "sdxl",
    "Stable Diffusion XL",
    "sdxl",
    size=1024,
    cfg=6.0,
    clip_skip=2,
    vae_scale=0.13025,
    final_norm=False,
)
REFINER = replace(
    SDXL, name="sdxl-refiner", title="Stable Diffusion XL refiner", base="sdxl-refiner", cfg=5.0
)


def _inpaint(family: Family) -> Family:
    return replace(
        family, name=f"{family.name}-inpaint", title=f"{family.title} inpainting", channels=9
    )


def _edit(family: Family) -> Family:
    return replace(
        family,
        name=f"{family.name}-edit",
        title=f"{family.title} InstructPix2Pix",
        channels=8,
        scheduler="euler-a",
        cfg=7.5,
    )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        SD1,
        _inpaint(SD1),
        _edit(SD1),
        SD2,
        _inpaint(SD2),
        _edit(SD2),
        SDXL,
        _inpaint(SDXL),
        _edit(SDXL),
        REFINER,
    )
}
# Seen in the wild by their channels, and nothing sdcli can draw with.
OTHER_CHANNELS = {
    5: "a depth-to-image checkpoint",
    7: "a 4x upscaling checkpoint",
}
