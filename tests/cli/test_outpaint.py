"""Pictures made larger through the front door."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sdcli as library
from sdcli.metadata.record import read_picture_metadata

QUICK = ("--steps", "1", "--cfg", "1", "--seed", "3")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 70x50 pixels, which no model draws."""
    y, x = np.indices((50, 70))
    pixels = np.stack([x * 3, y * 5, (x * y) % 256], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def planned(sdcli, sd1, photo):
    def run(*flags):
        ran = sdcli("outpaint", "a fox", "--image", photo, "-m", sd1, *flags, "--dry-run", "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return run


def test_what_was_there_stays_to_the_bit_and_is_drawn_again(sdcli, sd1, photo):
    flags = ("outpaint", "a fox", "--image", photo, "-m", sd1, *QUICK)
    ran = sdcli(*flags, "--right", "33", "--up", "6", "--feather", "8", "-o", "wide.png")
    assert ran.code == 0, ran.err
    old, new = np.asarray(Image.open(photo)), np.asarray(Image.open("wide.png"))
    assert new.shape == (56, 103, 3)  # as said, though a model draws multiples of 8
    assert (new[14:, :62] == old[8:, :62]).all()  # but for the feather
    assert (new[:6] != new[6:7]).any() and new[:, 70:].std() > 0
    ran = sdcli("reproduce", "wide.png", "--exact", "-o", "again.png")
    assert ran.code == 0, ran.err
    task = read_picture_metadata(Path("again.png")).plan.task
    assert (task.left, task.up, task.right, task.down, task.feather) == (0, 6, 33, 0, 8)


def test_only_the_new_part_is_drawn_and_laid_back(sdcli, sd1, photo):
    ran = sdcli("outpaint", "a fox", "--image", photo, "-m", sd1, *QUICK, "--left", "30",
                "--only-masked", "16", "-W", "64", "-H", "64", "-o", "wide.png")  # fmt: skip
    assert ran.code == 0, ran.err
    old, new = np.asarray(Image.open(photo)), np.asarray(Image.open("wide.png"))
    assert new.shape == (50, 100, 3)
    assert (new[:, 46:] == old[:, 16:]).all()
    assert (new[:, :30] != old[:, :30]).mean() > 0.5


@pytest.mark.parametrize(
    ("flags", "borders"),
    [
        (("--right", "64"), (0, 0, 64, 0)),
        (("--to", "100x60"), (15, 5, 15, 5)),
        (("--to", "101x50"), (15, 0, 16, 0)),
        (("--to", "2:1"), (13, 0, 13, 0)),  # 96, the multiple of 8 nearest to 100
        (("--to", "1:1"), (0, 11, 0, 11)),
        (("--to", "2:1", "--left", "0"), (0, 0, 26, 0)),
        (("--to", "100x60", "--down", "10", "--right", "5"), (25, 0, 5, 10)),
    ],
)
def test_a_shape_or_sides_say_what_is_added(planned, flags, borders):
    plan = planned(*flags)
    task = plan["task"]
    assert (task["left"], task["up"], task["right"], task["down"]) == borders
    assert plan["width"] % 8 == 0 and 0 <= plan["width"] - (70 + borders[0] + borders[2]) < 8
    assert (task["strength"], task["feather"]) == (1.0, 16)


@pytest.mark.parametrize(
    ("flags", "fact"),
    [
        ((), "nothing is to be added"),
        (("--right", "0"), "nothing is to be added"),
        (("--to", "64x64"), "smaller than the picture's width, by 6 pixels"),
        (("--to", "100x50", "--left", "31"), "the sides say something else"),
        (("--to", "wide"), "no shape"),
        (("--to", "0:1"), "no shape"),
        (("--to", "16384:1"), "out of bounds"),
        (("--to", "8000x8000"), "8000x8000 is larger than a picture can be"),
        (("--right", "20000"), "out of bounds"),
        (("--right", "64", "-W", "64"), "drawn at that size"),
        (("--right", "64", "--fill", "blue"), "there is no `blue`"),
    ],
)
def test_what_cannot_be_is_a_fact_and_a_hint(sdcli, sd1, photo, flags, fact):
    ran = sdcli("outpaint", "a fox", "--image", photo, "-m", sd1, *flags, "--dry-run")
    assert ran.code == 2
    assert fact in ran.err and "\nhint: " in ran.err


def test_its_command_line_plans_the_same(sdcli, planned, photo):
    import shlex

    plan = planned("--to", "2:1", "--fill", "noise", "--grow", "0", "--strength", "0.75", *QUICK)
    ran = sdcli("outpaint", "a fox", "--image", photo, "-m", plan["model"]["path"], "--to", "2:1",
                "--fill", "noise", "--grow", "0", "--strength", "0.75", *QUICK, "--dry-run")  # fmt: skip
    command = next(line for line in ran.out.splitlines() if line.startswith("command"))
    words = shlex.split(command.partition("sdcli ")[2])
    assert "--strength" in words and "--feather" not in words
    again = sdcli(*words, "--dry-run", "--json")
    assert json.loads(again.out) | {"from": {}} == plan | {"from": {}}


def test_jobs_presets_and_python_say_the_same(sdcli, sd1, planned, photo, tmp_path):
    job = {"prompt": "a fox", "image": str(photo), "strength": 0.5, "right": 64}
    (tmp_path / "jobs.txt").write_text(json.dumps(job))
    ran = sdcli("batch", "jobs.txt", "-m", sd1, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["task"] == planned("--right", "64", "--strength", "0.5")["task"]
    plan = library.make_plan("a fox", library.Outpaint(photo), model=str(sd1), right=64)
    assert (plan.task.right, plan.task.strength, plan.width) == (64, 1.0, 136)


def test_a_mask_that_grows_is_an_inpainting_option_too(sdcli, sd1, photo, tmp_path):
    mask = Image.new("L", (70, 50))
    mask.paste(255, (20, 10, 40, 30))
    mask.save(tmp_path / "mask.png")
    flags = ("inpaint", "a fox", "--image", photo, "--mask", "mask.png", "-m", sd1, *QUICK)
    pictures = []
    for name, more in (("plain", ()), ("zero", ("--grow", "0")), ("grown", ("--grow", "24"))):
        ran = sdcli(*flags, *more, "-o", f"{name}.png")
        assert ran.code == 0, ran.err
        pictures.append(np.asarray(Image.open(f"{name}.png")))
    plain, zero, grown = pictures
    assert (plain == zero).all() and (plain != grown).any()
    outside = np.asarray(mask) == 0
    assert (grown[outside] == np.asarray(Image.open(photo))[outside]).all()
