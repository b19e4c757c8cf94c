"""A thousand spoilt texts and files; `python -m tests.bench.fuzz` tries a hundred thousand."""

from __future__ import annotations

from pathlib import Path

from tests.bench import fuzz


def test_nothing_that_is_spoilt_does_harm(tmp_path: Path) -> None:
    assert fuzz.failures(1_000, seed=20, folder=tmp_path) == []
