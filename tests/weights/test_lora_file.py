from __future__ import annotations

import json
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcli.weights.checkpoint import checkpoint_from_header
from sdcli.weights.components import sort_into_components
from sdcli.weights.lora import file as lora
from sdcli.weights.lora.fit import fit_lora
from sdcli.weights.lora.key_names import read_key
from sdcli.weights.lora.module_names import count_resnets, diffusers_module_name
from sdcli.weights.safetensors import Header, Tensor
from tests.helpers import tiny

pytestmark = pytest.mark.slow

KEYS = Path(__file__).parents[2] / "../shared/facts/keys"


def header(shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Header:
    return Header(
        Path("some.safetensors"),
        "safetensors",
        {name: Tensor("F16", tuple(shape)) for name, shape in shapes.items()},
        metadata or {},
    )


def module(name: str, out: int = 32, into: int = 32, rank: int = 4) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.lora_down.weight": (rank, into),
        f"{name}.lora_up.weight": (out, rank),
        f"{name}.alpha": (),
    }


@pytest.mark.parametrize(
    ("ldm", "diffusers"),
    [
        ("input_blocks_0_0", "conv_in"),
        ("input_blocks_1_0_in_layers_2", "down_blocks_0_resnets_0_conv1"),
        ("input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
        (
            "input_blocks_4_1_transformer_blocks_0_attn1_to_q",
            "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
        ),
        ("middle_block_2_emb_layers_1", "mid_block_resnets_1_time_emb_proj"),
        ("middle_block_1_proj_in", "mid_block_attentions_0_proj_in"),
        ("output_blocks_2_2_conv", "up_blocks_0_upsamplers_0_conv"),
        ("output_blocks_5_1_proj_out", "up_blocks_1_attentions_2_proj_out"),
        ("output_blocks_3_0_skip_connection", "up_blocks_1_resnets_0_conv_shortcut"),
        ("label_emb_0_2", "add_embedding_linear_2"),
        ("out_2", "conv_out"),
        ("down_blocks_1_attentions_0_proj_in", "down_blocks_1_attentions_0_proj_in"),
    ],
)
def test_both_names_of_a_module_lead_to_one(ldm, diffusers):
    assert diffusers_module_name(ldm, 2) == diffusers


@pytest.mark.parametrize("layout", ["sd1", "sdxl", "sdxl-refiner"])
def test_every_module_of_a_checkpoint_is_found_by_its_own_name(layout):
    names = [f"model.diffusion_model.{name}" for name in tiny.unet(tiny.LAYOUTS[layout])]
    model = checkpoint_from_header(header(tiny.shapes(tiny.LAYOUTS[layout])))
    known = {
        target.rpartition(".")[0].replace(".", "_") for target in model.components["unet"].parts
    }
    for name in names:
        own = name.removeprefix("model.diffusion_model.").rpartition(".")[0].replace(".", "_")
        assert diffusers_module_name(own, count_resnets(names)) in known, name


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (
            "lora_unet_mid_block_attentions_0_proj_in.alpha",
            ("unet", "mid_block_attentions_0_proj_in", "alpha"),
        ),
        (
            "lora_te_text_model_encoder_layers_3_mlp_fc1.lora_up.weight",
            ("text_encoder", "encoder_layers_3_mlp_fc1", "up"),
        ),
        (
            "text_encoder_2.text_model.encoder.layers.3.self_attn.to_out_lora.down.weight",
            ("text_encoder_2", "encoder_layers_3_self_attn_out_proj", "down"),
        ),
        (
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.up.weight",
            ("unet", "mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0", "up"),
        ),
        (
            "base_model.model.text_model.encoder.layers.0.mlp.fc2.lora_B.weight",
            ("text_encoder", "encoder_layers_0_mlp_fc2", "up"),
        ),
        (
            "unet.conv_in.lora_magnitude_vector.default.weight",
            ("unet", "conv_in", "dora_scale"),
        ),
        ("lora_unet_conv_in.hada_w1_a", ("unet", "conv_in", "w1_a")),
        ("lora_unet_conv_in.scalar", None),
        ("bundle_emb.ink.string_to_param.*", None),
    ],
)
def test_names_are_read_into_module_and_factor(key, found):
    read = read_key(key)
    assert (None if read is None else tuple(read)) == found


