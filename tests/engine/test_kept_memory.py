"""Memory kept from one step for the next: the same bits, and no page asked for twice."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from sdcli.engine import kept_memory
from sdcli.engine.session import Session
from sdcli.picture import Picture
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc"),
]
# In a process of its own: one that has been refused memory before takes it elsewhere.
PROBE = """
import resource
from sdcli.engine.kept_memory import keep_memory

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"1" * (40 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def fewest():
    return min(pages() for _ in range(4))

before = fewest()
with keep_memory():
    within = fewest()
print(before, within, fewest())
"""
LARGE = 40 * 2**20 // 4096  # pages


def test_in_the_block_large_memory_is_asked_for_once_and_outside_again() -> None:
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root}
    said = subprocess.run(
        [sys.executable, "-c", PROBE], env=env, capture_output=True, text=True, check=True
    )
    before, within, after = map(int, said.stdout.split())
    assert before >= LARGE and after >= LARGE
    assert within < LARGE / 10


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
