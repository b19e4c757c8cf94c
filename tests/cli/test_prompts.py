"""What prompts and embeddings do to a picture, and which are refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import save_file

from sdcli.prompts.tokenizer import clip_tokenizer


@pytest.fixture
def draw(sdcli, sd1):
    def run(prompt, *words, model=sd1):
        small = ("-W", 64, "-H", 64, "--seed", 1, "--scheduler", "euler")
        steps = () if "--steps" in words else ("--steps", 1)
        ran = sdcli("txt2img", prompt, "-m", model, *small, *steps, *words)
        assert ran.code == 0, ran.err
        with Image.open(ran.out.strip()) as picture:
            return picture.convert("RGB")

    return run


@pytest.fixture
def bird(tmp_path):
    path = tmp_path / "Bird.safetensors"
    save_file({"emb_params": torch.randn(2, 32, generator=torch.manual_seed(1))}, path)
    return path


def same(one, other):
    return ImageChops.difference(one, other).getbbox() is None


def test_an_embedding_changes_the_picture_wherever_its_word_stands(draw, bird):
    plain = draw("a bird")
    known = draw("a bird", "--embedding", bird)
    assert not same(known, plain)
    assert same(draw("a BIRD", "--embedding", bird), known)
    assert not same(draw("a (bird:1.4)", "--embedding", bird), known)
    assert same(draw("a cat", "--embedding", bird), draw("a cat"))
    assert not same(draw("a cat", "-n", "bird", "--embedding", bird), draw("a cat", "-n", "bird"))


def test_an_embedding_that_stands_in_no_prompt_is_named(sdcli, sd1, bird):
    small = ("-m", sd1, "-W", 64, "-H", 64, "--steps", 1, "--embedding", bird)
    assert "`bird` stands in no prompt" in sdcli("txt2img", "a fox", *small).err
    assert "bird" not in sdcli("txt2img", "a fox", "-n", "[x:BIRD:0.5]", *small).err


def test_an_embedding_of_a_words_own_vector_is_that_word(draw, sd1, tmp_path):
    from safetensors import safe_open

    with safe_open(sd1, "pt") as file:
        name = next(n for n in file.keys() if n.endswith("token_embedding.weight"))  # noqa: SIM118
        owl = file.get_tensor(name)[clip_tokenizer().encode("owl")[0].id]
    torch.save({"string_to_param": {"*": owl[None]}}, tmp_path / "zzz.pt")
    assert same(
        draw("a (zzz:1.2) sits", "--embedding", tmp_path / "zzz.pt"), draw("a (owl:1.2) sits")
    )


def test_a_prompt_may_change_while_it_is_drawn(draw):
    changed = draw("a [red:blue:1] fox", "--steps", 4)
    assert not same(changed, draw("a red fox", "--steps", 4))
    assert not same(changed, draw("a blue fox", "--steps", 4))
    assert same(draw("a [red:blue:0] fox", "--steps", 4), draw("a blue fox", "--steps", 4))
    assert same(draw("a [red|red] fox", "--steps", 4), draw("a red fox", "--steps", 4))


def test_and_pulls_a_picture_two_ways(draw):
    fox, owl = draw("a fox", "--cfg", 4), draw("an owl", "--cfg", 4)
    both = draw("a fox AND an owl", "--cfg", 4)
    assert not same(both, fox)
    assert not same(both, owl)
    assert same(draw("a fox AND an owl:0.0", "--cfg", 4), fox)
    assert same(draw("a fox:0.5 AND a fox:0.5", "--cfg", 4), fox)


@pytest.mark.parametrize("layout", ["sd2", "sdxl"])
def test_weights_and_long_prompts_draw_with_every_family(draw, checkpoints, layout):
    model = checkpoints(layout)
    plain = draw("a red fox", model=model)
    assert not same(draw("a (red:1.6) fox", model=model), plain)
    assert not same(draw("a red fox " + "in the snow " * 30, model=model), plain)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a fox", "-n", "(red:1.2.3)"), "1.2.3"),
        (("a fox", "-n", "<lora:x:1>"), "<lora:x:1>"),
        (("a <hypernet:x:1>",), "hypernet"),
        (("a fox", "--clip-skip", "4"), "3 layers"),
        (("a fox", "--embedding", "nowhere.pt"), "nowhere.pt"),
        (("a fox", "--embedding", "long.safetensors"), "76 vectors"),
        (("a fox", "--embedding", "wide.safetensors"), "Stable Diffusion 2"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(sdcli, sd1, words, said):
    save_file({"emb_params": torch.zeros(76, 32)}, "long.safetensors")
    save_file({"emb_params": torch.zeros(1, 1024)}, "wide.safetensors")
    ran = sdcli("txt2img", *words, "-m", sd1)
    assert ran.code == 2
    assert said in ran.err
    assert "hint: " in ran.err
    assert not Path("outputs").exists()


def test_two_embeddings_of_one_name_are_refused(sdcli, sd1, bird):
    Path("other").mkdir()
    Path("other/bird.safetensors").write_bytes(bird.read_bytes())
    ran = sdcli(
        "txt2img", "x", "-m", sd1, "--embedding", bird, "--embedding", "other/bird.safetensors"
    )
    assert ran.code == 2
    assert "both called `bird`" in ran.err


def test_words_that_a_model_never_learnt_are_named(sdcli):
    small = ("-W", 64, "-H", 64, "--steps", 1)
    ran = sdcli("txt2img", "a dragon and a house", "-n", "a storm", *small)
    assert ran.code == 0
    assert "`builtin` never learnt `dragon`, `storm`" in ran.err
    assert "storybook scenes" in ran.err and "-m FILE" in ran.err
    assert "never learnt" not in sdcli("txt2img", "a red house by the sea", *small).err


def test_what_means_more_or_less_than_it_seems_is_said(sdcli, sd1):
    small = ("-m", sd1, "-W", 64, "-H", 64, "--steps", 1)
    assert "at `--cfg 1`" in sdcli("txt2img", "a fox", "-n", "dull", "--cfg", 1, *small).err
    assert "at `--cfg 1`" not in sdcli("txt2img", "a fox", "-n", "dull", *small).err
    assert "ends in `:9`" in sdcli("txt2img", "a poster, 16:9", *small).err
    assert "is a word" in sdcli("txt2img", "(a fox BREAK an owl:1.2)", *small).err
    stray = sdcli("txt2img", "a fox | an owl [by day:at night:0.5]", *small).err
    assert "the `|` outside of `[this|that]` keeps its prompt from changing" in stray


@pytest.mark.parametrize("dry", [(), ("--dry-run",), ("--dry-run", "--json")])
def test_a_negative_prompt_that_does_nothing_is_remarked_on(sdcli, sd1, dry) -> None:
    words = ("txt2img", "a fox", "-n", "a cat", "-m", sd1, "--steps", 1, "-W", 64, "-H", 64, *dry)
    remark = "the negative prompt changes nothing"
    assert remark in sdcli(*words, "--cfg", 1).err
    assert remark not in sdcli(*words, "--cfg", 2).err
    assert sdcli(*words, "--cfg", 1, "-q").err == ""