TO_K = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
FAMILIES = {
    "sd1": (module(TO_K, 320, 768), {}, ("sd1",)),
    "sd2": (module(TO_K, 320, 1024), {}, ("sd2",)),
    "sdxl": (
        module("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 640, 2048),
        {},
        ("sdxl",),
    ),
    "shapes before words": (
        module(TO_K, 320, 768),
        {"ss_base_model_version": "sdxl_base_v1-0"},
        ("sd1",),
    ),
    "second encoder": (module("lora_te2_text_model_encoder_layers_0_mlp_fc1"), {}, ("sdxl",)),
    "deep": (
        module("lora_unet_down_blocks_2_attentions_0_transformer_blocks_2_attn1_to_q"),
        {},
        ("sdxl",),
    ),
    "one encoder": (module("lora_te_text_model_encoder_layers_0_mlp_fc1"), {}, ("sd1", "sd2")),
    "words": (module("lora_unet_conv_in"), {"ss_base_model_version": "sd_v2"}, ("sd2",)),
    "spec": (
        module("lora_unet_conv_in"),
        {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"},
        ("sdxl",),
    ),
    "flux": (module("lora_unet_single_transformer_blocks_0_attn_to_q"), {}, ("Flux",)),
    "nothing told": (module("lora_unet_conv_in"), {}, ()),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_family_is_told_by_what_cannot_lie_first(name):
    shapes, metadata, bases = FAMILIES[name]
    assert lora.read_lora(header(shapes, metadata)).bases == bases


def test_triggers_are_the_most_frequent_tags_behind_the_one_that_is_named():
    tags = {"3_ink": {"fox": 4, " snow ": 9}, "1_more": {"fox": 6}}
    metadata = {
        "ss_tag_frequency": json.dumps(tags),
        "modelspec.trigger_phrase": "inkstyle",
    }
    assert lora.read_lora(header(module("lora_unet_conv_in"), metadata)).triggers == (
        "inkstyle",
        "fox",
        "snow",
    )
    for text in ("", "[]", "{", '{"a": 3}', '{"a": {"b": "c"}}', "[" * 100_000):
        lora.read_lora(header(module("lora_unet_conv_in"), {"ss_tag_frequency": text}))


@pytest.mark.parametrize(
    ("dtype", "raw", "value"),
    [
        ("F32", struct.pack("<f", 2.5), 2.5),
        ("F16", struct.pack("<e", 0.5), 0.5),
        ("F64", struct.pack("<d", 16), 16.0),
        ("I64", struct.pack("<q", 8), 8.0),
        ("BF16", struct.pack("<f", 1.5)[2:], 1.5),
    ],
)
def test_a_number_is_read_without_torch(tmp_path, dtype, raw, value):
    (tmp_path / "file").write_bytes(b"...." + raw)
    assert lora.read_number(Tensor(dtype, (), tmp_path / "file", 4)) == value


def test_a_tensor_that_is_no_single_number_is_no_alpha(tmp_path):
    assert lora.read_number(Tensor("F32", (2,), tmp_path / "file", 0)) is None


def keys(name: str) -> dict[str, tuple[int, ...]]:
    path = KEYS / f"{name}.json"
    if not path.exists():
        pytest.skip("the lists are not at hand")
    found = json.loads(path.read_text())
    return {key: tuple(4 if side == -1 else side for side in shape) for key, shape in found.items()}


def of_names(name: str) -> Any:
    """As much of a model as a list of names makes: its components."""
    return SimpleNamespace(components=sort_into_components(header(keys(name)))[0])


@pytest.mark.parametrize(
    ("file", "model", "fits", "of"),
    [
        ("lora_v1_unet_alpha", "sd15", 192, 192),
        ("lora_v1_clip_alpha", "sd15", 72, 72),
        ("lora_v1_unet", "sd21", 160, 192),
        ("lora_v1_unet", "sdxl_base", 50, 192),
    ],
)
def test_full_size_files_against_full_size_models(file, model, fits, of):
    held = fit_lora(header(keys(file)), of_names(model))
    assert (len(held.fits), len(held.fits) + len(held.misfits)) == (fits, of)


def test_every_module_of_a_full_sdxl_has_a_place():
    """The names alone: the list is of a small model, under the names of the real one."""
    held = fit_lora(header(keys("tiny_kohya_sdxl")), of_names("sdxl_base"))
    assert not [misfit for misfit in held.misfits if "no such" in misfit.why]
