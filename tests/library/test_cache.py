"""What is remembered: by several processes at once, through damage, and never at the cost of work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sdcli.library.cache import EDITION, cache_file, recall, remember


def test_values_come_back_by_kind_and_key():
    remember("hash", "a", "text")
    remember("pace", "a", 0.5)
    remember("picture", "a", b"\0bytes")
    assert (recall("hash", "a"), recall("pace", "a"), recall("picture", "a")) == (
        "text",
        0.5,
        b"\0bytes",
    )
    remember("hash", "a", "newer")
    assert recall("hash", "a") == "newer"
    assert recall("hash", "b") is None


def test_of_a_kind_only_the_last_are_kept():
    for number in range(5):
        remember("pace", str(number), number)
    remember("other", "0", 1.0)
    remember("pace", "5", 5.0, most=3)
    assert [recall("pace", str(number)) for number in range(6)] == [None, None, None, 3, 4, 5]
    assert recall("other", "0") == 1.0


WRITER = """
import sys
from sdcli.library.cache import remember
for number in range(60):
    remember("test", f"{sys.argv[1]} {number}", number)
"""


def test_two_processes_lose_nothing_of_each_other():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    lost = [
        f"{name} {number}"
        for name in ("one", "two")
        for number in range(60)
        if recall("test", f"{name} {number}") != number
    ]
    assert lost == []


def nonsense(file: Path) -> None:
    file.write_bytes(b"{}" * 5000)


def cut_short(file: Path) -> None:
    remember("a", "b", "c" * 100_000)
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(file: Path) -> None:
    remember("a", "b", "c")
    data = bytearray(file.read_bytes())
    data[100:] = b"\xa5" * (len(data) - 100)
    file.write_bytes(data)


def other_tables(file: Path) -> None:
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE entries (x)")
    database.execute(f"PRAGMA user_version = {EDITION}")
    database.commit()
    database.close()


@pytest.mark.parametrize("damage", [nonsense, cut_short, overwritten, other_tables])
def test_a_damaged_file_is_set_aside_and_made_anew(damage):
    damage(cache_file())
    assert recall("a", "b") is None
    remember("a", "b", "kept")
    assert recall("a", "b") == "kept"
    assert cache_file().with_suffix(".damaged").exists()


def folder(file: Path) -> None:
    file.mkdir()


def pipe(file: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize("in_the_way", [folder, pipe])
def test_what_is_no_file_means_no_cache(in_the_way):
    in_the_way(cache_file())
    remember("a", "b", "c")
    assert recall("a", "b") is None


def test_a_place_that_cannot_be_written_means_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SDCLI_CACHE", str(tmp_path / "file/cache"))
    remember("a", "b", "c")
    assert recall("a", "b") is None
