"""A CLIP in a file: both of its towers or one of them, in every spelling that it is shared in.

Two files that hold a half each make a whole one: ComfyUI's `clip_vision_g` and SDXL's second text
encoder, for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.weights import model_config
from sdcli.weights.clip_configs import read_clip_configs
from sdcli.weights.clip_shapes import (
    ClipShape,
    configured_heads,
    find_activation,
    find_shape,
    vision_config,
)
from sdcli.weights.components import Component, gaps_named, make_component, sort_into_components
from sdcli.weights.file_kinds import FOREIGN, find_file_kind
from sdcli.weights.own_metadata import read_own_metadata
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header, Tensor
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VISION

WHOLE_HINT = (
    "get a whole CLIP, such as `model.safetensors` of openai/clip-vit-large-patch14, or "
    "`clip_vision_g.safetensors` beside an SDXL checkpoint"
)
_VISION = re.compile(r"visual\.|vision_model\.")
_TEXT = re.compile(
    r"(text\.)?(?P<inner>(token_embedding|positional_embedding|ln_final|text_projection)(\..*)?$"
    r"|transformer\.resblocks\..*)"
    r"|(transformer\.)?text_model\.(?P<theirs>.*)"
)
_SCALE = "logit_scale"


@dataclass(frozen=True)
class Clip:
    """What a file holds of a CLIP: `towers` by their kinds, without those that it lacks."""

    header: Header
    towers: Mapping[str, Component]
    shape: ClipShape | None  # of the image tower
    activation: str  # gelu, quick_gelu; none where nothing tells
    own: Mapping[str, Any]
    configs: Mapping[str, Any]
    scale: Tensor | None = None  # the logarithm of what cosines were multiplied by in training

    @property
    def path(self) -> Path:
        """The file, or the folder."""
        return self.header.path

    @property
    def is_whole(self) -> bool:
        """Whether both towers are there, each with its projection."""
        return VISION in self.towers and self._has_text and self.has_text_projection

    @property
    def _has_text(self) -> bool:
        return "embeddings.token_embedding.weight" in self._text_shapes

    @property
    def has_text_projection(self) -> bool:
        """Whether what the text tower says can be held against pictures."""
        return "text_projection.weight" in self._text_shapes

    @property
    def _text_shapes(self) -> model_config.Shapes:
        return self.towers[TEXT].shapes if TEXT in self.towers else {}

    @property
    def meets(self) -> int | None:
        """How wide the vectors are that pictures and words become; None: neither becomes one."""
        words = self._text_shapes.get("text_projection.weight", ())
        pictures = self.towers[VISION].shapes["visual_projection.weight"] if self.shape else ()
        return next(iter((*pictures[:1], *words[:1])), None)

    @property
    def title(self) -> str:
        """Which CLIP it is, by its image tower."""
        return self.shape.title if self.shape else ""

    def config(self, kind: str) -> dict[str, Any]:
        """The arguments of the class that a tower is built with."""
        part = self.towers[kind]
        with gaps_named(self.path, part):
            if kind == VISION:
                assert self.shape is not None
                return vision_config(part.shapes, self.shape, self.activation)
            heads = configured_heads("text_heads", self.configs, self.own)
            return model_config.text_config(part.shapes, act=self.activation, heads=heads or None)


def read_clip(path: Path, activation: str = "") -> Clip:
    """What a file or a folder holds of a CLIP, half of one too; BadRequest where that is nothing.

    `activation` says what the file does not tell.
    """
    return clip_from_header(read_header(path), activation)


def clip_from_header(header: Header, activation: str = "") -> Clip:
    """The CLIP that a header describes."""
    configs = read_clip_configs(header)
    kind = find_file_kind(header)
    if kind.name == "checkpoint" or kind.name in FOREIGN:
        return _from_checkpoint(header)
    if kind.name not in ("clip", "text-encoder"):
        raise BadRequest(f"`{header.path.name}` is {kind.title}, not a CLIP", hint=WHOLE_HINT)
    own = read_own_metadata(header)
    names = _sorted_names(header)
    towers = {kind: make_component(kind, known, header.tensors) for kind, known in names.items()}
    shape = None
    if VISION in towers:
        with gaps_named(header.path, towers[VISION]):
            shape = find_shape(towers[VISION].shapes, configs, own)
    scale = next((t for n, t in header.tensors.items() if n.endswith(_SCALE)), None)
    known = activation or find_activation(header, shape, configs, own)
    return Clip(header, towers, shape, known, own, configs, scale)


def _sorted_names(header: Header) -> dict[str, dict[str, str]]:
    """Of each tower, its own names and the file's."""
    names: dict[str, dict[str, str]] = {}
    for name in header.tensors:
        inner = name.removeprefix("module.")
        if inner == "visual_projection.weight":
            names.setdefault(VISION, {})[inner] = name
        elif found := _VISION.match(inner):
            names.setdefault(VISION, {})[inner[found.end() :]] = name
        elif found := _TEXT.match(inner):
            names.setdefault(TEXT, {})[found["inner"] or found["theirs"]] = name
    return names


