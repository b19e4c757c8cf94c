"""The families of Stable Diffusion as a table: what each is called, what its users expect of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE


@dataclass(frozen=True)
class Family:
    """What every checkpoint of a kind has in common and no tensor tells."""

    name: str
    title: str
    base: str  # the family whose LoRAs, embeddings and ControlNets fit
    text_width: int  # of what the U-Net reads, in every model of full size
    # What the U-Net takes: 4 latents, 9 with a masked picture, 8 with a picture's latents, 7 with
    # the pixels of a small picture.
    channels: int = 4
    cell: int = 8  # pixels of a picture that a latent's side is
    betas: tuple[float, float] = (0.00085, 0.012)  # of its noise schedule, the first and the last
    prediction: str = "eps"  # where its files say nothing
    size: int = 512
    steps: int = 25
    cfg: float = 7.0
    scheduler: str = "dpm++2m-karras"
    clip_skip: int = 1  # 1: the text encoder's last layer
    vae_scale: float = 0.18215
    unet_heads: int | None = None  # none: heads of 64 wide
    act: str = "quick_gelu"  # of the first text encoder; the second one's is gelu
    components: tuple[str, ...] = (UNET, VAE, TEXT)  # what a whole checkpoint of it holds
    size_of_velocity: int | None = None  # of those that predict v, where it is another one
    # SDXL's U-Net is told numbers beside the words: the picture's size, where it was cut out, and
    # then the target's size or, where `aesthetic_scores` are given, a score.
    size_numbers: int = 0
    aesthetic_scores: tuple[float, float] | None = None  # of what is wanted, of what is not
    begins_pictures: bool = True  # a refiner only finishes them
    fp16_vae: bool = True  # whether its own VAE can compute in fp16
    xl_levels: bool = False  # whether the published noise levels for SDXL are its own
    unet_by_blocks: bool = False  # whether kohya's LoRAs name its U-Net by input and output blocks
    kohya_base: str = ""  # what kohya's trainer calls it
    names_in_loras: tuple[str, ...] = ()  # how names of it begin in what LoRAs say of their base

    @property
    def task(self) -> str:
        """What its extra channels are for: draw, inpaint, edit or enlarge."""
        return {4: "draw", 9: "inpaint", 8: "edit", 7: "enlarge"}[self.channels]


SD1 = Family(
    "sd1",
    "Stable Diffusion 1",
    "sd1",
    768,
    unet_heads=8,
    kohya_base="sd_v1",
    names_in_loras=("sd_v1", "sd_1", "stable-diffusion-v1"),
)
SD2 = Family(
    "sd2",
    "Stable Diffusion 2",
    "sd2",
    1024,
    clip_skip=2,
    act="gelu",
    size_of_velocity=768,
    kohya_base="sd_v2",
    names_in_loras=("sd_v2", "sd_2", "stable-diffusion-v2"),
)
SDXL = Family(
    "sdxl",
    "Stable Diffusion XL",
    "sdxl",
    2048,
    size=1024,
    cfg=6.0,
    clip_skip=2,
    vae_scale=0.13025,
    components=(UNET, VAE, TEXT, TEXT_2),
    size_numbers=6,
    fp16_vae=False,  # it overflows, every time
    xl_levels=True,
    unet_by_blocks=True,
    kohya_base="sdxl_base_v1-0",
    names_in_loras=("sdxl", "stable-diffusion-xl"),
)
REFINER = replace(
    SDXL,
    name="sdxl-refiner",
    title="Stable Diffusion XL refiner",
    base="sdxl-refiner",
    text_width=1280,
    cfg=5.0,
    components=(UNET, VAE, TEXT_2),
    size_numbers=5,
    aesthetic_scores=(6.0, 2.5),
    begins_pictures=False,
    unet_by_blocks=False,
    kohya_base="sdxl-refiner",
    names_in_loras=("sdxl-refiner", "stable-diffusion-xl-v1-refiner"),
)


def _inpaint(family: Family) -> Family:
    return replace(
        family,
        name=f"{family.name}-inpaint",
        title=f"{family.title} inpainting",
        channels=9,
        size_of_velocity=None,
    )


def _edit(family: Family) -> Family:
    return replace(
        family,
        name=f"{family.name}-edit",
        title=f"{family.title} InstructPix2Pix",
        channels=8,
        scheduler="euler-a",
        cfg=7.5,
        size_of_velocity=None,
    )


UPSCALER = replace(
    SD2,
    name="sd2-upscale",
    title="Stable Diffusion 2 x4 upscaler",
    channels=7,
    cell=4,
    betas=(0.0001, 0.02),
    prediction="v",
    steps=75,
    cfg=9.0,
    scheduler="ddim",
    vae_scale=0.08333,
    unet_heads=8,
    size_of_velocity=None,
    fp16_vae=False,
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
        UPSCALER,
        SDXL,
        _inpaint(SDXL),
        _edit(SDXL),
        REFINER,
    )
}
# No two bases read text of the same width.
BASE_BY_WIDTH = {family.text_width: family.base for family in FAMILIES.values()}
# Seen in the wild by their channels, and nothing sdcli can draw with.
OTHER_CHANNELS = {
    5: "a depth-to-image checkpoint",
    7: "an upscaling checkpoint of an unknown kind",
}
