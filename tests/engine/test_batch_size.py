"""How many pictures go through the U-Net together: what was asked, or what a device has room for."""

from __future__ import annotations

import pytest
import torch

from sdcli.engine.batch_size import MOST, BatchSize, choose_batch_size


class Card:
    """A device on which every picture takes as much."""

    def __init__(self, free: int, each: int) -> None:
        self._free, self._each, self.pictures, self.begun = free, each, 1, 0

    def begin(self) -> None:
        self.begun += 1

    def taken(self) -> int:
        return self._each * self.pictures

    def free(self) -> int:
        return self._free


@pytest.mark.parametrize(
    ("free", "each", "expected"), [(1000, 100, 9), (100, 100, 1), (50, 100, 1), (10**9, 1, MOST)]
)
def test_one_picture_tells_how_many_fit(free: int, each: int, expected: int) -> None:
    card = Card(free, each)
    size = BatchSize(1, card)
    assert size.next == 1
    for _ in range(3):
        with size.measured(1):
            pass
    assert size.next == expected and card.begun == 1


def test_what_was_asked_for_is_what_is_drawn() -> None:
    size = choose_batch_size(5, torch.device("cuda"))
    with size.measured(5):
        pass
    assert size.next == 5


def test_on_a_cpu_auto_is_one_at_a_time() -> None:
    size = choose_batch_size(0, torch.device("cpu"))
    with size.measured(1):
        pass
    assert size.next == 1


def test_a_batch_that_failed_tells_nothing() -> None:
    size = BatchSize(1, Card(1000, 100))
    with pytest.raises(ValueError), size.measured(1):
        raise ValueError
    assert size.next == 1
