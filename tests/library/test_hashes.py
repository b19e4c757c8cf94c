"""What a file's content is called, and that it is never another's."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from sdcli.errors import BadRequest, SdcliError
from sdcli.library import hashes
from sdcli.library.cache import cache_file
from sdcli.library.hashes import hash_file, hash_tensors, watch_files


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has been there for a while, for all that the hashes know."""
    monkeypatch.setattr(hashes, "TICK", 0)
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"A" * 100)
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hash that is reckoned from now on, rather than remembered."""
    reckoned: list[str] = []
    real = hashes._sha256

    def counting(file):
        reckoned.append(file.name)
        return real(file)

    monkeypatch.setattr(hashes, "_sha256", counting)
    return reckoned


def forget_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "_known_here", {})


def test_a_hash_is_remembered_across_processes(model, read, monkeypatch):
    first = hash_file(model)
    forget_this_process(monkeypatch)
    assert hash_file(model) == first
    assert len(read) == 1
    assert cache_file().is_file()


def test_a_file_of_the_same_size_and_date_in_its_place_has_its_own_hash(model, tmp_path):
    before, status = hash_file(model).sha256, model.stat()
    other = tmp_path / "b"
    other.write_bytes(b"B" * 100)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(model)
    assert model.stat().st_mtime_ns == status.st_mtime_ns
    assert hash_file(model).sha256 == hashlib.sha256(b"B" * 100).hexdigest() != before


def test_a_file_written_over_in_place_with_its_old_date_has_its_own_hash(model):
    before, status = hash_file(model).sha256, model.stat()
    while model.stat().st_ctime_ns == status.st_ctime_ns:  # the file system's clock has ticks
        time.sleep(0.002)
        model.write_bytes(b"B" * 100)
        os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hash_file(model).sha256 != before


def test_what_was_just_written_is_not_remembered_yet(model, read, monkeypatch):
    monkeypatch.setattr(hashes, "TICK", 10**15)
    assert hash_file(model) == hash_file(model)
    assert len(read) == 2


def test_a_file_is_held_to_its_hash_while_it_is_read(model, tmp_path):
    held = hash_file(model)
    with watch_files([held]):
        pass
    (tmp_path / "b").write_bytes(b"B" * 100)
    with (
        pytest.raises(SdcliError, match="was changed while it was being read"),
        watch_files([held]),
    ):
        (tmp_path / "b").replace(model)
    with pytest.raises(SdcliError, match="was changed"), watch_files([held]):
        pytest.fail("the block is not entered with another file than was hashed")


def test_a_folder_is_held_to_its_hash_too(tmp_path):
    (tmp_path / "m/unet").mkdir(parents=True)
    part = tmp_path / "m/unet/x.safetensors"
    part.write_bytes(b"A")
    with pytest.raises(SdcliError, match="was changed"), watch_files([hash_file(tmp_path / "m")]):
        part.write_bytes(b"BB")


def test_nonsense_in_the_cache_is_no_hash(model, monkeypatch):
    right = hash_file(model)
    for nonsense in (b"\0\1", 7.5, "zz" * 32, "a" * 63):
        monkeypatch.setattr(hashes.cache, "recall_value", lambda kind, key, n=nonsense: n)
        forget_this_process(monkeypatch)
        assert hash_file(model) == right


def test_without_a_cache_a_hash_is_remembered_for_the_process(model, read, monkeypatch):
    monkeypatch.setenv("SDCLI_CACHE", str(model))  # a file is no folder
    assert hash_file(model) == hash_file(model)
    assert len(read) == 1


@pytest.mark.parametrize(
    "name", ["pipe", "/dev/zero", "/proc/self/environ", "/sys/kernel/uevent_seqnum"]
)
def test_what_has_no_end_has_no_hash(tmp_path, name):
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    elif not path.exists():
        pytest.skip(f"there is no {name} here")
    with pytest.raises(BadRequest, match="is a"):
        hash_file(path)
    with pytest.raises(BadRequest, match="is a"):
        hash_tensors(path)


@pytest.mark.parametrize("name", ["x" * 300, "~nobody-at-all/x", "a\0b", "loop"])
def test_names_that_cannot_be_files(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(SdcliError):
        hash_file(Path(name))
