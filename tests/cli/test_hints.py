"""Hints that help: what was meant is named, wherever a command line goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from sdcli import folders
from sdcli.cli.app import COMMANDS
from tests.conftest import Ran

LORA = folders.assets_folder() / "builtin-blueprint.safetensors"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("txt2img", "a", "red", "house", "--steps", 3),
            'put all of it in quotes: sdcli txt2img "a red house"\n',
        ),
        (("sweep", "a", "house", "--vary", "cfg=1,2"), 'sdcli sweep "a house"\n'),
        (("txt2img", 'a "red"', "house"), "sdcli txt2img 'a \"red\" house'\n"),
        (("a house",), 'to draw it: sdcli txt2img "a house"\n'),
        (("a", "red", "house", "--steps", 3), 'sdcli txt2img "a red house"\n'),
        (("shwo", "x.png"), "did you mean `show`? see `sdcli --help`\n"),
        (("in.png",), "`sdcli show in.png` says what a file is"),
        (("lora", "shwo"), "`sdcli lora` has no command `shwo`\nhint: did you mean `show`?"),
        (("lora", "merge"), "missing option '--lora'\nhint: see `sdcli lora merge --help`\n"),
        (("batch", "a.txt", "b.txt"), "`b.txt` is more than `sdcli batch` takes\n"),
        (("txt2img", "x", "--steps"), "see `sdcli txt2img --help`\n"),
        (
            ("txt2img", "x", "--stepz", 3),
            "there is no option `--stepz`\nhint: did you mean `--steps`",
        ),
        (("txt2img", "x", "--guidance_scale", 3), "hint: here it is `--cfg`; see"),
        (("txt2img", "x", "--size=64x64"), "hint: here it is `--width` and `--height`; see"),
        (("txt2img", "--prompt", "x"), 'the prompt is the first word: sdcli txt2img "a red fox"'),
        (("img2img", "x", "--init-img", "in.png"), "hint: here it is `--image`; see"),
        (
            ("txt2img", "x", "--init-img", "in.png"),
            "hint: `--image` is an option of `sdcli img2img`;",
        ),
        (("txt2img", "x", "--strength", 1), "hint: `--strength` is an option of `sdcli img2img`;"),
        (("edit", "x", "--mask", "in.png"), "hint: `--mask` is an option of `sdcli inpaint`;"),
        (("txt2img", "x", "--steps", "many"), "`--steps many` is not a whole number\nhint: 1 to"),
        (("txt2img", "x", "--seed", -1), "hint: leave it away for a random one"),
        (("batch", "jobs.txt", "--seed", -1), "hint: leave it away for a random one"),
        (("txt2img", "x", "--lora", "f:abc"), "hint: `abc` is no weight: write a number"),
        (("txt2img", "x", "--lora", "f:0,8"), "hint: `0,8` is no weight: write a number"),
        (("img2img", "x", "--image", "."), "error: `.` is a folder\nhint: name the picture in it"),
        (("img2img", "x", "--image", "in.heic"), "`in.heic` is a HEIC picture"),
        (("txt2img", "x", "-o", "x.gif"), "hint: end it with .png, .jpg, .jpeg, .webp, or"),
        (("txt2img", "x", "-o", "{seed}.tiff"), "`{seed}.tiff` ends like no picture"),
        (("sweep", "x", "--vary", "cfg=1,2", "-o", "x.gif"), "hint: name a folder"),
        (("show", "--strip", "in.png", "-o", "x.gif"), "ends like no picture"),
        (("show", "--strip", "in.png", "-o", "x.jpg"), "ends as no png"),
        (("show", "nothing"), "no name in {models}"),
    ],
)
def test_what_was_meant_is_named(
    sdcli: Callable, own_folders: Path, words: tuple[object, ...], said: str
) -> None:
    Image.new("RGB", (64, 64)).save("in.png")
    Path("in.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    ran = sdcli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said.replace("{models}", str(own_folders / "models")) in ran.err
    assert sorted(path.name for path in Path().iterdir()) == ["in.heic", "in.png"]


@pytest.mark.parametrize("name", ["v1.5", "run.d", "x.gif/", "there.gif", "of-2024.11.28"])
def test_what_may_be_a_folder_is_one(sdcli: Callable, sd1: Path, name: str) -> None:
    Path("there.gif").mkdir()
    ran = sdcli("txt2img", "a fox", "-m", sd1, "--steps", 1, "--seed", 1, "-q", "-o", name)
    assert ran.out == f"{name.rstrip('/')}/a-fox-1.png\n"


@pytest.mark.parametrize("group", [(), ("lora",)])
def test_a_list_of_commands_is_whole_at_80_columns(
    sdcli: Callable, monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = sdcli(*group)
    assert (ran.code, ran.err) == (0, "")
    commands = ran.out.partition("Commands:\n")[2].splitlines()
    assert commands and all(line.endswith(".") and "..." not in line for line in commands)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_names_in_the_box_are_known_everywhere(sdcli: Callable) -> None:
    name = "builtin:blueprint"
    assert f"{LORA}: a LoRA\n" in sdcli("show", name).out
    assert (
        f"{folders.assets_folder() / 'builtin.safetensors'}: a Stable"
        in sdcli("show", "builtin").out
    )
    assert "modules" in sdcli("lora", "show", name).out
    assert name in sdcli("models").out
    assert str(LORA) in sdcli("explain", f"a house <lora:{name}:0.5>").out
    by_tag = sdcli("txt2img", f"a house<lora:{name}:0.5>", "--seed", 1, "--dry-run").out
    by_flag = sdcli("txt2img", "a house", "--lora", f"{name}:0.5", "--seed", 1, "--dry-run").out
    assert f"--lora {name}:0.5" in by_tag
    assert by_tag.replace("  default\n", "  said\n") == by_flag.replace("  default\n", "  said\n")


@pytest.mark.parametrize(
    "words",
    [
        ("txt2img", "x", "--lora", "inc"),
        ("txt2img", "x <lora:inc:1>"),
        ("explain", "x <lora:inc:1>"),
    ],
)
def test_a_lora_that_is_not_there_says_where_it_was_looked_for(
    sdcli: Callable, own_folders: Path, words: tuple[str, ...]
) -> None:
    ran = sdcli(*words)
    assert f"no name in {own_folders / 'models'}" in ran.err + ran.out


def test_the_list_of_commands_says_what_each_says_of_itself(sdcli: Callable[..., Ran]) -> None:
    """Only the command that is asked for is imported, so its line in the list is written down."""
    for command in COMMANDS:
        about = sdcli(command.name, "--help").out.split("\n\n")[1]
        assert " ".join(about.split()).startswith(command.help.rstrip(".")), command.name
