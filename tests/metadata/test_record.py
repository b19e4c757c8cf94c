"""What is written into a picture is what is read out of it, whatever it is and in every format."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.errors import BadRequest
from sdcli.images.formats.table import FORMATS
from sdcli.metadata import a1111_format as infotext
from sdcli.metadata import codec
from sdcli.metadata import record as metadata
from sdcli.metadata.codec import Bounds
from sdcli.picture import Picture, Provenance
from sdcli.plan import Control, File, Plan
from sdcli.request import Output
from tests.helpers import plans

PILLOW = {name: row.pillow for name, row in FORMATS.items()}
EVERY_FORMAT = pytest.mark.parametrize("ending", PILLOW)


def saved(picture: Picture, folder: Path, ending: str) -> Path:
    path = folder / f"picture.{ending}"
    picture.image.save(path, PILLOW[ending], **metadata.metadata_save_options(picture, ending))
    return path


def there_and_back(value: Any) -> Any:
    text = codec.to_json(codec.to_data(value))
    return codec.DataReader(metadata.BOUNDS).read(type(value), codec.from_json(text))


@given(plans.any_plan())
@settings(max_examples=150, deadline=None)
def test_any_plan_comes_back_the_same(plan: Plan) -> None:
    assert there_and_back(plan) == plan


@given(st.text(max_size=200), st.floats(0, 1e9), st.dictionaries(st.text(), st.text(), max_size=5))
@settings(max_examples=50, deadline=None)
def test_any_making_comes_back_the_same(device: str, seconds: float, versions: Any) -> None:
    made = Provenance(device, "fp32", seconds, versions, (device,))
    assert there_and_back(made) == made


@EVERY_FORMAT
@pytest.mark.parametrize("prompt", [*plans.AWKWARD, "🦊" * 20_000, "a fox, " * 3_000])
def test_every_prompt_in_every_format(tmp_path: Path, ending: str, prompt: str) -> None:
    plan = plans.a_plan(prompt=prompt, negative=prompt[::-1])
    carried = metadata.read_picture_metadata(saved(plans.a_picture(plan), tmp_path, ending))
    assert carried.plan == plan
    assert carried.provenance == plans.a_picture().provenance
    assert not carried.problems and not carried.unknown_fields


@EVERY_FORMAT
def test_the_text_for_other_programs(tmp_path: Path, ending: str) -> None:
    plan = plans.a_plan(prompt="a red fox, 狐", negative="blurry")
    carried = metadata.read_picture_metadata(saved(plans.a_picture(plan), tmp_path, ending))
    said = carried.texts.get("parameters") or carried.texts["UserComment"]
    info = infotext.parse_infotext(said)
    assert (info.prompt, info.negative) == ("a red fox, 狐", "blurry")
    assert info.fields["Model hash"] == "ababababab"
    assert info.fields["Size"] == "64x64"


def test_a_picture_without_metadata_carries_nothing(tmp_path: Path) -> None:
    plan = replace(plans.a_plan(), output=Output(metadata=False))
    for ending in PILLOW:
        assert not metadata.read_picture_metadata(
            saved(plans.a_picture(plan), tmp_path, ending)
        ).texts


def test_where_pictures_go_is_not_in_them() -> None:
    plan = replace(plans.a_plan(), output=Output(path="/home/someone/secret"))
    assert "secret" not in metadata.compose_record(plans.a_picture(plan))


def test_where_this_machine_keeps_things_is_not_named(tmp_path: Path, own_folders: Path) -> None:
    def file(path: Path) -> plans.plans.File:
        return plans.plans.File(path, "00" * 32)

    plan = plans.a_plan(
        task=plans.plans.Redraw(file(tmp_path / "secret" / "in.png"), 0.5),
        model=file(own_folders / "models" / "sub" / "x.safetensors"),
        loras=(plans.plans.Lora(file(Path.home() / "secret" / "ink.safetensors"), 1, 1, 1),),
    )
    record = metadata.compose_record(plans.a_picture(plan))
    for name in ('"sub/x.safetensors"', '"ink.safetensors"', '"in.png"'):
        assert f'"path":{name}' in record
    assert "secret" not in record and str(own_folders) not in record


def test_the_fingerprint_is_of_the_pixels_alone(tmp_path: Path) -> None:
    picture = plans.a_picture()
    path = saved(picture, tmp_path, "png")
    with Image.open(path) as image:
        assert metadata.read_picture_metadata(path).pixels == metadata.hash_pixels(image)


def with_text(tmp_path: Path, text: str) -> Path:
    info = PngInfo()
    info.add_itxt("sdcli", text)
    path = tmp_path / "made-up.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def test_fields_of_a_later_version_are_reported(tmp_path: Path) -> None:
    data = json.loads(metadata.compose_record(plans.a_picture()))
    data["plan"]["sharpness"] = 3
    carried = metadata.read_picture_metadata(with_text(tmp_path, json.dumps(data)))
    assert carried.plan == plans.a_plan()
    assert carried.unknown_fields == ("plan.sharpness",)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps", 10**400, "plan.steps"),
        ("steps", 0, "plan.steps"),
        ("steps", True, "plan.steps"),
        ("cfg", "7", "plan.cfg"),
        ("width", 1e300, "plan.width"),
        ("prompt", "x" * 1_000_001, "plan.prompt"),
        ("prompt", None, "plan.prompt"),
        ("loras", [{}] * 2_000, "plan.loras"),
        ("loras", {}, "plan.loras"),
        ("task", {"is": "system", "command": "rm"}, "plan.task"),
        ("task", "draw", "plan.task"),
        ("model", {"is": "file", "path": "a\0b", "sha256": "00"}, "plan.model.path"),
        ("model", {"is": "file", "path": "a"}, "sha256"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, field: str, value: Any, said: str) -> None:
    data = json.loads(metadata.compose_record(plans.a_picture()))
    data["plan"][field] = value if value != 10**400 else "@"
    text = (
        json.dumps(data)
        if value != 10**400
        else json.dumps(data | {"plan": data["plan"] | {field: "@"}}).replace('"@"', "1" * 4_000)
    )
    with pytest.raises(BadRequest, match=re.escape(said)):
        metadata.read_picture_metadata(with_text(tmp_path, text))


@pytest.mark.parametrize(
    "text", ['{"sdcli":', '{"sdcli":' * 5_000, '{"sdcli":NaN}', '{"sdcli":"1"}', "no JSON"]
)
def test_rubbish_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadRequest, match="carries a plan that cannot be read"):
        metadata.read_picture_metadata(with_text(tmp_path, text))


@EVERY_FORMAT
def test_a_refused_plan_is_not_replaced_by_the_text_beside_it(
    tmp_path: Path, ending: str, sdcli: Callable
) -> None:
    path = saved(plans.a_picture(plans.a_plan(steps=987)), tmp_path, ending)
    path.write_bytes(path.read_bytes().replace(b'"steps":987', b'"steps":-87'))
    # A chunk whose checksum is wrong is damaged, whatever it says.
    png = ending == "png"
    why = "the text `sdcli` is damaged" if png else "`plan.steps` should be a whole number"
    for words in (
        ["show", path],
        ["show", path, "--toml"],
        ["reproduce", path],
        ["txt2img", "a fox", "--like", path, "--dry-run"],
    ):
        ran = sdcli(*words)
        assert ran.code == 2
        assert f"carries a plan that cannot be read: {why}" in ran.err


@dataclass(frozen=True)
class Then:
    """A class as an earlier version had it."""

    amount: int
    kind: str = ""


@dataclass(frozen=True)
class Now:
    """The same class after renamings."""

    STORED_AS: ClassVar = ("present", "then", "before")

    steps: int = field(metadata={codec.STORED_AS: ("count", "amount")})
    kind: str = field(default="", metadata={codec.OLD_VALUES: {"old": "new", True: "yes"}})


@dataclass(frozen=True)
class Other:
    """Another class, so that the tag decides."""


@dataclass(frozen=True)
class Holder:
    """Something that holds one or the other."""

    part: Other | Now


def test_renamed_classes_and_fields_are_still_read() -> None:
    reader = codec.DataReader(Bounds(numbers={"steps": (0, 9)}))
    assert codec.to_data(Now(3)) == {"is": "present", "count": 3, "kind": ""}
    for data in (codec.to_data(Then(3, "x")), {"is": "before", "count": 3, "kind": "x"}):
        assert reader.read(Now, data) == Now(3, "x")
        assert reader.read(Holder, {"part": data}) == Holder(Now(3, "x"))
        assert reader.read(Now, {"amount": 3, "kind": True}) == Now(3, "yes")
        assert reader.read(Now, {"amount": 3, "kind": "old"}) == Now(3, "new")
    assert not reader.unknown_fields
    with pytest.raises(codec.BadData, match="steps"):  # bounded by its name in the code
        reader.read(Now, {"amount": 10})
    with pytest.raises(codec.BadData, match="lacks `count`"):
        reader.read(Now, {"kind": "x"})
    with pytest.raises(codec.BadData, match="kind"):
        reader.read(Now, {"amount": 3, "kind": []})


def test_a_control_of_the_first_version_is_still_read() -> None:
    """It said `canny: true`, where the name of a preprocessor stands now."""
    control = Control(File(Path("c"), "1"), File(Path("i"), "2"), 1.0, 0.0, 1.0, "canny")
    data = codec.to_data(control)
    assert data.pop("preprocessor") == "canny"
    for said, name in ((True, "canny"), (False, "none")):
        old = codec.DataReader(Bounds()).read(Control, {**data, "canny": said})
        assert old == replace(control, preprocessor=name)


def test_no_picture_is_a_bad_request(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("not a picture")
    with pytest.raises(BadRequest, match="no picture"):
        metadata.read_picture_metadata(path)
    with pytest.raises(BadRequest, match="there is no file"):
        metadata.read_picture_metadata(tmp_path / "missing.png")


def test_pillow_reads_what_is_written() -> None:
    for ending, name in PILLOW.items():
        file = io.BytesIO()
        picture = plans.a_picture()
        picture.image.save(file, name, **metadata.metadata_save_options(picture, ending))
        with Image.open(file) as image:
            image.load()
            found = image.info.get("parameters") or image.getexif().get_ifd(0x8769)[0x9286]
        assert found
