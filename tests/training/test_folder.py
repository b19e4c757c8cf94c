from __future__ import annotations

import json

import pytest

from sdcli.errors import BadRequest
from sdcli.training.folder import read_folder
from tests.helpers import learnt


def read(folder, caption="", repeats=1):
    return {
        one.path.name: (one.caption, one.repeats)
        for one in read_folder(folder, caption=caption, repeats=repeats)
    }


def test_words_are_found_beside_the_pictures_in_the_table_and_in_folders_names(tmp_path):
    learnt.folder(tmp_path, {"a.png": "a fox", "b.jpg": "", "c.webp": "", "d.png": ""})
    (tmp_path / "b.caption").write_text("\ufeffa  fox\nin snow\n", encoding="utf-8")
    line = {"file_name": "c.webp", "text": "from the table"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(line) + "\n\n", encoding="utf-8")
    learnt.draw(tmp_path / "10_sks fox" / "e.png")
    learnt.draw(tmp_path / "10_sks fox" / "f.png")
    (tmp_path / "10_sks fox" / "f.txt").write_text("its own", encoding="utf-8")
    assert read(tmp_path, "for all", 3) == {
        "a.png": ("a fox", 3),
        "b.jpg": ("a fox in snow", 3),
        "c.webp": ("from the table", 3),
        "d.png": ("for all", 3),
        "e.png": ("sks fox", 10),
        "f.png": ("its own", 10),
    }


def test_every_picture_that_cannot_be_read_is_named(tmp_path):
    learnt.folder(tmp_path)
    (tmp_path / "torn.png").write_bytes((tmp_path / "red.png").read_bytes()[:100])
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (tmp_path / "notes.md").write_text("no picture, and none that is missed")
    with pytest.raises(BadRequest) as refused:
        read(tmp_path)
    assert "torn.png" in refused.value.fact and "phone.heic" in refused.value.fact


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1 is no JSON"),
        ('{"text": "a fox"}', "line 1 names no picture"),
        ('{"file_name": "red.png"}', "line 1 names no picture"),
    ],
)
def test_a_table_that_cannot_be_read_names_its_line(tmp_path, line, said):
    learnt.folder(tmp_path)
    (tmp_path / "metadata.jsonl").write_text(line)
    with pytest.raises(BadRequest, match=said):
        read(tmp_path)


def test_no_folder_and_an_empty_one_are_refused(tmp_path):
    for folder, said in ((tmp_path / "gone", "there is no folder"), (tmp_path, "no picture in")):
        with pytest.raises(BadRequest, match=said):
            read(folder)
