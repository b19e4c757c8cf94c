"""Files whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sdcli.errors import BadRequest, SdcliError
from sdcli.outputs.atomic import check_free, new_file, write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_bytes_and_functions(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a"
    for content in ("süß", "süß".encode(), lambda file: file.write("süß".encode())):
        assert write_file(path, content) == path
        assert path.read_text(encoding="utf-8") == "süß"
    assert names(path.parent) == ["a"]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_file(tmp_path / "a", "x")
        with new_file(tmp_path / "b", force=False) as file:
            file.write(b"x")
    finally:
        os.umask(before)
    for name in ("a", "b"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~mask


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def broken(file) -> None:
        file.write(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_file(path, broken)
    assert path.read_text() == "old" and names(tmp_path) == ["a"]


def test_what_has_a_name_is_on_the_disk(tmp_path: Path, monkeypatch) -> None:
    done: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("sync"), real_sync(handle))[1])
    monkeypatch.setattr(
        Path, "replace", lambda old, new: (done.append("name"), real_replace(old, new))[1]
    )
    write_file(tmp_path / "a", "x")
    assert done == ["sync", "name", "sync"]  # the content, the name, the folder
    done.clear()
    write_file(tmp_path / "a", "x", durable=False)
    assert done == ["name"]


def test_a_name_that_is_taken_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(BadRequest, match="exists"), new_file(path, force=False) as file:
        file.write(b"mine")
        path.write_text("theirs")  # somebody was faster
    assert path.read_text() == "theirs"
    with new_file(path, force=True) as file:
        file.write(b"mine")
    assert path.read_text() == "mine"


def test_a_full_disk_is_an_error_with_a_hint(tmp_path: Path) -> None:
    def full(file) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SdcliError, match="No space left") as caught:
        write_file(tmp_path / "a", full)
    assert "free some space" in caught.value.hint
    assert names(tmp_path) == []


def test_what_cannot_be_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder", tmp_path / "file/a", Path("/proc/a")):
        with pytest.raises(SdcliError, match="could not be written"):
            write_file(path, "x")
    with pytest.raises(BadRequest, match="is too long"):
        write_file(tmp_path / ("x" * 300), "x")
    with pytest.raises(BadRequest, match="is too long"):
        check_free(tmp_path / ("x" * 300), force=True)
    assert names(tmp_path) == ["file", "folder"]
