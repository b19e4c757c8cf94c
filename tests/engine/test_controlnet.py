from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from safetensors.torch import load_file, save_file

from sdcli.engine.controlnet import build_controlnet
from sdcli.errors import BadRequest
from sdcli.weights import controlnet as control
from sdcli.weights.checkpoint import identify_checkpoint
from tests.helpers import controls
from tests.helpers.tiny import Tensors

CPU = torch.device("cpu")
Written = Callable[[Tensors, Path], Path]


def prefixed(lead: str) -> Written:
    def write(tensors: Tensors, folder: Path) -> Path:
        save_file({lead + name: t for name, t in tensors.items()}, folder / "control.safetensors")
        return folder / "control.safetensors"

    return write


def mixed(tensors: Tensors, folder: Path) -> Path:
    """Beside a whole checkpoint, as the first ControlNets were published."""
    whole = {f"control_model.{name}": tensor for name, tensor in tensors.items()}
    whole |= {
        f"model.diffusion_model.{name}": torch.zeros(1) for name in ("out.2.bias", "out.0.bias")
    }
    save_file(whole, folder / "control.safetensors")
    return folder / "control.safetensors"


def pickled(tensors: Tensors, folder: Path) -> Path:
    torch.save(
        {"state_dict": {f"control_model.{n}": t for n, t in tensors.items()}}, folder / "c.pth"
    )
    return folder / "c.pth"


def in_diffusers(tensors: Tensors, folder: Path) -> Path:
    save_file(diffusers_names(tensors), folder / "diffusion_pytorch_model.safetensors")
    return folder / "diffusion_pytorch_model.safetensors"


def in_a_folder(tensors: Tensors, folder: Path) -> Path:
    in_diffusers(tensors, folder)
    return folder


def diffusers_names(tensors: Tensors) -> Tensors:
    """As diffusers itself converts them."""
    config = {"layers_per_block": 1, "class_embed_type": None}
    prefix = {f"control_model.{name}": tensor for name, tensor in tensors.items()}
    found = convert_controlnet_checkpoint(prefix, config)
    # Which it does for U-Nets, and forgets for ControlNets: SDXL's sizes.
    for ldm, ours in (("0", "linear_1"), ("2", "linear_2")):
        for part in ("weight", "bias"):
            if (name := f"label_emb.0.{ldm}.{part}") in tensors:
                found[f"add_embedding.{ours}.{part}"] = tensors[name]
    return found


WAYS: dict[str, Written] = {
    "control_model": prefixed("control_model."),
    "bare": prefixed(""),
    "module": prefixed("module."),
    "mixed": mixed,
    "pth": pickled,
    "diffusers": in_diffusers,
    "folder": in_a_folder,
}


@pytest.mark.parametrize(
    ("layout", "way"),
    [
        *(("sd1", way) for way in WAYS),
        ("sd2", "control_model"),
        ("sdxl", "bare"),
        ("sdxl", "folder"),
    ],
)
def test_every_layout_builds_the_network_that_diffusers_would(tmp_path, checkpoints, layout, way):
    tensors = controls.tensors(layout)
    path = control.controlnet_file(WAYS[way](tensors, tmp_path))
    model = identify_checkpoint(checkpoints(layout))
    network = build_controlnet(control.check_controlnet(path, model), model, torch.float32, CPU)
    wanted, got = diffusers_names(tensors), network.state_dict()
    assert set(wanted) == set(got)
    for name, tensor in got.items():
        assert torch.equal(tensor, wanted[name].to(tensor.dtype).reshape(tensor.shape)), name


def test_a_difference_is_added_to_the_models_own_weights(tmp_path, sd1):
    tensors = controls.tensors("sd1")
    path = prefixed("control_model.")({**tensors, "difference": torch.zeros(())}, tmp_path)
    model = identify_checkpoint(sd1)
    found = control.check_controlnet(path, model)
    assert found.difference
    plain = load_file(sd1)
    network = build_controlnet(found, model, torch.float32, CPU).state_dict()
    base = {name.removeprefix("model.diffusion_model."): tensor for name, tensor in plain.items()}
    theirs = diffusers_names(
        {name: tensor + base[name] if name in base else tensor for name, tensor in tensors.items()}
    )
    for name, tensor in network.items():
        wanted = theirs[name].float().reshape(tensor.shape)
        assert torch.allclose(tensor, wanted, atol=2e-3), name  # theirs was added in fp16


def test_a_controlnet_of_another_family_or_width_is_refused(tmp_path, sd1, sdxl):
    path = prefixed("control_model.")(controls.tensors("sdxl"), tmp_path)
    with pytest.raises(
        BadRequest, match="for Stable Diffusion XL, the model is Stable Diffusion 1"
    ):
        control.check_controlnet(path, identify_checkpoint(sd1))
    narrow = {name: t for name, t in controls.tensors("sd1").items()}
    wide = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    narrow[wide] = torch.zeros(32, 40)
    with pytest.raises(BadRequest, match="its text is 40, not 32"):
        control.check_controlnet(
            prefixed("control_model.")(narrow, tmp_path), identify_checkpoint(sd1)
        )


@pytest.mark.parametrize(
    ("more", "what"),
    [("lllite_unet.down.0.weight", "LLLite"), ("control_add_embedding.linear_1.weight", "union")],
)
def test_other_kinds_of_control_are_refused_by_name(tmp_path, sd1, more, what):
    tensors = {**controls.tensors("sd1"), more: torch.zeros(2)}
    with pytest.raises(BadRequest, match=what):
        control.check_controlnet(prefixed("")(tensors, tmp_path), identify_checkpoint(sd1))


def test_a_missing_tensor_is_named_as_the_file_would(tmp_path, sd1):
    tensors = controls.tensors("sd1")
    del tensors["zero_convs.1.0.bias"]
    model = identify_checkpoint(sd1)
    found = control.check_controlnet(prefixed("control_model.")(tensors, tmp_path), model)
    with pytest.raises(BadRequest, match=r"lacks the tensor `control_model.zero_convs.1.0.bias`"):
        build_controlnet(found, model, torch.float32, CPU)
