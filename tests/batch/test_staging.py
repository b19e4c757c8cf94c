"""Unfinished shards: what a kill leaves is found again, and nothing that is not whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sdcli.batch.staging import Staging
from sdcli.errors import SdcliError


def row(key: str, data: bytes) -> dict[str, object]:
    return {"key": key, "sha256": hashlib.sha256(data).hexdigest()}


def opened(folder: Path) -> Staging:
    return Staging(folder, lambda: pytest.fail("nobody else has it open"))


def test_what_was_drawn_is_there_after_a_kill(tmp_path: Path):
    folder = tmp_path / "unfinished" / "00000"
    with opened(folder) as staging:
        staging.add(row("a", b"one"), b"one", "png", 0.5)
        staging.add(row("b", b"two"), b"two", "png", 0.5)
        staging.add(row("c", b"three"), b"three", "png", 0.5)
    (folder / "b.png").write_bytes(b"tw")  # what a power cut may leave
    with (folder / "rows.jsonl").open("ab") as file:
        file.write(b'{"row": {"key": "d"')
    (folder / ".sdcli-x.png").write_bytes(b"half")
    with opened(folder) as staging:
        assert set(staging.samples) == {"a", "c"} and not (folder / ".sdcli-x.png").exists()
        staging.add(row("d", b"four"), b"four", "png", 0.5)
    with opened(folder) as staging:
        assert set(staging.samples) == {"a", "c", "d"}
        staging.remove()
    assert not (tmp_path / "unfinished").exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SdcliError, match="file"):
        opened(tmp_path / "file" / "00000")
