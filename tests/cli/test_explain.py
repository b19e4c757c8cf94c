from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

pytestmark = pytest.mark.slow


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
    assert (
        "prompt  3 tokens in 1 chunk of 75, nothing is cut, until step 1, 3, 5, ... 9 of 10" in out
    )
    assert out.count("1.00  a blue fox") == 1


def test_prompts_joined_by_and_are_shown_one_by_one(sdcli, explained):
    found = explained("a fox AND an owl:0.5")
    assert [(s["text"], s["pull"]) for s in found["prompt"]] == [("a fox", 1), (" an owl", 0.5)]
    out = sdcli("explain", "a fox AND an owl:0.5").out
    assert "nothing is cut, pulls 0.5 times as strong" in out


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
