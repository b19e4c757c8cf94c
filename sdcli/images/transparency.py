"""Pictures that are transparent in places: their colours and their transparency apart."""

from __future__ import annotations

from PIL import Image, ImageFilter

SPREADS = (64, 16, 4, 1)  # pixels over which colours are carried into what is transparent


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours of a picture in RGB, and how much of them is there; None where all of it is."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB"), None
    whole = image.convert("RGBA")
    return whole.convert("RGB"), whole.getchannel("A")


def over_white(image: Image.Image) -> Image.Image:
    """The picture over white; the same where nothing of it is transparent."""
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def fill_transparent(colours: Image.Image, alpha: Image.Image) -> Image.Image:
    """The colours with those of their neighbours where nothing is to be seen of them: what lies
    hidden there, often black, would bleed into the edges of a picture that is scaled."""
    if alpha.getextrema()[0] == 255:
        return colours
    seen = Image.merge("RGBA", (*colours.split(), alpha)).convert("RGBa")
    filled = Image.new("RGB", colours.size, _mean(seen))
    for spread in SPREADS:
        blurred = seen.filter(ImageFilter.GaussianBlur(spread)).convert("RGBA")
        strength = blurred.getchannel("A").point([min(255, 8 * level) for level in range(256)])
        filled.paste(blurred.convert("RGB"), mask=strength)
    filled.paste(colours, mask=alpha.point([255 * (level > 0) for level in range(256)]))
    return filled


def _mean(seen: Image.Image) -> tuple[int, int, int]:
    """The mean colour of what is to be seen."""
    red, green, blue, share = (
        sum(k * n for k, n in enumerate(band.histogram())) for band in seen.split()
    )
    return tuple(min(255, 255 * band // max(share, 1)) for band in (red, green, blue))  # type: ignore[return-value]
