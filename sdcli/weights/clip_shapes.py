"""Which CLIP an image tower is, by its shapes, and what shapes cannot tell: heads and activation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sdcli.errors import BadRequest
from sdcli.weights.model_config import Config, Shapes, count_children, tensor_side
from sdcli.weights.safetensors import Header

QUICK_GELU, GELU = "quick_gelu", "gelu"
ACTIVATIONS = (QUICK_GELU, GELU)


@dataclass(frozen=True)
class ClipShape:
    """An image tower in numbers."""

    title: str
    width: int
    layers: int
    patch: int
    image: int  # pixels of a side of what it sees
    heads: int


class _Known(NamedTuple):
    """A tower that is shared: how it is called, its heads, and its activation if it has but one."""

    title: str
    heads: int
    activation: str = ""


# By width, patch and layers. OpenAI trained B/32, B/16 and L/14 with quick_gelu, others with gelu;
# H, g and bigG are OpenCLIP's, and the few that are not come with a config that says so.
_KNOWN = {
    (768, 32, 12): _Known("ViT-B/32", 12),
    (768, 16, 12): _Known("ViT-B/16", 12),
    (1024, 14, 24): _Known("ViT-L/14", 16),
    (1280, 14, 32): _Known("ViT-H/14", 16, GELU),
    (1408, 14, 40): _Known("ViT-g/14", 16, GELU),
    (1664, 14, 48): _Known("ViT-bigG/14", 16, GELU),
}
MOST_HEADS = 256
_USUAL_IMAGE = 224
_LARGER_OPENAI = 336  # this one only OpenAI trained
# Whose a file is, by how its maker calls it.
_NAMES = (
    (re.compile(r"quick.?gelu|openai|metaclip|dfn|clip-vit-\w+-patch\d+", re.IGNORECASE), QUICK_GELU),
    (re.compile(r"laion|datacomp|commonpool", re.IGNORECASE), GELU),
)  # fmt: skip


def find_shape(shapes: Shapes, configs: Mapping[str, Any], own: Mapping[str, Any]) -> ClipShape:
    """The shape of an image tower; BadRequest where it is no CLIP's. KeyError: a tensor lacks."""
    if len(shapes.get("embeddings.class_embedding", ())) != 1:
        raise BadRequest(
            "it holds an image tower, but not a CLIP's",
            hint="SigLIP, BLIP and others score in other ways, which are not known here",
        )
    if "visual_projection.weight" not in shapes:
        raise BadRequest(
            "it holds an image tower without its projection",
            hint="get a CLIP whose file has `visual_projection` (or `visual.proj`)",
        )
    width = tensor_side(shapes, "embeddings.class_embedding")
    patch = tensor_side(shapes, "embeddings.patch_embedding.weight", 3)
    layers = count_children(shapes, "encoder.layers")
    cells = tensor_side(shapes, "embeddings.position_embedding.weight") - 1
    image = patch * math.isqrt(max(cells, 0))
    known = _KNOWN.get((width, patch, layers))
    heads = configured_heads("vision_heads", configs, own) or (known.heads if known else 0)
    if not heads or width % heads or cells != (image // patch) ** 2:
        raise BadRequest(
            f"it is a CLIP of a shape that sdcli does not know ({width} wide, {layers} layers, patches"
            f" of {patch})",
            hint="keep its `config.json` beside it, which says how many heads it has",
        )
    title = known.title if known else f"ViT {width}x{layers}/{patch}"
    title += f"@{image}px" if image != _USUAL_IMAGE else ""
    return ClipShape(title, width, layers, patch, image, heads)


def configured_heads(name: str, configs: Mapping[str, Any], own: Mapping[str, Any]) -> int:
    """The `vision_heads` or `text_heads` that the file's own words or its config tell; else 0."""
    heads = own.get(name) or configs.get(name)
    return heads if type(heads) is int and 0 < heads <= MOST_HEADS else 0


def find_activation(
    header: Header, shape: ClipShape | None, configs: Mapping[str, Any], own: Mapping[str, Any]
) -> str:
    """Which activation a file was trained with, by the best evidence; nothing where there is none."""
    told = own.get("act") or configs.get("activation")
    if told in ACTIVATIONS:
        return str(told)
    if header.form == "torchscript":  # nobody but OpenAI shares CLIPs so
        return QUICK_GELU
    place = header.path.absolute()
    for pattern, activation in _NAMES:
        if pattern.search(f"{place.parent.name}/{place.name}"):
            return activation
    if shape is None:  # a text tower alone: whoever has the image tower decides
        return ""
    known = _KNOWN.get((shape.width, shape.patch, shape.layers))
    if known and known.title == "ViT-L/14" and shape.image == _LARGER_OPENAI:
        return QUICK_GELU
    return known.activation if known else ""


def vision_config(shapes: Shapes, shape: ClipShape, activation: str) -> Config:
    """`CLIPVisionConfig`'s arguments."""
    return {
        "hidden_size": shape.width,
        "intermediate_size": tensor_side(shapes, "encoder.layers.0.mlp.fc1.weight"),
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "image_size": shape.image,
        "patch_size": shape.patch,
        "projection_dim": tensor_side(shapes, "visual_projection.weight"),
        "hidden_act": activation,
    }
