from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import loras, tiny

DRAW = ("txt2img", "a fox", "--steps", 1, "-W", 64, "-H", 64, "--seed", 1, "-q", "-m")


@pytest.fixture(scope="module")
def worn(checkpoints, tmp_path_factory):
    """A LoRA that fits the tiny SD 1, and one that fits the tiny SDXL."""
    folder = tmp_path_factory.mktemp("loras")
    metadata = {
        "ss_network_module": "networks.lora",
        "ss_tag_frequency": json.dumps({"10_ink": {"ink fox": 12, "paper": 3}}),
    }
    found = {}
    for layout, naming in (("sd1", "kohya"), ("sdxl", "kohya-xl")):
        targets = loras.targets(identify_checkpoint(checkpoints(layout)))
        tensors, _ = loras.lora(targets, naming, alpha=lambda number: 1.0 + number % 3)
        found[layout] = loras.write(folder / f"{layout}-ink.safetensors", tensors, metadata)
    return found


def test_show_tells_all_that_the_header_does(sdcli, worn, sd1):
    ran = sdcli("lora", "show", worn["sd1"], "-m", sd1)
    assert ran.code == 0
    told = dict(line.split(None, 1) for line in ran.out.splitlines())
    assert told["kind"] == "LoRA"
    assert told["family"] == "Stable Diffusion 1 or Stable Diffusion 2"
    assert told["trainer"] == "networks.lora"
    assert (told["rank"], told["alpha"]) == ("4", "1 to 3")
    assert told["triggers"] == "ink fox, paper"
    assert told["fits"].startswith("58 of 58 modules")


def test_show_against_another_family_lists_what_does_not_fit(sdcli, worn, sd1):
    ran = sdcli("lora", "show", worn["sdxl"], "-m", sd1, "--json")
    told = json.loads(ran.out)
    assert told["family"] == ["sdxl"]
    assert told["model"]["fits"] < told["model"]["of"]
    assert len(told["model"]["misfits"]) == told["model"]["of"] - told["model"]["fits"]
    assert "the model has no such module" in told["model"]["misfits"].values()


def test_a_lora_from_the_folder_of_models_and_from_the_prompt_draws_the_same(
    sdcli, worn, sd1, own_folders
):
    (own_folders / "models" / "ink.safetensors").write_bytes(worn["sd1"].read_bytes())
    assert sdcli(*DRAW, sd1, "--lora", "ink:0.5", "-o", "a.png").code == 0
    tagged = ["<lora:ink:0.5>a fox" if word == "a fox" else word for word in DRAW]
    assert sdcli(*tagged, sd1, "-o", "b.png").code == 0
    assert sdcli(*DRAW, sd1, "-o", "c.png").code == 0
    assert sdcli(*DRAW, sd1, "--lora", "ink:0", "-o", "d.png").code == 0
    a, b, c, d = (pixels(f"{name}.png") for name in "abcd")
    assert a == b and c == d and a != c


def pixels(name: str) -> bytes:
    from PIL import Image

    with Image.open(name) as image:
        return image.tobytes()


def test_the_plan_says_what_share_was_worn(sdcli, worn, sd1, tmp_path):
    tensors, _ = loras.lora(loras.targets(identify_checkpoint(sd1)), "kohya")
    for factor in ("lora_down.weight", "lora_up.weight", "alpha"):
        name = "lora_unet_down_blocks_7_attentions_0_proj_in"
        tensors[f"{name}.{factor}"] = torch.ones(4, 4) if factor != "alpha" else torch.tensor(1.0)
    path = loras.write(tmp_path / "part.safetensors", tensors)
    refused = sdcli(*DRAW, sd1, "--lora", path)
    assert refused.code == 2
    assert "fits this model only in part, 58 modules of 59" in refused.err
    assert "down_blocks_7_attentions_0_proj_in: the model has no such module" in refused.err
    assert "--lora-partial" in refused.err
    ran = sdcli(*DRAW, sd1, "--lora", path, "--lora-partial", "--dry-run", "--json")
    assert json.loads(ran.out)["loras"][0]["share"] == pytest.approx(58 / 59)


def other_family(folder: Path, worn: dict[str, Path]) -> Path:
    return worn["sdxl"]


def nothing_matching(folder: Path, worn: dict[str, Path]) -> Path:
    name = "lora_unet_block_of_another_kind"
    made = {
        f"{name}.lora_down.weight": torch.ones(4, 8),
        f"{name}.lora_up.weight": torch.ones(8, 4),
    }
    return loras.write(folder / "other.safetensors", made)


def flux(folder: Path, worn: dict[str, Path]) -> Path:
    name = "lora_unet_double_blocks_0_img_attn_proj"
    made = {
        f"{name}.lora_down.weight": torch.ones(4, 8),
        f"{name}.lora_up.weight": torch.ones(8, 4),
    }
    return loras.write(folder / "flux.safetensors", made)


def truncated(folder: Path, worn: dict[str, Path]) -> Path:
    path = folder / "short.safetensors"
    path.write_bytes(worn["sd1"].read_bytes()[:-100])
    return path


def empty(folder: Path, worn: dict[str, Path]) -> Path:
    path = folder / "empty.safetensors"
    path.touch()
    return path


def embedding(folder: Path, worn: dict[str, Path]) -> Path:
    path = folder / "word.safetensors"
    save_file({"emb_params": torch.ones(2, 32)}, path)
    return path


def checkpoint(folder: Path, worn: dict[str, Path]) -> Path:
    return tiny.write(folder / "model.safetensors", "sd1")


