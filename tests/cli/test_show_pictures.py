"""`sdcli show` of pictures: what they carry, the command that draws them, copies without it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sdcli import request
from sdcli.images.formats.table import FORMATS
from sdcli.metadata import record as metadata
from sdcli.metadata.a1111_write import write_infotext
from sdcli.reproduce.command_line import command_for_request
from tests.helpers import plans
from tests.metadata.test_readers import with_exif

PILLOW = {name: row.pillow for name, row in FORMATS.items()}


def carrying(path: Path, text: str) -> Path:
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    return with_exif(path, comment, PILLOW[path.suffix[1:]], True)


def test_a_picture_of_ours_and_the_command_that_draws_it(
    sdcli: Callable, sd1: Path, tmp_path: Path
) -> None:
    words = ("a (red:1.3) fox; rm -rf '", "-m", sd1, "--steps", 2, "-W", 64, "-H", 64, "--seed", 7)
    more = ("--scheduler", "euler-a", "--eta", 0.5, "-n", "blurry\nbad", "--clip-skip", 2)
    assert sdcli("txt2img", *words, *more, "-o", "a.png").code == 0
    ran = sdcli("show", "a.png")
    assert ran.code == 0
    assert ran.out.startswith("a.png: a picture drawn by sdcli ")
    for said in (
        "scheduler     euler-a",
        "eta           0.5",
        "seed          7",
        "drawn on      cpu",
    ):
        assert said in ran.out
    command = json.loads(sdcli("show", "--json", "a.png").out)["command"]
    assert shlex.split(command)[0] == "sdcli"
    assert sdcli(*shlex.split(command)[1:], "-o", "b.png").code == 0
    one, other = (Image.open(name).tobytes() for name in ("a.png", "b.png"))
    assert one == other


def test_a_picture_of_another_program(sdcli: Callable, tmp_path: Path) -> None:
    text = "a fox\nSteps: 20, Sampler: DPM fast, Seed: 7, Model: dream, Model hash: 0123456789"
    path = carrying(tmp_path / "a.jpg", text)
    ran = sdcli("show", path)
    assert "a.jpg: a picture drawn by AUTOMATIC1111\n" in ran.out
    for said in (
        "seed          7",
        "model         0123456789",
        "`DPM fast` has no equivalent here",
    ):
        assert said in ran.out
    found = json.loads(sdcli("show", "--json", path).out)
    assert found["program"] == "AUTOMATIC1111"
    assert found["texts"]["UserComment"] == text
    assert found["command"].startswith("sdcli txt2img -m dream")


def test_a_picture_that_would_paint_the_terminal(sdcli: Callable, tmp_path: Path) -> None:
    plan = plans.a_plan(prompt="a \x1b[31mfox\x07 \udc80", scheduler="a\x1b[2Jb")
    picture = plans.a_picture(plan)
    picture.image.save(tmp_path / "a.png", **metadata.metadata_save_options(picture, "png"))
    shown = sdcli("show", "a.png")
    assert shown.code == 0
    assert "a \\x1b[31mfox\\x07 \\xdc80" in shown.out
    again = sdcli("reproduce", "a.png")
    assert again.code != 0
    found = json.loads(sdcli("show", "a.png", "--json").out)
    assert found["plan"]["prompt"] == plan.prompt
    toml = sdcli("show", "a.png", "--toml")
    for text in (shown.out, again.err, toml.out):
        assert not set(text) & {"\x1b", "\x07", "\udc80"}


def test_a_picture_as_a_file_of_settings(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    words = ("-m", sd1, "--steps", 2, "-W", 64, "-H", 64, "--seed", 7, "-n", 'say "\x7f"\n')
    assert sdcli("txt2img", "a 🦊", *words, "--cfg", 1e-7, "-o", "a.png").code == 0
    ran = sdcli("show", "a.png", "--toml")
    (tmp_path / "kept.toml").write_text(ran.out)
    assert sdcli("txt2img", "--preset", "kept.toml", "-o", "b.png").code == 0
    assert (
        metadata.read_picture_metadata(tmp_path / "a.png").plan
        == metadata.read_picture_metadata(tmp_path / "b.png").plan
    )


def test_a_picture_of_nobody(sdcli: Callable, tmp_path: Path) -> None:
    Image.new("RGB", (8, 9)).save(tmp_path / "a.gif")
    ran = sdcli("show", "a.gif")
    assert ran.out == (
        "a.gif: a picture that says nothing about how it was made\n  pixels        8x9\n"
    )


@pytest.mark.parametrize(
    "asked",
    [
        request.Request(request.Draw(), "-n is a word"),
        request.Request(
            request.Repaint(Path("a b.png"), Path("m.png"), 0.5, 3),
            "a fox",
            loras=(request.Lora("ink", 0.5, 0.25),),
            controls=(request.Control("c", Path("d.png"), 0.8, 0.0, 0.6, preprocessor="canny"),),
            lora_partial=True,
            ensd=31337,
        ),
    ],
)
def test_the_command_says_everything(asked: request.Request) -> None:
    words = shlex.split(command_for_request(asked))
    assert words[-1] == asked.prompt
    if isinstance(asked.task, request.Draw):
        assert words == ["sdcli", "txt2img", "--", "-n is a word"]
        return
    assert words[1] == "inpaint"
    assert words[words.index("--lora") + 1] == "ink:0.5,te=0.25"
    assert words[words.index("--control-canny") + 1] == "c:d.png:0.8@0-0.6"
    assert words[words.index("--image") + 1] == "a b.png"
    assert "--lora-partial" in words


@pytest.mark.parametrize("ending", [name for name, row in FORMATS.items() if row.strip])
def test_stripped_of_everything_but_the_pixels(
    sdcli: Callable, tmp_path: Path, ending: str
) -> None:
    picture, path = plans.a_picture(), tmp_path / f"a.{ending}"
    picture.image.save(path, PILLOW[ending], **metadata.metadata_save_options(picture, ending))
    ran = sdcli("show", "--strip", path.name)
    assert ran.out == f"a-plain.{ending}\n"
    plain = tmp_path / f"a-plain.{ending}"
    assert not metadata.read_picture_metadata(plain).texts
    with Image.open(path) as before, Image.open(plain) as after:
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
    assert sdcli("show", "--strip", path.name).code == 2  # it exists
    assert sdcli("show", "--strip", path.name, "--force").code == 0
    assert sdcli("show", "--strip", path.name, "-o", "folder").out == f"folder/a.{ending}\n"
    assert sdcli("show", "--strip", path.name, "-o", f"b.{ending}").out == f"b.{ending}\n"
    assert "sdcli" not in plain.read_bytes().decode("latin-1")


def test_which_side_is_up_survives(sdcli: Callable, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a secret"
    Image.new("RGB", (16, 8)).save(tmp_path / "a.jpg", exif=exif)
    sdcli("show", "--strip", "a.jpg")
    with Image.open("a-plain.jpg") as image:
        assert dict(image.getexif()) == {0x0112: 6}


def test_stripping_says_what_it_cannot(sdcli: Callable, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    assert "cannot be stripped" in sdcli("show", "--strip", "a.gif").err
    assert "are for `--strip`" in sdcli("show", "a.gif", "-o", "b.gif").err


def test_no_metadata_from_the_start(sdcli: Callable, sd1: Path, tmp_path: Path) -> None:
    for ending in PILLOW:
        words = ("a fox", "-m", sd1, "--steps", 1, "-W", 64, "-H", 64, "--no-metadata")
        assert sdcli("txt2img", *words, "-o", f"a.{ending}").code == 0
        assert not metadata.read_picture_metadata(tmp_path / f"a.{ending}").texts


def test_a_picture_of_ours_whose_plan_was_lost_says_so(sdcli: Callable, tmp_path: Path) -> None:
    picture = plans.a_picture()
    carrying(tmp_path / "a.jpg", write_infotext(picture.plan))
    assert "its own plan is not in it" in sdcli("show", "a.jpg").out


def test_long_names_stand_apart_from_their_values(tmp_path: Path) -> None:
    from sdcli.show.picture import PictureFacts, picture_lines

    hashes = {"lora:a-long-name-of-a-lora": "abc123", "model": "def456"}
    told = picture_lines(PictureFacts(tmp_path / "a.png", (8, 8), hashes=hashes))
    assert "    lora:a-long-name-of-a-lora  abc123" in told
    assert "    model                       def456" in told
