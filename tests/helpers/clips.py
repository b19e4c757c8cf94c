"""Tiny CLIPs in every spelling that CLIPs are shared in, of random numbers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

VISION = {"width": 32, "layers": 2, "heads": 2, "patch": 8, "image": 32}
TEXT = {"width": 24, "layers": 2, "heads": 3}
SHARED = 16
Tensors = dict[str, torch.Tensor]


def model(activation: str = "quick_gelu", seed: int = 0) -> CLIPModel:
    """transformers' own CLIP, tiny, its weights large enough to tell activations apart."""
    return random_model(VISION, TEXT, SHARED, activation, seed)


def random_model(
    vision: Mapping[str, int], text: Mapping[str, int], shared: int, activation: str, seed: int = 0
) -> CLIPModel:
    """transformers' own CLIP of these sizes; four times as wide inside as it is, but for `inner`."""
    own = {"hidden_act": activation, "projection_dim": shared}
    config = CLIPConfig(
        vision_config={
            "hidden_size": vision["width"],
            "intermediate_size": vision.get("inner", 4 * vision["width"]),
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": vision["heads"],
            "image_size": vision["image"],
            "patch_size": vision["patch"],
            **own,
        },
        text_config={
            "hidden_size": text["width"],
            "intermediate_size": 4 * text["width"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "eos_token_id": 2,  # as CLIP's own files say
            **own,
        },
        projection_dim=shared,
    )
    made = CLIPModel(config).eval()
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in made.named_parameters():
            noise = torch.randn(tensor.shape, generator=dice)
            if name.endswith("logit_scale"):
                continue
            if tensor.ndim > 1:
                tensor.copy_(1.5 * noise / tensor[0].numel() ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                tensor.copy_(1 + 0.2 * noise)
            else:
                tensor.copy_(0.5 * noise)
    return made


def as_transformers(clip: CLIPModel) -> Tensors:
    """As transformers names them, as they have long been written."""
    return {name: tensor.contiguous() for name, tensor in clip.state_dict().items()}


_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_ENDS = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm": "ln_final",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.embeddings.patch_embedding": "visual.conv1",
    "vision_model.pre_layrnorm": "visual.ln_pre",
    "vision_model.post_layernorm": "visual.ln_post",
    "logit_scale": "logit_scale",
}


def as_open_clip(clip: CLIPModel) -> Tensors:
    """As OpenAI and OpenCLIP name them: q, k and v in one, projections the other way round."""
    state, found = clip.state_dict(), Tensors()
    found["visual.proj"] = state.pop("visual_projection.weight").T.contiguous()
    found["text_projection"] = state.pop("text_projection.weight").T.contiguous()
    for name in [n for n in state if ".q_proj." in n]:
        at, _, end = name.partition(".self_attn.q_proj.")
        whole = torch.cat([state.pop(f"{at}.self_attn.{x}_proj.{end}") for x in "qkv"])
        found[f"{_resblock(at)}.attn.in_proj_{end}"] = whole
    for name, tensor in state.items():
        if ".encoder.layers." in name:
            head, _, rest = name.partition(".layers.")
            number, _, path = rest.partition(".")
            module, _, end = path.rpartition(".")
            found[f"{_resblock(f'{head}.layers.{number}')}.{_LAYER[module]}.{end}"] = tensor
        else:
            theirs = next((t for ours, t in _ENDS.items() if name.startswith(ours)), None)
            ours = next((ours for ours in _ENDS if name.startswith(ours)), "")
            if theirs:
                found[theirs + name.removeprefix(ours)] = tensor
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _resblock(at: str) -> str:
    tower, _, number = at.partition("_model.encoder.layers.")
    return f"{'visual.' if tower == 'vision' else ''}transformer.resblocks.{number}"


def write_folder(folder: Path, clip: CLIPModel) -> Path:
    """transformers' folder: its config and its weights."""
    folder.mkdir(parents=True)
    save_file(as_transformers(clip), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(clip.config.to_dict()))
    return folder


def write_file(
    path: Path, tensors: Mapping[str, torch.Tensor], activation: str = "", **about: object
) -> Path:
    """A file of tensors that says of itself what shapes do not tell."""
    own = {"vision_heads": VISION["heads"], "text_heads": TEXT["heads"], **about}
    if activation:
        own["act"] = activation
    save_file(dict(tensors), path, {"sdcli": json.dumps(own)})
    return path


def write_archive(path: Path, tensors: Mapping[str, torch.Tensor]) -> Path:
    """A TorchScript archive: modules with these tensors, and code that says it must not be run."""
    module = _Tree()
    for name, tensor in tensors.items():
        *places, last = name.split(".")
        at = module
        for place in places:
            if not hasattr(at, place):
                at.add_module(place, _Tree())
            at = getattr(at, place)
        at.register_buffer(last, tensor.half())
    about = {
        "vision_cfg": {"width": VISION["width"], "head_width": VISION["width"] // VISION["heads"]},
        "text_cfg": {"heads": TEXT["heads"]},
        "quick_gelu": True,
    }
    config = path.parent / "open_clip_config.json"
    config.write_text(json.dumps({"model_cfg": about}))
    torch.jit.save(torch.jit.trace(module, torch.zeros(1)), str(path))
    with zipfile.ZipFile(path) as archive:
        assert any("/code/" in name for name in archive.namelist())
    return path


class _Tree(torch.nn.Module):
    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given
