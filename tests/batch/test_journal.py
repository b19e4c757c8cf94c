"""The journal of a batch: what it remembers, wherever the run that wrote it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdcli.batch.journal import JOURNAL_NAME, BatchJournal
from sdcli.errors import SdcliError


def opened(folder: Path) -> BatchJournal:
    return BatchJournal(folder, lambda: pytest.fail("nobody else has it open"))


def picture(folder: Path, name: str, data: bytes = b"pixels") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_what_is_finished_is_finished_while_it_is_there(tmp_path: Path):
    path = picture(tmp_path, "a.png")
    with opened(tmp_path) as journal:
        journal.finish("job", 0, path)
        assert journal.is_finished("job", 0) and not journal.is_finished("job", 1)
    with opened(tmp_path) as journal:
        assert journal.is_finished("job", 0)
        path.unlink()
        assert not journal.is_finished("job", 0)


def test_a_picture_that_got_its_name_and_no_second_line_is_known_by_its_content(tmp_path: Path):
    partial = picture(tmp_path, ".sdcli-x.png")
    with opened(tmp_path) as journal:
        journal.intend("job", 0, tmp_path / "a.png", partial)
        assert not journal.is_finished("job", 0)  # killed here: no name, nothing there
    (tmp_path / "a.png").hardlink_to(picture(tmp_path, ".sdcli-x.png"))  # or here, with the name
    with opened(tmp_path) as journal:
        assert journal.is_finished("job", 0)
        assert not partial.exists()  # and what the kill left beside it is gone
    picture(tmp_path, "b.png", b"somebody else's")
    with opened(tmp_path) as journal:
        journal.intend("job", 1, tmp_path / "b.png", picture(tmp_path, ".sdcli-y.png"))
        assert not journal.is_finished("job", 1)


def test_a_line_cut_short_takes_no_other_with_it(tmp_path: Path):
    with opened(tmp_path) as journal:
        journal.finish("one", 0, picture(tmp_path, "1.png"))
    with (tmp_path / JOURNAL_NAME).open("ab") as file:
        file.write(b'{"job": "two", "ind')
    with opened(tmp_path) as journal:
        journal.finish("three", 0, picture(tmp_path, "3.png"))
    with opened(tmp_path) as journal:
        assert journal.is_finished("one", 0) and journal.is_finished("three", 0)


@pytest.mark.parametrize("line", ["7", "null", "[]", '{"job": 1}', '{"index": {}}', "\ud800", "\0"])
def test_nonsense_in_the_journal_is_passed_over(tmp_path: Path, line: str):
    (tmp_path / JOURNAL_NAME).write_bytes(line.encode("utf-8", "surrogatepass") + b"\n\xff\n")
    with opened(tmp_path) as journal:
        journal.finish("job", 0, picture(tmp_path, "a.png"))
        assert journal.is_finished("job", 0)


def test_a_journal_of_an_earlier_version_is_read(tmp_path: Path):
    entry = {"job": "job", "index": 0, "path": str(picture(tmp_path, "a.png"))}
    (tmp_path / JOURNAL_NAME).write_text(json.dumps(entry) + "\n")
    with opened(tmp_path) as journal:
        assert journal.is_finished("job", 0)


def test_what_was_measured_is_remembered_with_its_picture(tmp_path: Path):
    path = picture(tmp_path, "a.png")
    with opened(tmp_path) as journal:
        journal.finish("job", 0, path, {"clip": 57.5, "sharpness": None})
        journal.finish("job", 1, picture(tmp_path, "b.png"))
    with opened(tmp_path) as journal:
        assert dict(journal.measured()) == {("job", 0): {"clip": 57.5, "sharpness": None}}
        path.unlink()
        assert dict(journal.measured()) == {}


def test_a_folder_in_its_place_is_an_error(tmp_path: Path):
    (tmp_path / JOURNAL_NAME).mkdir()
    with pytest.raises(SdcliError, match="journal"):
        opened(tmp_path)


def test_a_full_disk_is_an_error_and_what_was_intended_is_remembered(tmp_path: Path, monkeypatch):
    partial, path = picture(tmp_path, ".sdcli-x.png"), tmp_path / "a.png"
    with opened(tmp_path) as journal:
        journal.intend("job", 0, path, partial)
        partial.rename(path)
        monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(SdcliError, match="full"):
            journal.finish("job", 0, path)
        assert journal.is_finished("job", 0)