def oft(folder: Path, worn: dict[str, Path]) -> Path:
    name = "lora_unet_mid_block_attentions_0_proj_in"
    return loras.write(folder / "oft.safetensors", {f"{name}.oft_blocks": torch.ones(4, 8, 8)})


def ia3_too_short(folder: Path, worn: dict[str, Path]) -> Path:
    name = "lora_unet_mid_block_attentions_0_proj_in"
    made = {f"{name}.weight": torch.ones(7), f"{name}.on_input": torch.tensor(False)}
    return loras.write(folder / "ia3.safetensors", made)


def dora_too_short(folder: Path, worn: dict[str, Path]) -> Path:
    name = "lora_unet_mid_block_attentions_0_proj_in"
    made = {
        f"{name}.lora_down.weight": torch.ones(4, 64, 1, 1),
        f"{name}.lora_up.weight": torch.ones(64, 4, 1, 1),
        f"{name}.dora_scale": torch.ones(7, 1, 1, 1),
    }
    return loras.write(folder / "dora.safetensors", made)


def missing(folder: Path, worn: dict[str, Path]) -> Path:
    return folder / "nowhere.safetensors"


REFUSED = {
    other_family: ("is a LoRA for Stable Diffusion XL", "the model is Stable Diffusion 1"),
    nothing_matching: ("none of the 1 modules", "Stable Diffusion 1"),
    flux: ("is a LoRA for Flux", "the model is Stable Diffusion 1"),
    truncated: ("cut short", "fetch it again"),
    empty: ("is empty",),
    embedding: ("is a textual inversion, not a LoRA", "--embedding"),
    checkpoint: ("is a checkpoint, not a LoRA", "--model"),
    oft: ("is no LoRA", "OFT"),
    ia3_too_short: (
        "none of the 1 modules",
        "its `ia3` has 7 numbers, the model's weight is 64x64",
    ),
    dora_too_short: ("its `dora_scale` has 7 numbers",),
    missing: ("there is no",),
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_worn_is_refused_by_name(sdcli, worn, sd1, tmp_path, make):
    path = make(tmp_path, worn)
    ran = sdcli(*DRAW, sd1, "--lora", path)
    assert (ran.code, ran.out) == (2, "")
    for words in REFUSED[make]:
        assert words in ran.err
    assert not (tmp_path / "outputs").exists()


def test_a_damaged_model_is_not_needed_to_refuse(sdcli, worn, sd1, tmp_path):
    """From the headers alone: the model's numbers are never read."""
    ran = sdcli("lora", "merge", "-m", sd1, "--lora", worn["sdxl"], "-o", "new.safetensors")
    assert ran.code == 2 and "is a LoRA for Stable Diffusion XL" in ran.err
    assert not (tmp_path / "new.safetensors").exists()


def test_merge_and_extract_name_what_they_write_and_keep_what_is_there(sdcli, worn, sd1, tmp_path):
    words = ("lora", "merge", "-m", sd1, "--lora", f"{worn['sd1']}:0.5", "-o", "new.safetensors")
    assert sdcli(*words).out == "new.safetensors\n"
    again = sdcli(*words)
    assert again.code == 2 and "`new.safetensors` exists" in again.err
    assert sdcli(*words, "--force").code == 0
    drawn = ("lora", "extract", "-m", "new.safetensors", "--base", sd1, "--rank", 4, "-o")
    assert sdcli(*drawn, "out.safetensors").out == "out.safetensors\n"
    same = sdcli("lora", "extract", "-m", sd1, "--base", sd1, "-o", "no.safetensors")
    assert same.code == 2 and "do not differ" in same.err
    assert not (tmp_path / "no.safetensors").exists()


def test_extract_refuses_two_families_and_merge_its_own_source(sdcli, worn, sd1, sdxl):
    ran = sdcli("lora", "extract", "-m", sdxl, "--base", sd1, "-o", "no.safetensors")
    assert ran.code == 2 and "Stable Diffusion XL" in ran.err and "Stable Diffusion 1" in ran.err
    ran = sdcli("lora", "merge", "-m", sd1, "--lora", worn["sd1"], "-o", sd1, "--force")
    assert ran.code == 2 and "is what would be read" in ran.err
    ran = sdcli("lora", "merge", "-m", sd1, "--lora", worn["sd1"], "-o", "new.ckpt")
    assert ran.code == 2 and "does not end with `.safetensors`" in ran.err


def test_a_lora_brings_its_embeddings_along(sdcli, worn, sd1, tmp_path):
    tensors = load_file(worn["sd1"])
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(4))
    tensors["bundle_emb.InkWord.string_to_param.*"] = vectors
    bundle = loras.write(tmp_path / "bundle.safetensors", tensors)
    save_file({"emb_params": vectors}, tmp_path / "inkword.safetensors")
    words = ["a fox, inkword" if word == "a fox" else word for word in DRAW]
    for name, flags in {
        "alone": ("--lora", worn["sd1"]),
        "apart": ("--lora", worn["sd1"], "--embedding", tmp_path / "inkword.safetensors"),
        "along": ("--lora", bundle),
    }.items():
        assert sdcli(*words, sd1, *flags, "-o", f"{name}.png").code == 0
    assert pixels("along.png") == pixels("apart.png") != pixels("alone.png")
    ran = sdcli(*words, sd1, "--lora", bundle, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert [one["word"] for one in told["embeddings"]] == ["inkword"]
    assert "InkWord" in sdcli("lora", "show", bundle).out
    twice = ("--lora", bundle, "--embedding", tmp_path / "inkword.safetensors")
    assert "are both called `inkword`" in sdcli(*words, sd1, *twice).err
