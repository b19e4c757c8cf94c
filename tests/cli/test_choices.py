"""Choices in prompts through the front door: planned, drawn, drawn again, gone through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import sdcli as library
from sdcli.metadata.record import read_picture_metadata

SMALL = ("-W", "64", "-H", "64", "--steps", "1", "--cfg", "1")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "colours.txt").write_text("red\nblue\ngreen\n")
    return folder


@pytest.fixture
def planned(sdcli, sd1):
    def run(*flags):
        ran = sdcli("txt2img", "-m", sd1, *flags, "--dry-run", "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return run


def test_braces_are_letters_until_choices_are_asked_for(sdcli, sd1, planned):
    assert planned("a {red|blue} fox")["prompt"] == "a {red|blue} fox"
    assert "`--choices random` takes one" in sdcli("explain", "a {red|blue} fox").err
    ran = sdcli("txt2img", "a {red|blue} fox", "-m", sd1, "--dry-run")
    assert "`{red|blue}` is drawn as it stands" in ran.err


def test_each_picture_has_the_words_of_its_own_seed(planned, words):
    flags = ("a __colours__ {fox|owl}", "-n", "{dull|grey}", "--wildcards", words)
    whole = planned(*flags, "--seed", "5", "--count", "4")
    assert whole["count"] == 4 and len(whole["words"]) == 4
    for number, own in enumerate(whole["words"]):
        alone = planned(*flags, "--seed", 5 + number)
        assert (alone["prompt"], alone["negative"]) == (own["prompt"], own["negative"])
        assert alone["words"] == []
        assert alone["template"] == "a __colours__ {fox|owl}"
        assert alone["negative_template"] == "{dull|grey}"


def test_loras_are_chosen_too(planned):
    plan = planned("a house {<lora:builtin:blueprint:0.5>|<lora:builtin:blueprint:1>}",
                   "-m", "builtin", "--choices", "all", "--seed", "1")  # fmt: skip
    assert [each["loras"][0]["unet"] for each in plan["words"]] == [0.5, 1.0]
    assert {each["prompt"].strip() for each in plan["words"]} == {"a house"}


def test_pictures_carry_their_words_and_are_drawn_again_without_the_files(
    sdcli, sd1, words, tmp_path
):
    flags = ("-m", sd1, "--wildcards", words, "--seed", "7", *SMALL)
    ran = sdcli("txt2img", "a __colours__ fox", "--count", "3", *flags, "-o", "all/")
    assert ran.code == 0, ran.err
    paths = [Path(line) for line in ran.out.split()]
    plans = [read_picture_metadata(path).plan for path in paths]
    assert [plan.seed for plan in plans] == [7, 8, 9]
    assert len({plan.prompt for plan in plans}) > 1
    for path, plan in zip(paths, plans, strict=True):
        assert plan.template == "a __colours__ fox" and plan.words == ()
        assert "Template: a __colours__ fox" in Image.open(path).info["parameters"]
    (words / "colours.txt").unlink()
    ran = sdcli("reproduce", *paths, "--exact", "-o", "again/")
    assert ran.code == 0, ran.err
    again = read_picture_metadata(Path(ran.out.split()[0])).plan
    assert (again.prompt, again.template) == (plans[0].prompt, plans[0].template)
    ran = sdcli("txt2img", plans[1].prompt, "-m", sd1, "--seed", "8", *SMALL, "-o", "alone.png")
    assert ran.code == 0, ran.err
    assert Image.open("alone.png").tobytes() == Image.open(paths[1]).tobytes()


def test_all_choices_are_gone_through(planned):
    plan = planned("a {red|blue} {fox|owl}", "--choices", "all", "--seed", "1")
    assert [each["prompt"] for each in plan["words"]] == [
        "a red fox", "a red owl", "a blue fox", "a blue owl",
    ]  # fmt: skip
    assert planned("a {red|blue} fox", "--choices", "all", "--count", "3")["count"] == 6


def test_variations_of_a_picture_have_its_words(planned):
    plan = planned("a {red|blue|green} fox", "--choices", "random", "--seed", "3", "--count", "4",
                   "--variation-strength", "0.1")  # fmt: skip
    assert plan["words"] == [] and plan["count"] == 4


def test_a_batch_goes_through_all_of_a_line(sdcli, sd1, tmp_path):
    (tmp_path / "jobs.txt").write_text(
        '{"prompt": "a {red|blue} fox", "choices": "all"}\na {grey|green} owl\n'
    )
    ran = sdcli("batch", "jobs.txt", "-m", sd1, "--dry-run", "--json", "--choices", "random")
    assert ran.code == 0, ran.err
    first, second = map(json.loads, ran.out.splitlines())
    assert [each["prompt"] for each in first["words"]] == ["a red fox", "a blue fox"]
    assert second["prompt"] in ("a grey owl", "a green owl")


def test_a_batch_in_shards_counts_the_pictures_of_all_choices(sdcli, sd1, tmp_path):
    (tmp_path / "jobs.txt").write_text("a {red|blue|green} fox\n")
    ran = sdcli("batch", "jobs.txt", "-m", sd1, "--choices", "all", *SMALL, "--shards", "2",
                "-o", "foxes")  # fmt: skip
    assert ran.code == 0, ran.err
    drawn = {read_picture_metadata(path).plan.prompt for path in Path("foxes").rglob("*.png")}
    assert drawn == {"a red fox", "a blue fox", "a green fox"}


def test_a_sweep_over_all_choices(sdcli, sd1):
    flags = ("a {red|blue} fox, {day|night}", "-m", sd1, "--choices", "all", "--seed", "4", *SMALL)
    ran = sdcli("sweep", *flags, "--vary", "cfg=1,2", "--dry-run", "--json")
    plans = [json.loads(line) for line in ran.out.splitlines()]
    assert len(plans) == 8 and {plan["seed"] for plan in plans} == {4}
    assert {plan["template"] for plan in plans} == {"a {red|blue} fox, {day|night}"}
    ran = sdcli("sweep", "a {red|blue} fox", *flags[1:], "-o", "sheet")
    assert ran.code == 0, ran.err
    results = json.loads(Path(ran.out.split()[-1]).read_text())
    assert [one["values"]["choices"] for one in results["pictures"]] == ["red", "blue"]
    assert "'a {red|blue} fox'" in results["command"] and "--choices all" in results["command"]


def test_a_sweep_without_a_seed_has_the_same_words_in_every_cell(sdcli, sd1):
    template = "a {" + "|".join(map(str, range(50))) + "} fox"
    ran = sdcli("sweep", template, "-m", sd1, "--choices", "random", "--vary", "cfg=1,2,3",
                "--dry-run", "--json")  # fmt: skip
    plans = [json.loads(line) for line in ran.out.splitlines()]
    assert len({(plan["prompt"], plan["seed"]) for plan in plans}) == 1


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (("txt2img", "a {red|blue", "--choices", "random"), "is never closed"),
        (("txt2img", "a __nothing__", "--choices", "random"), "no folder with words"),
        (("txt2img", "a fox", "--wildcards", "nowhere"), "there is no folder `nowhere`"),
        (("txt2img", "a fox", "--wildcards", ".", "--choices", "none"), "--choices none"),
        (("txt2img", "{a|b|c|d|e|f}" * 5, "--choices", "all"), "more than 1000 combinations"),
        (("txt2img", "{a|b}", "--choices", "random", "--count", "5000"), "too many at once"),
        (
            ("txt2img", "{a|b}", "--choices", "random", "--hires", "2", "--hires-prompt", "{c|d}"),
            "`--hires-prompt` has some",
        ),
        (("trace", "{a|b}", "--choices", "all"), "a study draws one of a kind"),
        (("compare-fast", "{a|b}", "--choices", "all"), "a study draws one of a kind"),
        (("compare-schedulers", "{a|b}", "--choices", "all"), "a study draws one of a kind"),
        (("sweep", "a fox"), "a sweep varies one to 3 things"),
    ],
)
def test_what_cannot_be_is_a_fact_and_a_hint(sdcli, words, fact):
    ran = sdcli(*words, "--dry-run")
    assert ran.code == 2
    assert fact in ran.err and "\nhint: " in ran.err


def test_explain_shows_what_a_seed_chooses(sdcli, words):
    flags = ("explain", "a __colours__ {fox|owl}", "--wildcards", words)
    ran = sdcli(*flags, "--seed", "5")
    assert "by seed 5, of 6 combinations" in ran.out
    shown = json.loads(sdcli(*flags, "--json").out)["chosen"]
    assert shown["seed"] == 0 and shown["combinations"] == 6
    assert shown["prompt"] in sdcli(*flags).out


def test_from_python_a_picture_has_the_words_of_its_seed(sd1):
    plan = library.make_plan("a {red|blue} fox", choices="all", model=str(sd1))
    assert [one.prompt for one in plan.words] == ["a red fox", "a blue fox"]
    with pytest.raises(library.BadRequest, match="2 were asked for"):
        library.txt2img("a {red|blue} fox", choices="all", model=str(sd1))


def test_a_folder_of_words_among_the_settings_is_found(planned, own_folders):
    folder = own_folders / "config" / "wildcards"
    folder.mkdir()
    (folder / "beasts.txt").write_text("fox\n")
    assert planned("a __beasts__", "--choices", "random")["prompt"] == "a fox"
