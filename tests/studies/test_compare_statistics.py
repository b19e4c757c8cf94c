"""What follows from numbers: who comes how close, who is fastest, who has no limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdcli.measures.convergence import Reference
from sdcli.studies.compare.statistics import (
    MeasuredCell,
    MeasuredDrawing,
    judge,
    measure_cells,
    steps_needed,
)

SURE = Reference("unipc-karras", 100, "heun-karras", 100, apart=0.001)


def cell(
    name: str, steps: int, share: float | None, seconds: float = 1.0, evaluations: int = 0, **more
) -> MeasuredCell:
    known = share is not None
    return MeasuredCell(
        scheduler=name, steps=steps, deterministic=known, evaluations=evaluations or steps, seconds=seconds,
        per_step=seconds / steps, values={"rmse": share, "share": share, "spread": more.get("spread")},
    )  # fmt: skip


CELLS = [
    cell("ddim", 10, 0.2), cell("ddim", 20, 0.1), cell("ddim", 50, 0.04),
    cell("heun", 10, 0.02, 2.0, 19), cell("heun", 20, 0.008, 4.0, 39), cell("heun", 50, 0.001, 10.0, 99),
    cell("dpm++2m-karras", 10, 0.03), cell("dpm++2m-karras", 20, 0.007, 1.5),
    cell("dpm++2m-karras", 50, 0.001, 4),
    cell("euler-a", 20, None, spread=1.2),
]  # fmt: skip


def test_the_verdict_names_the_fewest_evaluations_and_the_fastest():
    told = judge(CELLS, [SURE])
    assert told.within == 0.01
    assert list(told.reached) == [("dpm++2m-karras", 20, 20), ("heun", 20, 39)]
    assert told.fastest == ("dpm++2m-karras", 20, 1.5)
    assert [(name, steps) for name, _, steps, _ in told.beyond] == [("ddim", 50)]
    assert told.beyond[0][3] == 200  # first order: four times closer takes four times the steps
    assert told.lines[0] == (
        "Within 1 % of converged: dpm++2m-karras at 20 steps, heun at 20 steps (39 evaluations)."
    )
    assert told.lines[-1].startswith("euler-a draws fresh noise")


def test_no_verdict_is_stricter_than_the_reference_is_sure():
    assert judge(CELLS, [SURE, replace(SURE, apart=0.008)]).within == 0.02
    assert judge(CELLS, [replace(SURE, apart=0.5)]).within is None


def test_who_is_just_too_far_is_not_told_to_be_near() -> None:
    told = judge([cell("heun", 10, 0.0999), cell("ddim", 10, 0.1041)], [SURE])
    assert "Not that close: ddim (just over 10 % at 10 steps)." in told.lines


def test_nobody_close_is_said_and_nothing_at_all_is_no_verdict():
    told = judge([cell("ddim", 2, 0.6), cell("ddim", 4, 0.5)], [SURE])
    assert told.within is None and "closest is ddim at 4 steps (50 %)" in told.lines[0]
    assert judge([cell("euler-a", 20, None)], []).lines == [
        "euler-a draws fresh noise at each step, so more steps never settle on one picture."
    ]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(10, 0.08), (20, 0.04)], 80),
        ([(10, 0.04), (20, 0.01)], 20),
        ([(10, 0.4), (20, 0.04)], 40),  # it fell fast; no more than second order is trusted
        ([(10, 0.05), (20, 0.049)], None),  # it does not fall
        ([(10, 0.05), (20, 0.06)], None),
        ([(10, 0.9), (20, 0.45)], None),  # too far to tell
        ([(20, 0.05)], None),
    ],
)
def test_steps_needed(points, expected):
    assert steps_needed(points, 0.01) == expected


def test_cells_are_means_over_seeds():
    values = {"rmse": 0.3, "share": 0.3, "psnr": 20.0, "ssim": 0.8}
    one = MeasuredDrawing("ddim", 10, 1, 10, 2.0, 1.0, values)
    values = {"rmse": 0.4, "share": 0.4, "psnr": 30.0, "ssim": 0.9}
    other = replace(one, seed=2, seconds=4.0, denoising=3.0, values=values)
    loose = MeasuredDrawing("euler-a", 10, 1, 10, 2.0, 1.0)
    spreads = {("ddim", 10): {"spread": 1.1}}
    first, second = measure_cells([one, other, loose], spreads, ["ddim"])
    assert (first.seconds, first.per_step, first.spread) == (3.0, 0.2, 1.1)
    assert first.share == pytest.approx((0.125) ** 0.5)
    assert (first.values["psnr"], first.values["ssim"]) == (25.0, pytest.approx(0.85))
    assert first.deterministic and not second.deterministic and second.share is None
    assert first.record()["spread"] == 1.1 and one.record()["psnr"] == 20.0
