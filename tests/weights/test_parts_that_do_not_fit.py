"""Parts that do not fit each other are named before torch is there; what is no number, when read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.helpers import controls, tiny

pytestmark = pytest.mark.slow

DRAW = ("txt2img", "a fox", "--steps", 1, "--seed", 1, "-W", 64, "-H", 64)
MODULE = "lora_unet_mid_block_resnets_0_conv1"


def saved(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


@pytest.mark.parametrize(
    ("factors", "why"),
    [
        ({"lora_down.weight": (7, 64, 3, 3), "lora_up.weight": (64, 4, 1, 1)}, "`up` is [64, 4, 1, 1]"),
        ({"lora_down.weight": (4,), "lora_up.weight": (64, 4, 1, 1)}, "`down` is [4]"),
        ({"lora_down.weight": (0, 64, 3, 3), "lora_up.weight": (64, 0, 1, 1)}, "its rank is 0"),
        ({"lora_down.weight": (4, 64, 1, 1), "lora_mid.weight": (5, 4, 3, 3),
          "lora_up.weight": (64, 4, 1, 1)}, "`mid` [5, 4, 3, 3]"),
        ({"hada_w1_a": (64, 4), "hada_w1_b": (5, 576), "hada_w2_a": (64, 4), "hada_w2_b": (4, 576)},
         "`w1_b` [5, 576]"),
        ({"lokr_w1": (2, 2), "lokr_w2_a": (32, 4), "lokr_w2_b": (3, 288)}, "`kron_2_b` [3, 288]"),
    ],
    ids=range(6),
)  # fmt: skip
def test_factors_that_do_not_multiply(sdcli, sd1, tmp_path, factors, why):
    tensors = {f"{MODULE}.{factor}": torch.zeros(shape) for factor, shape in factors.items()}
    path = saved(tmp_path / "x.safetensors", tensors)
    for words in (("lora", "show", path), ("show", path), (*DRAW, "-m", sd1, "--lora", path)):
        ran = sdcli(*words)
        assert (ran.code, ran.out) == (2, "")
        assert "`x.safetensors` is damaged" in ran.err
        assert why in ran.err


def test_a_unet_that_reads_more_than_its_text_encoder_writes(sdcli, tmp_path):
    path = tiny.write(tmp_path / "x.safetensors", replace(tiny.SD1, context=48))
    ran = sdcli(*DRAW, "-m", path, "--dry-run")
    assert (ran.code, ran.out) == (2, "")
    assert "its U-Net reads text 48 wide, its text encoders write 32" in ran.err


def test_a_controlnet_without_the_layers_for_its_map(sdcli, sd1, tmp_path):
    whole = controls.tensors("sd1")
    cut = {name: tensor for name, tensor in whole.items() if "input_hint_block" not in name}
    path = saved(tmp_path / "x.safetensors", cut)
    ran = sdcli(*DRAW, "-m", sd1, "--control", f"{path}:x.png", "--dry-run")
    assert ran.code == 2
    assert "lacks the tensor" in ran.err


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_in_an_adapter_is_named(sdcli, sd1, tmp_path, number):
    down, up = torch.zeros(4, 64, 3, 3), torch.zeros(64, 4, 1, 1)
    down[1, 2, 0, 0] = number
    tensors = {f"{MODULE}.lora_down.weight": down, f"{MODULE}.lora_up.weight": up}
    lora = saved(tmp_path / "ink.safetensors", tensors)
    word = saved(tmp_path / "word.safetensors", {"emb_params": torch.full((1, 32), number)})
    for flag, path in (("--lora", lora), ("--embedding", word)):
        prompt = ("txt2img", "a word") if flag == "--embedding" else DRAW[:2]
        ran = sdcli(*prompt, *DRAW[2:], "-m", sd1, flag, path)
        assert (ran.code, ran.out) == (2, "")
        assert f"`{path.name}` is damaged" in ran.err


def test_a_lora_of_full_size_on_the_built_in_model(sdcli, tmp_path):
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    tensors = {
        f"{name}.lora_down.weight": torch.zeros(4, 768),
        f"{name}.lora_up.weight": torch.zeros(320, 4),
    }
    lora = saved(tmp_path / "ink.safetensors", tensors)
    word = saved(tmp_path / "word.safetensors", {"emb_params": torch.zeros(1, 768)})
    for flag, path in (("--lora", lora), ("--embedding", word)):
        ran = sdcli("txt2img", "a word", "--dry-run", flag, path)
        assert ran.code == 2
        assert "this model is a miniature of Stable Diffusion 1" in ran.err
        assert "`-m FILE`" in ran.err


@pytest.mark.parametrize(
    "text",
    [b"hello", b"# a note\n\nfor me", b'{"a": 1}\n', "süße Häuser, ".encode() * 20],
)
def test_a_text_is_no_damaged_model(sdcli, tmp_path, text):
    (tmp_path / "note.txt").write_bytes(text)
    ran = sdcli("show", "note.txt")
    assert ran.code == 2
    assert ran.err.startswith("error: `note.txt` is a text, not a model")
