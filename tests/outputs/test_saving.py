"""Pictures saved beside the drawing of the next, where a GPU draws; before it, where a CPU does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PIL import Image

from sdcli.outputs.saving import save_each
from sdcli.picture import Picture, Provenance
from tests.helpers.plans import a_plan


def drawn(device: str, log: list[str], fail: bool = False) -> Iterator[Picture]:
    for index in range(3):
        if fail and index == 2:
            raise KeyboardInterrupt
        log.append(f"drawn {index}")
        yield Picture(Image.new("RGB", (8, 8)), a_plan(), Provenance(device, "fp32", 1.0), index)


def test_a_cpus_picture_is_saved_before_the_next_is_begun() -> None:
    log: list[str] = []
    for picture, path in save_each(drawn("cpu", log), lambda one: log.append(f"saved {one.index}")):
        assert path is None
        log.append(f"told {picture.index}")
    assert log == [f"{what} {n}" for n in range(3) for what in ("drawn", "saved", "told")]


def test_a_gpus_picture_is_saved_by_another_thread_while_the_next_is_drawn() -> None:
    log, threads, next_is_drawn = [], set(), threading.Event()

    def pictures() -> Iterator[Picture]:
        for picture in drawn("cuda", log):
            if picture.index == 1:
                next_is_drawn.set()
            yield picture

    def save(picture: Picture) -> int:
        assert picture.index > 0 or next_is_drawn.wait(5)
        threads.add(threading.current_thread())
        return picture.index

    assert [number for _, number in save_each(pictures(), save)] == [0, 1, 2]
    assert len(threads) == 1 and threading.current_thread() not in threads


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_was_drawn_before_it_was_stopped_is_saved_and_told(device: str) -> None:
    told = []
    with pytest.raises(KeyboardInterrupt):
        for picture, number in save_each(drawn(device, [], fail=True), lambda one: one.index):
            told.append((picture.index, number))
    assert told == [(0, 0), (1, 1)]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_cannot_be_saved_is_an_error_and_ends_the_drawing(device: str) -> None:
    log: list[str] = []

    def save(_: Picture) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        list(save_each(drawn(device, log), save))
    assert len(log) <= 2
