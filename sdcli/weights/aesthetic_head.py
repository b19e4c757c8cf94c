"""LAION's aesthetic predictors: some linear layers to be put on a CLIP's image tower."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header

KIND = "aesthetic"
_LAYER = re.compile(r"(?:layers\.)?(\d+\.)?(weight|bias)")


@dataclass(frozen=True)
class AestheticHead:
    """A head without its numbers: its layers' names in their order, each without its ending."""

    header: Header
    layers: tuple[str, ...]
    width: int  # of the vectors that it rates

    @property
    def path(self) -> Path:
        """The file."""
        return self.header.path


def is_aesthetic_head(header: Header) -> bool:
    """Whether a file is such a head."""
    return find_file_kind(header).name == KIND


def read_aesthetic_head(path: Path) -> AestheticHead:
    """The head in a file; BadRequest where it is none, or its layers do not follow each other."""
    return head_from_header(read_header(path))


def head_from_header(header: Header) -> AestheticHead:
    """The head that a header describes."""
    names = {name.removesuffix("weight") for name in header.tensors if name.endswith("weight")}
    layers = sorted(names, key=lambda name: int(re.sub(r"\D", "", name) or 0))
    shapes = [header.tensors[f"{name}weight"].shape for name in layers]
    fit = all(len(shape) == 2 for shape in shapes) and bool(shapes)
    follow = fit and [s[0] for s in shapes] == [*(s[1] for s in shapes[1:]), 1]
    whole = all(f"{name}bias" in header.tensors for name in layers)
    if not (follow and whole and all(map(_LAYER.fullmatch, header.tensors))):
        raise BadRequest(
            f"`{header.path.name}` is no aesthetic predictor whose layers follow each other",
            hint="LAION's is `sac+logos+ava1-l14-linearMSE.pth`, to be put on ViT-L/14",
        )
    return AestheticHead(header, tuple(layers), shapes[0][1])
