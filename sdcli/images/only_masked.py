"""Repainting at full size what a mask covers: its part of a picture cut out, drawn by itself, laid back.

cut_out = cut_out_masked(picture, mask, padding, width, height)
...  # `cut_out.part` is repainted inside `cut_out.part_mask`
whole = cut_out.lay_back(drawn)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image, ImageFilter, ImageStat

from sdcli.images.resize import Box, contain, contained_box, stretch

_REACH = (256, 64, 16, 4, 2)  # pixels over which colours flow into a hole, the widest first


@dataclass(frozen=True)
class CutOut:
    """A part of a picture, at the size at which it is drawn, and where it came from."""

    picture: Image.Image
    mask: Image.Image  # of the whole picture
    box: Box
    part: Image.Image
    part_mask: Image.Image

    def lay_back(self, drawn: Image.Image) -> Image.Image:
        """The picture with what was drawn in its place, where the mask is white; the rest is what
        it was, to the bit."""
        left, top, right, bottom = self.box
        size = right - left, bottom - top
        part = drawn.crop(contained_box(size, *drawn.size))
        whole = self.picture.copy()
        whole.paste(stretch(part, *size), (left, top))
        return Image.composite(whole, self.picture, self.mask)

    def cut(self, mask: Image.Image) -> Image.Image:
        """The same part of another mask of the picture."""
        return _cut_mask(mask, self.box, *self.part.size)

    def unchanged(self) -> CutOut:
        """The same where nothing of what is drawn is wanted."""
        return replace(self, mask=Image.new("L", self.mask.size, 0))


def cut_out_masked(
    picture: Image.Image, mask: Image.Image, padding: int, width: int, height: int
) -> CutOut:
    """What a mask of 0 and 255 covers, and `padding` pixels around it, at the size to be drawn."""
    box = masked_box(mask, padding, width, height)
    part = contain(picture.crop(box), width, height)
    return CutOut(picture, mask, box, part, _cut_mask(mask, box, width, height))


def _cut_mask(mask: Image.Image, box: Box, width: int, height: int) -> Image.Image:
    soft = contain(mask.crop(box), width, height)
    return soft.point([255 * (level > 127) for level in range(256)])


def masked_box(mask: Image.Image, padding: int, width: int, height: int) -> Box:
    """The part that holds all the white of a mask and `padding` pixels around it, widened to the
    proportions of `width` to `height` as far as the picture goes."""
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    left, right = max(left - padding, 0), min(right + padding, mask.width)
    top, bottom = max(top - padding, 0), min(bottom + padding, mask.height)
    wide, high = right - left, bottom - top
    if wide * height < high * width:
        left, right = _widened(left, right, round(high * width / height), mask.width)
    else:
        top, bottom = _widened(top, bottom, round(wide * height / width), mask.height)
    return left, top, right, bottom


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
