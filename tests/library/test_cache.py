"""What is remembered: by several processes at once, through damage, and never at the cost of work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sdcli.library.cache import EDITION, cache_file, recall_value, remember_value


def test_values_come_back_by_kind_and_key():
    remember_value("hash", "a", "text")
    remember_value("pace", "a", 0.5)
    remember_value("picture", "a", b"\0bytes")
    assert (recall_value("hash", "a"), recall_value("pace", "a"), recall_value("picture", "a")) == (
        "text",
        0.5,
        b"\0bytes",
    )
    remember_value("hash", "a", "newer")
    assert recall_value("hash", "a") == "newer"
    assert recall_value("hash", "b") is None


def test_of_a_kind_only_the_last_are_kept():
    for number in range(5):
        remember_value("pace", str(number), number)
    remember_value("other", "0", 1.0)
    remember_value("pace", "5", 5.0, most=3)
    assert [recall_value("pace", str(number)) for number in range(6)] == [None, None, None, 3, 4, 5]
    assert recall_value("other", "0") == 1.0


WRITER = """
import sys
from sdcli.library.cache import remember_value
for number in range(60):
    remember_value("test", f"{sys.argv[1]} {number}", number)
"""


def test_two_processes_lose_nothing_of_each_other():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("one", "two")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    lost = [
        f"{name} {number}"
        for name in ("one", "two")
        for number in range(60)
        if recall_value("test", f"{name} {number}") != number
    ]
    assert lost == []


def nonsense(file: Path) -> None:
    file.write_bytes(b"{}" * 5000)


def cut_short(file: Path) -> None:
    remember_value("a", "b", "c" * 100_000)
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(file: Path) -> None:
    remember_value("a", "b", "c")
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
    assert recall_value("a", "b") is None
    remember_value("a", "b", "kept")
    assert recall_value("a", "b") == "kept"
    assert cache_file().with_suffix(".damaged").exists()


def folder(file: Path) -> None:
    file.mkdir()


def pipe(file: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize("in_the_way", [folder, pipe])
def test_what_is_no_file_means_no_cache(in_the_way):
    in_the_way(cache_file())
    remember_value("a", "b", "c")
    assert recall_value("a", "b") is None


def test_a_place_that_cannot_be_written_means_no_cache(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SDCLI_CACHE", str(tmp_path / "file/cache"))
    remember_value("a", "b", "c")
    assert recall_value("a", "b") is None
