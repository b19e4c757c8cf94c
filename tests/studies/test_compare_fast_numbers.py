"""What follows from the numbers of ways to be faster."""

from __future__ import annotations

import math

import pytest

from sdcli.studies.compare_fast.numbers import MeasuredPicture, MeasuredWay, judge_ways, measure_way


def picture(seed: int, seconds: float, levels: float = 0.0) -> MeasuredPicture:
    return MeasuredPicture("x", seed, seconds, levels, math.inf, 1.0)


def way(name: str, kind: str, fast: float, levels: float) -> MeasuredWay:
    return MeasuredWay(name, kind, 1.0, fast, levels, 30.0, 0.9)


def test_a_speed_up_is_the_median_of_the_seeds_each_beside_its_own_exact_picture() -> None:
    drawn = [picture(1, 1.0), picture(2, 2.0, 3.0), picture(3, 8.0)]
    found = measure_way("x", "same bits", drawn, {1: 3.0, 2: 4.0, 3: 8.0})
    assert (found.times_as_fast, found.seconds, found.grey_levels) == (2.0, 2.0, 1.0)


def test_the_fastest_of_each_kind_is_named() -> None:
    ways = [
        way("a", "same to rounding", 1.2, 0.01), way("b", "same to rounding", 1.6, 0.02),
        way("c", "another picture", 2.0, 5.0), way("d", "another picture", 3.0, 9.0),
    ]  # fmt: skip
    same, other = judge_ways(ways, 1.0, 1.0)
    assert same.startswith("Fastest with the same picture: b, 1.60 times")
    assert other.startswith("Fastest with another picture: d, 3.00 times") and "30.0 dB" in other


def test_what_gains_nothing_is_not_called_fast() -> None:
    assert judge_ways([way("a", "same to rounding", 0.9, 0.0)], 1.0, 1.0) == [
        "Nothing here is faster than the exact picture."
    ]


@pytest.mark.parametrize(("kind", "levels"), [("same bits", 0.01), ("same to rounding", 0.6)])
def test_a_class_that_is_not_kept_is_said(kind: str, levels: float) -> None:
    assert any(kind in line for line in judge_ways([way("a", kind, 2.0, levels)], 1.0, 1.0)[1:])


@pytest.mark.parametrize(("after", "word"), [(1.3, "slower"), (0.7, "faster")])
def test_a_machine_that_changed_its_pace_is_said(after: float, word: str) -> None:
    assert word in judge_ways([], 1.0, after)[0]
    assert len(judge_ways([], 1.0, 1.05)) == 1
