"""`sdcli score`: pictures judged by tiny CLIPs, the numbers by transformers' own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdcli.images.clip_view import as_clip_input, clip_view
from sdcli.library.find import find_checkpoint
from sdcli.library.hashes import hash_file
from sdcli.picture import Picture, Provenance
from sdcli.plan import File
from sdcli.prompts.tokenizer import clip_tokenizer
from tests.helpers import clips
from tests.helpers.plans import a_plan

MODEL = clips.model("gelu", seed=5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP in a file."""
    path = tmp_path_factory.mktemp("clip") / "tiny.safetensors"
    return clips.write_file(path, clips.as_open_clip(MODEL), "gelu")


def picture(path: Path, prompt: str, seed: int = 0, model: File | None = None) -> Path:
    """Noise that says it was drawn from a prompt."""
    levels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    plan = a_plan(prompt=prompt)
    plan = a_plan(prompt=prompt, model=model, vae=model) if model else plan
    return Picture(Image.fromarray(levels), plan, Provenance("cpu", "fp32", 1.0)).save(path)


@torch.no_grad()
def judged(path: Path, words: str) -> float:
    """The cosine by transformers' CLIPModel."""
    ids = [49406, *(token.id for token in clip_tokenizer().encode(words)), 49407]
    pixels = as_clip_input(clip_view(Image.open(path), clips.VISION["image"]))
    found = MODEL(input_ids=torch.tensor([ids]), pixel_values=torch.from_numpy(pixels[None]))
    return float(torch.cosine_similarity(found.text_embeds, found.image_embeds))


