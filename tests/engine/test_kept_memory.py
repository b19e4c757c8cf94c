"""Memory kept from one step for the next: the same bits, and no page asked for twice."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import pytest
import torch

from sdcli.engine import kept_memory
from sdcli.engine.kept_memory import keep_memory
from sdcli.engine.session import Session
from sdcli.picture import Picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc"),
]
LARGE = 40 * 2**20


def pages_asked_for() -> int:
    """How many pages the system gave this process for a large block, the best of four times."""

    def once() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.zeros(LARGE, dtype=torch.uint8)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    return min(once() for _ in range(4))


def test_in_the_block_large_memory_is_asked_for_once_and_outside_again() -> None:
    most = LARGE // 4096 // 10
    usual = pages_asked_for()
    with keep_memory():
        assert pages_asked_for() < most
    assert usual > most and pages_asked_for() > most


def test_a_picture_is_the_same_and_says_that_memory_was_kept(
    sd1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(
        Draw(), "a fox", model=str(sd1), steps=2, seed=1, width=64, height=64, device="cpu"
    )

    def draw() -> Picture:
        return next(iter(Session().run(make_plan(request))))

    usual = draw()  # layers of a tiny model are small
    monkeypatch.setattr(kept_memory, "ALWAYS_GIVEN_BACK", 1)
    kept = draw()
    assert kept.image.tobytes() == usual.image.tobytes()
    assert not any("kept-memory" in way for way in usual.provenance.ways)
    assert "kept-memory: same bits" in kept.provenance.ways
