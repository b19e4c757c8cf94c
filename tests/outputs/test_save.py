"""Where pictures are saved."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.table import FORMAT_BY_ENDING
from sdcli.outputs import save as outputs
from sdcli.outputs.template import file_slug
from sdcli.request import Output
from tests.helpers.plans import a_picture, a_plan


def place(path: object, **more: object) -> outputs.Destination:
    return outputs.find_destination(Output(str(path), **more))


def test_a_folder_gets_names_of_prompt_and_seed(tmp_path: Path) -> None:
    picture = a_picture(a_plan(prompt="A red house, at night!", seed=7))
    assert outputs.save_picture(picture, place(tmp_path)) == tmp_path / "a-red-house-at-night-7.png"
    assert (
        outputs.save_picture(picture, place(tmp_path)) == tmp_path / "a-red-house-at-night-7-2.png"
    )


def test_a_prompt_without_words_still_has_a_name(tmp_path: Path) -> None:
    assert outputs.save_picture(a_picture(a_plan(prompt="!?", seed=1)), place(tmp_path)).name == (
        "picture-1.png"
    )


def test_a_named_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_text("mine")
    with pytest.raises(BadRequest, match="exists"):
        outputs.prepare_destination(place(path), a_plan(count=1))
    with pytest.raises(BadRequest, match="exists"):
        outputs.save_picture(a_picture(), place(path))
    assert path.read_text() == "mine"
    assert outputs.save_picture(a_picture(), place(path, force=True)) == path
    Image.open(path).verify()


def test_several_pictures_of_one_name_are_told_apart_by_seed(tmp_path: Path) -> None:
    where = outputs.find_destination(Output(str(tmp_path / "fox.png")), count=3)
    assert where.path(a_plan(seed=5), 0) == tmp_path / "fox-5.png"


def test_templates(tmp_path: Path) -> None:
    plan = a_plan(seed=3, scheduler="euler", steps=20)
    where = place(tmp_path / "{scheduler}" / "{index:03}-{seed}.webp")
    assert where.path(plan, 2) == tmp_path / "euler" / "002-3.webp"
    for bad in (
        "{sead}.png",
        "{.png",
        "{seed.real}.png",
        "{0}.png",
        "{seed!x}.png",
        "{seed:099999999999}.png",
        "{index:{seed}}.png",
        "{cfg:.1f}.png",
    ):
        with pytest.raises(BadRequest):
            place(tmp_path / bad)


def test_formats_go_by_the_ending_or_the_flag(tmp_path: Path) -> None:
    assert place(tmp_path / "a.jpeg").format == "jpg"
    assert place(tmp_path, format="webp").format == "webp"
    assert place(tmp_path, format="JPEG").format == "jpg"
    with pytest.raises(BadRequest, match="ends as png"):
        place(tmp_path / "a.png", format="jpg")
    with pytest.raises(BadRequest, match="no picture format"):
        place(tmp_path, format="tiff")


@pytest.mark.parametrize("name", [f"a{ending}" for ending in FORMAT_BY_ENDING])
def test_what_is_written_opens(tmp_path: Path, name: str) -> None:
    path = outputs.save_picture(a_picture(), place(tmp_path / name))
    Image.open(path).load()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_nothing_is_left_behind_by_a_failure(tmp_path: Path) -> None:
    picture = a_picture()
    broken = replace(picture, image=picture.image.convert("CMYK"))  # PNG cannot hold it
    with pytest.raises(SdcliError, match="could not be written"):
        outputs.save_picture(broken, place(tmp_path / "a.png"))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SdcliError, match="nothing can be written"):
        outputs.prepare_destination(place(tmp_path / "file" / "a.png"), a_plan())


def test_files_have_the_rights_that_new_files_have(tmp_path: Path) -> None:
    path = outputs.save_picture(a_picture(), place(tmp_path / "a.png"))
    (tmp_path / "other").write_text("")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_slug_keeps_whole_words() -> None:
    assert file_slug("Ein Fuchs — über 10 Bäume") == "ein-fuchs-über-10-bäume"
    assert len(file_slug("word " * 50)) <= 48
    assert file_slug("x" * 400) == ""