def rows(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_picture_is_held_against_the_words_it_carries(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    one = picture(tmp_path / "a.png", "a ((red)) fox <lora:ink:1>", seed=1)
    other = picture(tmp_path / "b.png", "a house by the sea", seed=2)
    ran = sdcli("score", tmp_path, "--with", clip, "--json")
    assert ran.code == 0, ran.err
    first, second, whole = rows(ran.out)
    assert first["words"] == "a red fox" and second["words"] == "a house by the sea"
    for row, path in ((first, one), (second, other)):
        cosine = judged(path, row["words"])
        assert row["measures"]["clip-cosine"] == pytest.approx(cosine, abs=1e-5)
        assert row["measures"]["clip"] == pytest.approx(100 * max(cosine, 0), abs=1e-3)
    assert whole["pictures"] == [2] and 0 < whole["measures"]["diversity"] < 2
    said = sdcli("score", one, "--with", clip, "--prompt", "a blue whale", "--json")
    assert rows(said.out)[0]["measures"]["clip-cosine"] == pytest.approx(
        judged(one, "a blue whale"), abs=1e-5
    )
    assert "(gelu), tiny.safetensors" in said.err


def test_a_damaged_picture_is_named_and_the_others_are_scored(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    picture(tmp_path / "a.png", "a fox")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    Image.new("RGB", (40, 40)).save(tmp_path / "c.png")
    picture(tmp_path / "d.png", "word " * 90)
    ran = sdcli("score", tmp_path, "--with", clip)
    assert ran.code == 3
    assert "b.png" in ran.err and "`c.png` carries no prompt" in ran.err
    assert "2 of 4 pictures could not be scored" in ran.err
    assert "d.png: its prompt is cut before `word" in ran.err
    heads, first, last, *_ = ran.out.splitlines()
    assert heads.split()[-1] == "picture" and first.endswith("a.png") and last.endswith("d.png")
    alone = sdcli("score", tmp_path / "c.png", "--with", clip)
    assert alone.code == 2 and "carries no prompt" in alone.err and "--prompt" in alone.err


def test_two_folders_and_two_pictures_are_held_against_each_other(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    for folder, seed in (("x", 0), ("y", 10)):
        (tmp_path / folder).mkdir()
        for k in range(3):
            picture(tmp_path / folder / f"{k}.png", "a fox", seed + k)
    sets = "--measure", "cmmd,kid"
    ran = sdcli("score", tmp_path / "x", "--against", tmp_path / "y", *sets, "--with", clip)
    assert ran.code == 0 and "CMMD of 3 and 3 pictures" in ran.out and "KID" in ran.out
    same = sdcli("score", tmp_path / "x", "--against", tmp_path / "x", *sets, "--with", clip)
    assert "CMMD of 3 and 3 pictures: 0.0000" in same.out or "-0.0000" in same.out
    pair = sdcli("score", tmp_path / "x/0.png", "--against", tmp_path / "x/0.png", "--json")
    assert rows(pair.out)[0]["measures"] == {"psnr": "inf", "ssim": pytest.approx(1)}
    Image.new("RGB", (9, 9)).save(tmp_path / "small.png")
    odd = sdcli("score", tmp_path / "small.png", "--against", tmp_path / "x/0.png")
    assert odd.code == 2 and "9x9" in odd.err


def test_an_aesthetic_predictor_rates_what_its_clip_sees(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    sides = [(16, 8), (8, 4), (4, 1)]
    layers = [torch.nn.Linear(*side) for side in sides]
    names = {f"layers.{2 * k}.{end}": getattr(layer, end).detach()
             for k, layer in enumerate(layers) for end in ("weight", "bias")}  # fmt: skip
    torch.save(names, tmp_path / "head.pth")
    path = picture(tmp_path / "a.png", "a fox", seed=4)
    both = "--with", clip, "--with", tmp_path / "head.pth"
    ran = sdcli("score", path, *both, "--measure", "aesthetic", "--json")
    pixels = torch.from_numpy(as_clip_input(clip_view(Image.open(path), 32))[None])
    with torch.no_grad():
        seen = MODEL.get_image_features(pixel_values=pixels)
        seen = torch.nn.functional.normalize(getattr(seen, "pooler_output", seen), dim=-1)
        wanted = float(torch.nn.Sequential(*layers)(seen))
    assert rows(ran.out)[0]["measures"]["aesthetic"] == pytest.approx(wanted, abs=1e-5)
    alone = sdcli("score", path, "--with", tmp_path / "head.pth")
    assert alone.code == 2 and "no CLIP is named" in alone.err


def test_what_a_file_judges_is_told_by_its_name_or_said(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    path = picture(tmp_path / "a.png", "a fox")
    wide = Image.open(path).resize((80, 40))
    wide.save(tmp_path / "wide.png")
    for words in (("--with", f"hpsv2={clip}", "--with", f"pickscore={clip}"),):
        ran = sdcli("score", path, *words, "--json")
        found = rows(ran.out)[0]["measures"]
        cosine = judged(path, "a fox")
        assert found["hpsv2"] == pytest.approx(cosine, abs=1e-5)
        scale = float(MODEL.logit_scale.detach().exp())
        assert found["pickscore"] == pytest.approx(scale * cosine, abs=1e-4)
    twice = sdcli("score", path, "--with", clip, "--with", clip)
    assert twice.code == 2 and "a second CLIP for the same measure" in twice.err
    asked = "--prompt", "a fox", "--with"
    assert "1 picture not square" in sdcli("score", tmp_path / "wide.png", *asked, clip).err


def test_a_measure_that_lacks_what_it_needs_says_what_to_get(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    path = picture(tmp_path / "a.png", "a fox")
    for words, fact in (
        (("--measure", "psnr"), "--against PICTURE"),
        (("--measure", "cmmd", "--with", clip), "--against FOLDER"),
        (("--measure", "pickscore"), "PickScore_v1"),
        (("--measure", "clpi"), "did you mean `clip`"),
        (("--measure", "sharpness", "--prompt", "x"), "nothing is measured that needs words"),
    ):
        ran = sdcli("score", path, *words)
        assert ran.code == 2 and fact in ran.err


def test_the_clip_in_the_box_judges_the_world_that_it_knows(
    sdcli: Callable, tmp_path: Path
) -> None:
    theirs = picture(tmp_path / "theirs.png", "a fox")
    refused = sdcli("score", theirs)
    assert refused.code == 2 and "not drawn by the built-in model" in refused.err
    told = sdcli("score", theirs, "--with", "builtin")
    assert told.code == 0 and "no other" in told.err
    drawn = tmp_path / "house.png"
    asked = "a red house by the sea at night"
    assert sdcli("txt2img", asked, "--seed", 3, "--steps", 12, "-o", drawn, "-q").code == 0
    builtin = hash_file(find_checkpoint())
    assert builtin.sha256 in sdcli("show", drawn).out

    def cosine(*words: str) -> float:
        ran = sdcli("score", drawn, "--measure", "clip-cosine", "--json", *words)
        assert ran.code == 0, ran.err
        return rows(ran.out)[0]["measures"]["clip-cosine"]

    told = rows(sdcli("explain", "--picture", drawn, "--json").out)[0]
    assert told["words"] == asked and told["parts"]["house"] > 0.5 < told["parts"]["red"]
    right = cosine()
    for wrong in (asked.replace("red", "blue"), asked.replace("house", "cup"), "a tree by day"):
        assert right > cosine("--prompt", wrong) + 0.03


def test_show_knows_a_clip_and_models_list_it(
    sdcli: Callable, tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDCLI_MODELS", str(clip.parent))
    shown = sdcli("show", "tiny")
    assert shown.code == 0 and "a CLIP" in shown.out and "gelu" in shown.out
    assert "tiny" in sdcli("models").out
    save_file({"layers.0.weight": torch.zeros(1, 4), "layers.0.bias": torch.zeros(1)},
              tmp_path / "head.safetensors")  # fmt: skip
    assert "an aesthetic predictor" in sdcli("show", tmp_path / "head.safetensors").out
    assert "builtin:tower" in sdcli("models").out


def test_explaining_a_picture_says_what_it_lacks(
    sdcli: Callable, tmp_path: Path, clip: Path
) -> None:
    path = picture(tmp_path / "a.png", "a (red:1.2) fox, by the sea")
    ran = sdcli("explain", "--picture", path, "--with", clip)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("CLIP score") and "`a red fox, by the sea`" in ran.out
    assert "  by the sea " in ran.out and "tiny.safetensors" in ran.err
    for words, fact in (
        (("a fox", "--with", clip), "none is named"),
        (("--picture", path), "not drawn by the built-in model"),
        (("--picture", tmp_path / "gone.png", "--with", clip), "gone.png"),
    ):
        refused = sdcli("explain", *words)
        assert refused.code == 2 and fact in refused.err
