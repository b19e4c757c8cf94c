"""How large a picture is to become."""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.images.load import LARGEST
from sdcli.images.small_picture import scaled_size
from sdcli.options.parse import Real, Whole

LARGEST_SIDE = 32_768
_SCALE = Real(0.25, 16)
_SIDE = Whole(1, LARGEST_SIDE)


@dataclass(frozen=True)
class SizeWish:
    """So many times as large, or as large as fits within a width and a height; with neither, as
    large as the upscaler makes it."""

    scale: float | None = None
    within: tuple[int, int] | None = None

    def scale_of(self, width: int, height: int, upscaler_scale: float) -> float:
        """How many times as large a picture of this size becomes."""
        if self.within is not None:
            return min(self.within[0] / width, self.within[1] / height)
        return upscaler_scale if self.scale is None else self.scale

    def size_of(self, width: int, height: int, upscaler_scale: int) -> tuple[int, int]:
        """The size that a picture of this size becomes; BadRequest where it cannot be held."""
        size = scaled_size(width, height, self.scale_of(width, height, upscaler_scale))
        if size[0] * size[1] > LARGEST or max(size) > LARGEST_SIDE:
            raise BadRequest(
                f"{width}x{height} would become {size[0]}x{size[1]}, "
                f"more than {LARGEST // 1_000_000} million pixels",
                hint="ask for less with `--scale` or `--to`",
            )
        return size


def read_size_wish(scale: float | None, to: str | None) -> SizeWish:
    """What `--scale` and `--to` mean."""
    if scale is not None and to is not None:
        raise BadRequest("`--scale` and `--to` both say how large it becomes", hint="say one")
    if scale is not None:
        return SizeWish(scale=_check_scale(scale))
    if to is None:
        return SizeWish()
    sides = to.lower().split("x")
    if len(sides) > 2 or not all(sides):
        raise BadRequest(f"`--to {to}` is no size", hint="`--to 2048x1536`, or `--to 2048`")
    return SizeWish(within=(_read_side(sides[0]), _read_side(sides[-1])))


def _check_scale(scale: float) -> float:
    try:
        return _SCALE.check(scale)
    except BadRequest as error:
        raise BadRequest(f"`--scale`: {error.fact}", hint=error.hint) from None


def _read_side(text: str) -> int:
    try:
        return _SIDE(text)
    except BadRequest as error:
        raise BadRequest(f"`--to`: {error.fact}", hint=error.hint) from None
