from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file


@pytest.fixture
def easy(tmp_path):
    save_file({"emb_params": torch.zeros(3, 32)}, tmp_path / "EasyNegative.safetensors")
    return tmp_path / "EasyNegative.safetensors"


@pytest.fixture
def explained(sdcli):
    def run(*words):
        ran = sdcli("explain", *words, "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return run


def test_tokens_chunks_and_weights_are_told(explained):
    found = explained("a (red:1.5) fox BREAK [an owl]")
    (stage,) = found["prompt"]
    first, second = stage["chunks"]
    assert [(t["id"], t["text"], t["weight"]) for t in first["tokens"]] == [
        (320, "a", 1.0),
        (736, "red", 1.5),
        (3240, "fox", 1.0),
    ]
    assert first["end"] == "break"
    assert {t["weight"] for t in second["tokens"]} == {1 / 1.1}
    assert "negative" not in found


def test_people_read_the_same(sdcli):
    ran = sdcli("explain", "a (red:1.5) fox BREAK owl", "-n", "dull")
    assert ran.code == 0
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines == [
        "prompt  4 tokens in 2 chunks of 75, nothing is cut",
        "  chunk 1  3 of 75, ended by BREAK",
        "     1.00  a",
        "     1.50  red",
        "     1.00  fox",
        "  chunk 2  1 of 75",
        "     1.00  owl",
        "negative  1 token in 1 chunk of 75, nothing is cut",
        "  chunk 1  1 of 75",
        "     1.00  dull",
    ]
    assert "\x1b" not in ran.out


def test_what_the_comma_rule_moves_is_told(sdcli):
    ran = sdcli("explain", "fox " * 70 + ", " + "owl " * 6)
    assert "chunk 1  71 of 75, ends at a comma: 4 tokens moved on to the next" in ran.out
    ran = sdcli("explain", "fox " * 76)
    assert "chunk 1  75 of 75, full: the next goes on" in ran.out


def test_an_embedding_is_found_in_any_case_also_in_negatives_and_weights(sdcli, explained, easy):
    words = ("a fox", "-n", "(easynegative:1.2), bad", "--embedding", easy)
    found = explained(*words)
    tokens = found["negative"][0]["chunks"][0]["tokens"]
    assert tokens[:3] == [
        {"embedding": "easynegative", "vector": row, "weight": 1.2} for row in range(3)
    ]
    assert found["embeddings"][0]["uses"] == 1
    out = sdcli("explain", *words).out
    assert "1.20  [easynegative: 3 vectors]" in out
    assert "used 1 time" in out
    assert "not used" in sdcli("explain", "a fox", "--embedding", easy).out


def test_an_embedding_that_the_model_cannot_read_is_refused(sdcli, easy, sd1, sdxl):
    assert sdcli("explain", "a fox", "--embedding", easy, "-m", sd1).code == 0
    ran = sdcli("explain", "a fox", "--embedding", easy, "-m", sdxl)
    assert ran.code == 2
    assert "`EasyNegative.safetensors` was made for" in ran.err
    assert "Stable Diffusion XL" in ran.err


def test_two_embeddings_of_one_name_are_refused(sdcli, easy, tmp_path):
    other = tmp_path / "other" / "easynegative.safetensors"
    other.parent.mkdir()
    other.write_bytes(easy.read_bytes())
    ran = sdcli("explain", "a fox", "--embedding", easy, "--embedding", other)
    assert ran.code == 2
    assert "both called `easynegative`" in ran.err


def test_a_checkpoint_is_no_embedding(sdcli, sd1):
    ran = sdcli("explain", "a fox", "--embedding", sd1)
    assert ran.code == 2
    assert "is a checkpoint, not an embedding" in ran.err
    assert "`--model FILE`" in ran.err


def test_a_model_tells_how_many_encoders_read(explained, sd1, sdxl):
    assert explained("a fox", "-m", sd1)["encoders"] == {"clip_l": 32}
    assert explained("a fox", "-m", sdxl)["encoders"] == {"clip_l": 32, "clip_g": 64}


def test_a_prompt_that_changes_is_shown_at_every_stage(sdcli, explained):
    found = explained("a [red:blue:0.5] fox", "--steps", 10)
    assert [(s["until"], s["text"]) for s in found["prompt"]] == [
        (5, "a red fox"),
        (10, "a blue fox"),
    ]
    out = sdcli("explain", "a [red|blue] fox", "--steps", 10).out
    assert "prompt  3 tokens in 1 chunk of 75, nothing is cut, at steps 1, 3, 5, ... 9 of 10" in out
    assert "nothing is cut, at steps 2, 4, 6, ... 10 of 10" in out
    assert out.count("1.00  a blue fox") == 1
    out = sdcli("explain", "a [red:blue:0.1] [fox::9]", "--steps", 10).out
    assert ", at step 1 of 10\n" in out
    assert ", at steps 2 to 9 of 10\n" in out
    assert ", at step 10 of 10\n" in out


def test_a_prompt_counts_the_evaluations_of_its_solver(sdcli, explained):
    found = explained("a [red:blue:0.5] fox", "--steps", 10, "--scheduler", "heun")
    assert [stage["until"] for stage in found["prompt"]] == [10, 20]


def test_prompts_joined_by_and_are_shown_one_by_one(sdcli, explained):
    found = explained("a fox AND an owl:0.5")
    assert [(s["text"], s["pull"]) for s in found["prompt"]] == [("a fox", 1), (" an owl", 0.5)]
    assert [s["part"] for s in found["prompt"]] == [1, 2]
    out = sdcli("explain", "a fox AND an owl:0.5").out
    assert "prompt 1 of 2  2 tokens" in out
    assert "prompt 2 of 2  2 tokens in 1 chunk of 75, nothing is cut, pulls 0.5 times" in out
    assert sdcli("explain", "a fox AND a fox").out.count("2 tokens") == 2


def test_every_flag_of_a_drawing_command_is_taken(sdcli, sd1, tmp_path):
    image = tmp_path / "in.png"
    Image.new("L", (64, 64), 255).save(image)
    flags = ("-m", sd1, "--steps", 3, "--cfg", 2, "-W", 64, "-c", 2, "--seed", 1, "--rng", "nv")
    start = ("--image", image, "--out", "x")
    half = (*start, "--strength", 0.5)
    for task in ((), half, (*half, "--mask", image, "--feather", 2), (*start, "--image-cfg", 1.2)):
        ran = sdcli("explain", "a fox", *flags, *task)
        assert ran.code == 0, ran.err
        assert ran.out.startswith("prompt  2 tokens")
    assert sdcli("explain", "a fox", "--strength", 0.5).code == 2
    assert not (tmp_path / "x").exists()


def test_a_preset_and_a_picture_speak_here_too(sdcli, explained, sd1):
    Path("mine.toml").write_text('prompt = "an owl [by day:by night:2]"\nsteps = 4\n')
    assert [s["until"] for s in explained("--preset", "mine.toml")["prompt"]] == [2, 4]
    small = ("-m", sd1, "--steps", 1, "-W", 64, "-H", 64, "-o", "a.png")
    assert sdcli("txt2img", "a red fox", "-n", "dull", *small).code == 0
    found = explained("--like", "a.png")
    assert [s["text"] for s in (*found["prompt"], *found["negative"])] == ["a red fox", "dull"]


def test_loras_of_flags_are_looked_for(explained, sdcli):
    found = explained("a fox", "--lora", "gone.safetensors:0.5")
    assert found["loras"] == [{"name": "gone.safetensors", "unet": 0.5, "te": 0.5, "file": None}]


def test_words_that_a_model_never_learnt_are_named(sdcli, explained, sd1):
    ran = sdcli("explain", "a dragon and a house", "-n", "a storm")
    assert "`builtin` never learnt `dragon`, `storm`" in ran.err
    assert "dragon" not in sdcli("explain", "a dragon", "-q").err
    assert explained("a dragon and a house", "-n", "a storm")["unlearnt"] == ["dragon", "storm"]
    assert explained("a dragon", "-m", sd1)["unlearnt"] == []


def test_what_keeps_a_prompt_from_changing_is_told(explained):
    def stray(*words):
        return [note for note in explained(*words)["notes"] if "from changing" in note]

    (note,) = stray("a house | a tree [by day:at night:0.5]")
    assert "`|` outside of `[this|that]`" in note and r"`\|`" in note
    (note,) = stray("a house [by day:at night:0.5]\\")
    assert "`\\` at the end" in note
    (note,) = stray("a house", "-n", "a | b [c:d:3]")
    for fine in ("a house | a tree", "a [house|tree]", r"a house \| a [tree|boat]", "a house\\"):
        assert not stray(fine)
    assert not stray("a house | a tree [by day:at night:0.5]", "--prompt-syntax", "plain")


def test_a_lora_tag_leaves_the_text_and_is_looked_for(sdcli, explained, tmp_path):
    found = explained("a fox<lora:ink:0.8>")
    assert found["loras"] == [{"name": "ink", "unet": 0.8, "te": 0.8, "file": None}]
    assert [t["text"] for t in found["prompt"][0]["chunks"][0]["tokens"]] == ["a", "fox"]
    assert "drawing would refuse" in sdcli("explain", "a fox<lora:ink:0.8>").out


def test_plain_syntax_takes_signs_as_they_stand(explained):
    tokens = explained("(a:2)", "--prompt-syntax", "plain")["prompt"][0]["chunks"][0]["tokens"]
    assert [t["text"] for t in tokens] == ["(", "a", ":", "2", ")"]


def test_the_prompt_may_come_from_stdin(explained, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a fox\n"))
    assert len(explained("-")["prompt"][0]["chunks"][0]["tokens"]) == 2


@pytest.mark.parametrize("prompt", ["a <lora:x:strong>", "(fox:1.2.3)", "a <hypernet:x:1>"])
def test_what_cannot_be_read_is_refused(sdcli, prompt):
    ran = sdcli("explain", prompt)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "hint: " in ran.err
    assert not ran.out


def test_no_model_is_loaded_for_it():
    probe = (
        "import sys; from sdcli.cli.app import main; code = main(['explain', 'a (fox:1.2)']);"
        "print(code, sorted({'torch', 'transformers', 'diffusers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "0 []", ran.stderr
