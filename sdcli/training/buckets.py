"""Sizes that pictures are trained at: as many pixels as a square, in nearly the picture's own shape.

The rules are kohya's (`make_bucket_resolutions`, `select_bucket`): every width in steps has the
largest height that keeps to the area, a picture goes to the bucket whose shape is nearest to its own,
is scaled to cover it, and what sticks out is cut off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Placement:
    """Where a picture goes: the bucket, and the size that it is scaled to before it is cut."""

    bucket: Size
    scaled: Size

    @property
    def lost(self) -> float:
        """The share of the picture that is cut off."""
        kept = self.bucket[0] * self.bucket[1]
        return 1 - kept / (self.scaled[0] * self.scaled[1])


@dataclass(frozen=True)
class BucketRules:
    """The sizes there can be: their area, their step, the least and the greatest side."""

    size: int
    step: int
    least: int
    most: int
    enlarge: bool = True

    @property
    def area(self) -> int:
        """The most pixels of a bucket."""
        return self.size * self.size

    def table(self) -> list[Size]:
        """Every bucket, by width."""
        square = int(math.sqrt(self.area) // self.step) * self.step
        found = {(square, square)}
        for width in range(self.least, self.most + 1, self.step):
            height = min(self.most, self.area // width // self.step * self.step)
            if height >= self.least:
                found |= {(width, height), (height, width)}
        return sorted(found)


def bucket_rules(size: int, *, enlarge: bool = True) -> BucketRules:
    """The rules for a size: kohya's from 512 on; for smaller models a smaller step."""
    step = 64 if size >= 512 else 16 if size >= 128 else 8
    least, most = (max(step, side // step * step) for side in (size // 2, size * 2))
    return BucketRules(size, step, least, most, enlarge)


def place_in_bucket(picture: Size, rules: BucketRules) -> Placement:
    """The bucket of a picture."""
    return _nearest(picture, rules.table()) if rules.enlarge else _rounded_down(picture, rules)


def place_in_square(picture: Size, size: int) -> Placement:
    """The square in the middle, where there are no buckets."""
    return _nearest(picture, [(size, size)])


def _nearest(picture: Size, table: list[Size]) -> Placement:
    width, height = picture
    shape = width / height
    bucket = picture
    if picture not in table:
        bucket = min(table, key=lambda one: abs(one[0] / one[1] - shape))
    wide = shape > bucket[0] / bucket[1]
    scale = bucket[1] / height if wide else bucket[0] / width
    return Placement(bucket, (int(width * scale + 0.5), int(height * scale + 0.5)))


def _rounded_down(picture: Size, rules: BucketRules) -> Placement:
    """A bucket of its own, no larger than the picture: its sides rounded down to the step."""
    width, height = picture
    scaled = picture
    if width * height > rules.area:
        scaled = _scaled_down(width / height, rules)
    bucket = tuple(max(rules.step, side - side % rules.step) for side in scaled)
    if bucket[0] > scaled[0] or bucket[1] > scaled[1]:  # a picture that is smaller than any bucket
        return _nearest(picture, [(bucket[0], bucket[1])])
    return Placement((bucket[0], bucket[1]), scaled)


def _scaled_down(shape: float, rules: BucketRules) -> Size:
    """The size of this shape with one side on a step that changes the shape the least."""

    def rounded(side: float) -> int:
        whole = int(side + 0.5)
        return max(rules.step, whole - whole % rules.step)

    width = math.sqrt(rules.area * shape)
    by_width, by_height = rounded(width), rounded(rules.area / width)
    apart_by_width = abs(by_width / rounded(by_width / shape) - shape)
    apart_by_height = abs(rounded(by_height * shape) / by_height - shape)
    if apart_by_width < apart_by_height:
        return by_width, int(by_width / shape + 0.5)
    return int(by_height * shape + 0.5), by_height
