"""Files found by their content: where they were, elsewhere, under another name, never by name alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sdcli.library.find_by_hash import (
    a1111_old_hash,
    find_by_short_hash,
    find_moved_picture,
    find_moved_weights,
)
from sdcli.library.hashes import hash_file, hash_tensors
from sdcli.plan import File


@pytest.fixture
def models(own_folders: Path) -> Path:
    return own_folders / "models"


def weights(path: Path, data: bytes = b"\0" * 8, title: str = "x") -> Path:
    """A file of safetensors, whose header says something and whose tensors are these bytes."""
    tensor = {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"title": title}, "t": tensor}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


def test_where_it_was(tmp_path: Path) -> None:
    path = weights(tmp_path / "a.safetensors")
    assert find_moved_weights(hash_file(path)) == path


def test_renamed_and_moved(tmp_path: Path, models: Path) -> None:
    wanted = hash_file(weights(tmp_path / "a.safetensors"))
    weights(models / "a.safetensors", b"another of this name")
    moved = models / "deep" / "er" / "b.safetensors"
    moved.parent.mkdir(parents=True)
    wanted.path.rename(moved)
    assert find_moved_weights(wanted) == moved
    moved.unlink()
    assert find_moved_weights(wanted) is None


def test_a_picture_near_by(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(b"a picture, for all that it matters here")
    wanted = hash_file(path)
    path.rename(tmp_path / "other.webp")
    assert find_moved_picture(wanted, (tmp_path / "nowhere",)) is None
    assert find_moved_picture(wanted, (tmp_path / "nowhere", tmp_path)) == tmp_path / "other.webp"


def test_short_hashes_of_every_length(models: Path) -> None:
    path = weights(models / "a.safetensors", os.urandom(0x120000))
    weights(models / "b.safetensors", os.urandom(0x120000))
    whole, tensors = hash_file(path).sha256, hash_tensors(path)
    for short in (whole, whole[:10], tensors[:12], a1111_old_hash(path)):
        assert find_by_short_hash(short) == path
    for short in ("", "0" * 10, "zz" * 5, whole[:4], "../../etc", whole[1:11]):
        assert find_by_short_hash(short, "a") is None


def test_tensors_are_hashed_apart_from_what_is_said_of_them(models: Path) -> None:
    one = weights(models / "a.safetensors", b"12345678", "one")
    other = weights(models / "b.safetensors", b"12345678", "another")
    assert hash_file(one).sha256 != hash_file(other).sha256
    assert hash_tensors(one) == hash_tensors(other)


def test_of_two_alike_the_one_of_that_name(models: Path) -> None:
    weights(models / "a.safetensors")
    path = weights(models / "z.safetensors")
    assert find_by_short_hash(hash_file(path).sha256[:10], "z") == path


@pytest.mark.parametrize(
    "hint", ["/dev/zero", "/proc/kmsg", "//server/share/a.safetensors", "a" * 5_000, "a/" * 3_000]
)
def test_hints_that_are_traps(hint: str) -> None:
    assert find_moved_weights(File(Path(hint), "00" * 32)) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    assert find_moved_weights(File(tmp_path / "a.safetensors", "00" * 32)) is None


def test_hashes_are_remembered_until_the_file_changes(models: Path) -> None:
    path = weights(models / "a.safetensors", b"12345678")
    first = hash_file(path).sha256, hash_tensors(path)
    assert (hash_file(path).sha256, hash_tensors(path)) == first
    weights(path, b"87654321!")
    assert hash_file(path).sha256 != first[0]
    assert hash_tensors(path) != first[1]
