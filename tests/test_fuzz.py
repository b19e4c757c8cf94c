"""Two thousand spoilt inputs; `python -m tests.bench fuzz` tries a hundred thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import fuzz

pytestmark = pytest.mark.slow


def test_nothing_that_is_spoilt_does_harm(tmp_path: Path) -> None:
    assert fuzz.failures(420, seed=20, folder=tmp_path) == []
