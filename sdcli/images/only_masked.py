"""Repainting at full size what a mask covers: its part of a picture cut out, drawn by itself, laid back.

region = masked_region(mask, padding, width, height)
part, part_mask = region.cut(picture, width, height), region.cut_mask(mask, width, height)
...                                     # `part` is repainted inside `part_mask`
whole = region.lay_back(drawn, picture, mask)
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageStat

from sdcli.images.resize import contain, cover

_REACH = (256, 64, 16, 4, 2)  # pixels over which colours flow into a hole, the widest first


@dataclass(frozen=True)
class Region:
    """A part of a picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    def cut(self, picture: Image.Image, width: int, height: int) -> Image.Image:
        """The part at the size at which it is drawn."""
        return contain(picture.crop(self.box), width, height)

    def cut_mask(self, mask: Image.Image, width: int, height: int) -> Image.Image:
        """The mask's part at that size, black and white again."""
        return self.cut(mask, width, height).point([255 * (level > 127) for level in range(256)])

    def lay_back(self, drawn: Image.Image, picture: Image.Image, mask: Image.Image) -> Image.Image:
        """The picture with the part that was drawn in its place, where the mask is white; the rest
        is what it was, to the bit."""
        whole = picture.copy()
        size = self.right - self.left, self.bottom - self.top
        whole.paste(cover(drawn, *size), self.box[:2])
        return Image.composite(whole, picture, mask)


def masked_region(mask: Image.Image, padding: int, width: int, height: int) -> Region:
    """The part that holds all the white of a mask and `padding` pixels around it, widened to the
    proportions of `width` to `height` as far as the picture goes."""
    white = mask.point([255 * (level > 127) for level in range(256)]).getbbox()
    left, top, right, bottom = white or (0, 0, *mask.size)
    left, right = max(left - padding, 0), min(right + padding, mask.width)
    top, bottom = max(top - padding, 0), min(bottom + padding, mask.height)
    wide, high = right - left, bottom - top
    if wide * height < high * width:
        left, right = _widened(left, right, round(high * width / height), mask.width)
    else:
        top, bottom = _widened(top, bottom, round(wide * height / width), mask.height)
    return Region(left, top, right, bottom)


def _widened(start: int, end: int, wanted: int, most: int) -> tuple[int, int]:
    """A stretch around the same middle, `wanted` long, moved to lie between 0 and `most`."""
    wanted = min(max(wanted, end - start), most)
    start = min(max(start - (wanted - (end - start)) // 2, 0), most - wanted)
    return start, start + wanted


def fill_masked(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with the white of the mask covered by what surrounds it, blurred: nothing of what
    is there remains, and the colours go over into it softly."""
    kept = mask.point([255 * (level <= 127) for level in range(256)])
    around = picture.convert("RGBA")
    around.putalpha(kept)
    flowing = around.convert("RGBa")  # premultiplied, so that what is covered blurs as nothing
    mean = ImageStat.Stat(picture, kept if kept.getbbox() else None).mean
    filled = Image.new("RGBA", picture.size, (*(round(level) for level in mean), 255))
    for reach in _REACH:
        layer = flowing.filter(ImageFilter.GaussianBlur(reach)).convert("RGBA")
        for _ in range(2):
            filled.alpha_composite(layer)
    return Image.composite(picture, filled.convert("RGB"), kept)