def _from_checkpoint(header: Header) -> Clip:
    """The text tower of a checkpoint that kept its projection: SDXL's second one, SD 2's."""
    components, _ = sort_into_components(header)
    text = components.get(TEXT_2) or components.get(TEXT)
    if text is None or UNET not in components:
        raise BadRequest(f"`{header.path.name}` holds no CLIP", hint=WHOLE_HINT)
    own = read_own_metadata(header)
    xl_or_open = TEXT_2 in components or "positional_embedding" in text.table
    activation = "gelu" if xl_or_open else "quick_gelu"
    return Clip(header, {TEXT: replace(text, kind=TEXT)}, None, activation, own, {})


def join_clips(one: Clip, other: Clip) -> Clip:
    """Two halves as one CLIP; BadRequest where they are not halves of one."""
    vision, text = (one, other) if VISION in one.towers else (other, one)
    if VISION not in vision.towers or VISION in text.towers:
        raise BadRequest(
            f"`{one.path.name}` and `{other.path.name}` are not two halves of a CLIP",
            hint="one must hold the image tower, the other the text tower",
        )
    words = _joined_text(vision, text)
    header = replace(vision.header, tensors={**text.header.tensors, **vision.header.tensors})
    joined = replace(
        vision,
        header=header,
        towers={VISION: vision.towers[VISION], TEXT: words},
        own={**text.own, **vision.own},
        activation=vision.activation or text.activation,
        scale=vision.scale or text.scale,
    )
    return require_whole(joined)


def _joined_text(vision: Clip, text: Clip) -> Component:
    """The text tower of one, with the projection of the other where it has none."""
    words = text.towers[TEXT]
    rest = vision.towers.get(TEXT)
    if rest is None or text.has_text_projection:
        return words
    return replace(
        words, parts={**rest.parts, **words.parts}, shapes={**rest.shapes, **words.shapes}
    )


def require_whole(clip: Clip) -> Clip:
    """The same CLIP, once nothing is missing that a score needs."""
    name = clip.path.name
    if VISION not in clip.towers:
        what = (
            "the text tower of a CLIP and not its image tower"
            if clip.has_text_projection
            else "a text tower without the projection that a score needs, and no image tower"
        )
        raise BadRequest(f"`{name}` holds {what}", hint=WHOLE_HINT)
    if not clip.is_whole:
        raise BadRequest(
            f"`{name}` holds the image tower of a CLIP ({clip.title}) and no text tower",
            hint="name the other half too, by a second `--with`: for ViT-bigG/14 an SDXL"
            " checkpoint holds it",
        )
    _check_ends(clip)
    if not clip.activation:
        raise _unknown_activation(clip)
    return clip


def require_vision(clip: Clip) -> Clip:
    """The same CLIP, once it can see: features of pictures need no words."""
    if VISION not in clip.towers:
        return require_whole(clip)
    if not clip.activation:
        raise _unknown_activation(clip)
    return clip


def _check_ends(clip: Clip) -> None:
    ends = [
        clip.towers[VISION].shapes["visual_projection.weight"][0],
        clip.towers[TEXT].shapes["text_projection.weight"][0],
    ]
    if ends[0] != ends[1]:
        raise BadRequest(
            f"the towers of `{clip.path.name}` do not meet: pictures end {ends[0]} wide, words"
            f" {ends[1]}",
            hint="they are halves of different CLIPs; ViT-bigG/14 goes with SDXL, ViT-H/14 with SD 2",
        )


def _unknown_activation(clip: Clip) -> BadRequest:
    return BadRequest(
        f"nothing says which activation `{clip.path.name}` ({clip.title}) was trained with, and the"
        " wrong one gives wrong scores",
        hint="keep its `config.json` beside it, or write `FILE:quick_gelu` (OpenAI's) or `FILE:gelu`"
        " (LAION's)",
    )
