"""Checkpoints in 8 bits with scales: multiplied out when read, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdcli.engine.read_tensors import TensorReader, load_tensors
from sdcli.errors import BadRequest
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.read_header import read_header
from tests.helpers import tiny

pytestmark = pytest.mark.slow

FP8 = torch.float8_e4m3fn
DRAW = ("txt2img", "a fox", "--steps", 2, "--seed", 1, "-W", 64, "-H", 64, "--json")


def quantised(rows: bool = False) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A tiny checkpoint's linear weights in 8 bits and their scales; what they stand for."""
    small: dict[str, torch.Tensor] = {}
    meant: dict[str, torch.Tensor] = {}
    for name, tensor in tiny.tensors("sd2").items():  # OpenCLIP's: some of its weights are fused
        small[name] = meant[name] = tensor
        if tensor.ndim == 2 and name.endswith(".weight") and "embedding" not in name:
            most = tensor.float().abs().amax(dim=1 if rows else (0, 1), keepdim=True)
            scale = (most / 448).clamp(min=1e-12)
            small[name] = (tensor.float() / scale).to(FP8)
            small[f"{name.removesuffix('.weight')}.SCALE"] = (
                scale.flatten() if rows else scale.reshape(())
            )
            meant[name] = (small[name].float() * scale).half()
    return small, meant


def named(tensors: dict[str, torch.Tensor], ending: str) -> dict[str, torch.Tensor]:
    return {name.replace("SCALE", ending): tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("rows", [False, True], ids=["one scale", "a scale for each row"])
def test_old_and_new_scales_are_multiplied_out(tmp_path: Path, rows: bool):
    small, meant = quantised(rows)
    old = named(small, "scale_weight") | {"scaled_fp8": torch.zeros(2, dtype=FP8)}
    save_file(old, tmp_path / "old.safetensors")
    layers = {name.removesuffix(".SCALE") for name in small if name.endswith("SCALE")}
    told = json.dumps({"layers": {layer: {"format": "float8_e4m3fn"} for layer in layers}})
    new = named(small, "weight_scale")
    new |= {f"{layer}.input_scale": torch.tensor(1.0) for layer in layers}
    save_file(new, tmp_path / "new.safetensors", {"_quantization_metadata": told})
    words = torch.tensor(list(b'{"format": "float8_e4m3fn"}'), dtype=torch.uint8)
    each = named(small, "weight_scale") | {f"{layer}.comfy_quant": words for layer in layers}
    save_file({n: t.clone() for n, t in each.items()}, tmp_path / "each.safetensors")
    torch.save(old, tmp_path / "old.ckpt")
    for file in ("old.safetensors", "new.safetensors", "each.safetensors", "old.ckpt"):
        read = load_tensors(tmp_path / file)
        assert read.keys() == meant.keys()
        for name, tensor in meant.items():
            assert torch.equal(read[name], tensor), name
        assert read_header(tmp_path / file).scaled == len(layers)
        assert not identify_checkpoint(tmp_path / file).unused


def test_a_third_of_a_fused_weight_has_its_own_rows(tmp_path: Path):
    stored = torch.randn(12, 8, generator=torch.manual_seed(0)).to(FP8)
    tensors = {"fused.weight": stored, "fused.weight_scale": torch.linspace(0.5, 2, 12)}
    save_file(tensors, tmp_path / "x.safetensors")
    place = read_header(tmp_path / "x.safetensors").tensors["fused.weight"]
    with TensorReader() as reader:
        whole = reader.read(place)
        for third in range(3):
            assert torch.equal(reader.read(place, third), whole.chunk(3)[third])


def test_what_is_drawn_with_one_is_what_is_drawn_with_what_it_stands_for(sdcli, tmp_path: Path):
    small, meant = quantised()
    save_file(named(small, "scale_weight"), tmp_path / "small.safetensors")
    save_file(meant, tmp_path / "meant.safetensors")
    for name in ("small", "meant"):
        ran = sdcli(
            *DRAW,
            "-m",
            tmp_path / f"{name}.safetensors",
            "-o",
            tmp_path / f"{name}.png",
            "--no-metadata",
        )
        assert (ran.code, "nothing here uses" in ran.err) == (0, False), ran.err
    assert (tmp_path / "small.png").read_bytes() == (tmp_path / "meant.png").read_bytes()
    shown = json.loads(sdcli("show", tmp_path / "small.safetensors", "--json").out)
    assert (shown["kind"], shown["dtype"]) == ("checkpoint", "F16")
    assert shown["scaled"] > 10


@pytest.mark.parametrize(
    ("extra", "metadata"),
    [
        ({}, {"_quantization_metadata": '{"layers": {"x": {"format": "int8_blockwise"}}}'}),
        ({}, {"_quantization_metadata": '{"layers": []}'}),
        ({}, {"_quantization_metadata": '{"layers": {"x": 7}}'}),
        ({"LAYER.weight_scale_2": torch.ones(1)}, {}),
        ({"LAYER.comfy_quant": torch.tensor(list(b'{"format": "nvfp4"}'), dtype=torch.uint8)}, {}),
        ({"LAYER.comfy_quant": torch.tensor(list(b"{"), dtype=torch.uint8)}, {}),
        ({"LAYER.weight_scale": torch.ones(3, 3)}, {}),
        ({"LAYER.weight_scale": torch.ones(1, dtype=torch.int32)}, {}),
    ],
    ids=range(8),
)
def test_scales_of_an_unknown_kind_are_refused_by_name(tmp_path: Path, extra, metadata):
    small, _ = quantised()
    layer = next(name for name in small if name.endswith("SCALE")).removesuffix(".SCALE")
    tensors = named(small, "weight_scale")
    tensors |= {name.replace("LAYER", layer): tensor for name, tensor in extra.items()}
    save_file(tensors, tmp_path / "x.safetensors", metadata)
    with pytest.raises(
        BadRequest, match="scaled numbers of a kind that sdcli does not know"
    ) as caught:
        identify_checkpoint(tmp_path / "x.safetensors")
    assert "fp16" in caught.value.hint


def test_integers_without_a_word_are_refused(tmp_path: Path):
    tensors = tiny.tensors("sd1")
    name = next(n for n, t in tensors.items() if t.ndim == 2 and "transformer_blocks" in n)
    tensors[name] = tensors[name].to(torch.int8)
    save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(BadRequest, match="quantised in a way that sdcli does not know"):
        identify_checkpoint(tmp_path / "x.safetensors")


def test_a_merge_is_written_in_plain_numbers(sdcli, tmp_path: Path):
    small, meant = quantised()
    save_file(named(small, "scale_weight"), tmp_path / "small.safetensors")
    save_file(
        {f"lora_unet_mid_block_resnets_0_conv1.lora_{side}.weight": torch.zeros(shape)
         for side, shape in (("down", (4, 64, 3, 3)), ("up", (64, 4, 1, 1)))},
        tmp_path / "none.safetensors",
    )  # fmt: skip
    words = ("-m", tmp_path / "small.safetensors", "--lora", tmp_path / "none.safetensors")
    ran = sdcli("lora", "merge", *words, "-o", tmp_path / "merged.safetensors")
    assert ran.code == 0, ran.err
    read = load_tensors(tmp_path / "merged.safetensors")
    assert all(torch.equal(read[name], tensor) for name, tensor in meant.items())
