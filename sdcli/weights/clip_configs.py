"""The configs that lie beside a CLIP, and say what its shapes do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.weights.read_header import read_config
from sdcli.weights.safetensors import Header

HF_CONFIG, OPEN_CLIP_CONFIG = "config.json", "open_clip_config.json"


def read_clip_configs(header: Header) -> Mapping[str, Any]:
    """What the configs beside a CLIP say that its shapes do not: `activation`, `vision_heads`,
    `text_heads`.

    They lie in its folder, or beside its file; one that is of another shape is not its own.
    """
    folder = header.path if is_folder(header.path) else header.path.parent
    for name, read in ((HF_CONFIG, _read_hf_config), (OPEN_CLIP_CONFIG, _read_open_clip_config)):
        if is_ordinary_file(folder / name) and (found := read(read_config(folder / name), header)):
            return found
    return {}


def _read_hf_config(config: Mapping[str, Any], header: Header) -> Mapping[str, Any]:
    """transformers' own, of a whole CLIP or of one tower; what is as usual is left out of them."""
    vision = _table(config, "vision_config") or config
    if "clip" not in str(config.get("model_type")):
        return {}
    if not _has_width(header, vision.get("hidden_size", 768)):
        return {}
    text = _table(config, "text_config") or config
    return {
        "activation": vision.get("hidden_act", "quick_gelu"),
        "vision_heads": vision.get("num_attention_heads", 12),
        "text_heads": text.get("num_attention_heads", 8),
    }


def _read_open_clip_config(config: Mapping[str, Any], header: Header) -> Mapping[str, Any]:
    model = _table(config, "model_cfg")
    vision = _table(model, "vision_cfg")
    width, head = vision.get("width"), vision.get("head_width", 64)
    if not isinstance(width, int) or not _has_width(header, width):
        return {}
    heads = width // head if isinstance(head, int) and head > 0 else 0
    return {
        "activation": "quick_gelu" if model.get("quick_gelu") else "gelu",
        "vision_heads": heads,
        "text_heads": _table(model, "text_cfg").get("heads"),
    }


def _table(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner: Any = config.get(key)
    return cast("Mapping[str, Any]", inner) if isinstance(inner, dict) else {}


def _has_width(header: Header, width: Any) -> bool:
    """Whether the image tower, if there is one, is so wide."""
    found = [t.shape for n, t in header.tensors.items() if n.endswith("class_embedding")]
    return not found or found[0][-1:] == (width,)
