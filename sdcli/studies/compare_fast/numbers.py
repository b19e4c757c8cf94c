"""Ways to be faster in numbers: what each gains, what it costs, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from sdcli.options.fast_ways import ANOTHER_PICTURE, ROUNDING, SAME_BITS
from sdcli.text import percent

PROMISED_LEVELS = 0.5  # grey levels that "same to rounding" may be away, on average
STEADY = 0.1  # the share by which a machine's speed may change during a comparison unmentioned


@dataclass(frozen=True)
class MeasuredPicture:
    """One picture: how long it took, and how far it is from the exact one of its seed."""

    way: str
    seed: int
    seconds: float
    grey_levels: float
    psnr: float
    ssim: float


@dataclass(frozen=True)
class MeasuredWay:
    """One way to be faster over all seeds."""

    name: str
    kind: str
    seconds: float  # the median
    times_as_fast: float  # the median over the seeds, each beside the exact picture of its own
    grey_levels: float
    psnr: float
    ssim: float
    obeyed: int | None = None  # of the captions that were drawn, those that their pictures show

    def record(self) -> dict[str, Any]:
        """The numbers as one flat object."""
        return asdict(self)


def measure_way(
    name: str,
    kind: str,
    pictures: Sequence[MeasuredPicture],
    exact: Mapping[int, float],
    obeyed: int | None = None,
) -> MeasuredWay:
    """A way's numbers; `exact` is how long the exact picture of each seed takes."""
    return MeasuredWay(
        name,
        kind,
        median(one.seconds for one in pictures),
        median(exact[one.seed] / one.seconds for one in pictures),
        fmean(one.grey_levels for one in pictures),
        fmean(one.psnr for one in pictures),
        fmean(one.ssim for one in pictures),
        obeyed,
    )


def judge_ways(ways: Sequence[MeasuredWay], before: float, after: float) -> list[str]:
    """What the numbers say, `before` and `after` being how long the exact picture took at the
    beginning of the comparison and at its end."""
    lines = [*_fastest(ways), *_broken_promises(ways)]
    drift = after / before - 1
    if abs(drift) > STEADY:
        slower = "slower" if drift > 0 else "faster"
        lines.insert(
            0,
            f"The machine was {percent(abs(drift))} {slower} at the end than at the beginning, so"
            " a speed-up is no surer than that: do it again when nothing else runs.",
        )
    return lines


def _fastest(ways: Sequence[MeasuredWay]) -> list[str]:
    same = [way for way in ways if way.kind in (SAME_BITS, ROUNDING) and way.times_as_fast > 1]
    other = [way for way in ways if way.kind == ANOTHER_PICTURE and way.times_as_fast > 1]
    lines: list[str] = []
    if same:
        best = max(same, key=lambda way: way.times_as_fast)
        lines.append(
            f"Fastest with the same picture: {best.name}, {best.times_as_fast:.2f} times as fast,"
            f" {best.grey_levels:.2g} grey levels from the exact one."
        )
    if other:
        best = max(other, key=lambda way: way.times_as_fast)
        lines.append(
            f"Fastest with another picture: {best.name}, {best.times_as_fast:.2f} times as fast,"
            f" {describe_psnr(best.psnr)}, SSIM {best.ssim:.3f}."
        )
    return lines or ["Nothing here is faster than the exact picture."]


def _broken_promises(ways: Sequence[MeasuredWay]) -> list[str]:
    return [
        f"{way.name} is {way.grey_levels:.2g} grey levels from the exact picture, and its class,"
        f" {way.kind}, allows {0 if way.kind == SAME_BITS else PROMISED_LEVELS:g}."
        for way in ways
        if way.kind != ANOTHER_PICTURE
        and way.grey_levels > (0 if way.kind == SAME_BITS else PROMISED_LEVELS)
    ]


def describe_psnr(value: float) -> str:
    """A peak signal to noise ratio in words; equal pictures have none."""
    return "every pixel the same" if math.isinf(value) else f"PSNR {value:.1f} dB"
