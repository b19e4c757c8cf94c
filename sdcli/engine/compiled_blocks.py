"""The U-Net's blocks compiled by torch: each kind once for each shape, kept on disk for the next process.

Only the blocks that a U-Net repeats are compiled, not the whole: that takes a minute instead of many,
and LoRAs, which change weights in place, need no other code.
"""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from sdcli.errors import BadRequest
from sdcli.library.converted_models import open_compiled

BLOCKS = ("BasicTransformerBlock", "ResnetBlock2D")
MOST_SHAPES = 256  # of one kind of block: each width at each size is compiled for itself
COMPILERS = ("g++", "clang++", "cl")


def check_compiler(device: torch.device) -> None:
    """Refuse where nothing is there that compiles."""
    if device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
        raise BadRequest(
            "`--backend compile` needs a C++ compiler, and there is none", hint="install g++"
        )
    if device.type == "cuda" and find_spec("triton") is None:
        raise BadRequest("`--backend compile` needs Triton here", hint="pip install triton")


def compile_blocks(unet: nn.Module) -> None:
    """Have the blocks of a U-Net compiled when they are first called."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(open_compiled(torch.__version__)))
    settings: Any = import_module("torch._dynamo.config")  # which takes seconds
    settings.cache_size_limit = MOST_SHAPES
    settings.accumulated_cache_size_limit = 4 * MOST_SHAPES
    for block in unet.modules():
        if type(block).__name__ in BLOCKS:
            block.compile(dynamic=False)
