"""A CLIP that looks at pictures and reads words: both as vectors of one space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sdcli.engine.build import MAKERS
from sdcli.engine.device import choose_machine
from sdcli.engine.empty_module import EmptyModule
from sdcli.engine.read_tensors import TensorReader
from sdcli.images.clip_view import as_clip_input
from sdcli.prompts.tokenizer import END_TOKEN, START_TOKEN
from sdcli.weights.clip_file import Clip
from sdcli.weights.tensor_names import TEXT, TEXT_2, VISION

Vectors = NDArray[np.float32]


class ClipEncoder:
    """The towers of a CLIP with their tensors, on the device that this machine does best with."""

    def __init__(self, clip: Clip, device: str = "auto", dtype: str = "fp32") -> None:
        self.clip = clip
        machine = choose_machine(device, dtype)
        self._device, self._dtype = machine.device, machine.dtype
        self._image_tower: Any = self._build(VISION, VISION)
        self._text_tower: Any = self._build(TEXT, TEXT_2) if clip.is_whole else None

    def _build(self, kind: str, maker: str) -> torch.nn.Module:
        config = self.clip.config(kind)
        frame = EmptyModule(self.clip.header, self.clip.towers[kind], MAKERS[maker], config)
        return frame.fill(self._dtype, self._device)

    @cached_property
    def scale(self) -> float:
        """What cosines were multiplied by in training; 100 where the file does not say."""
        if self.clip.scale is None:
            return 100.0
        with TensorReader() as reader:
            return math.exp(float(reader.read(self.clip.scale)))

    @torch.inference_mode()
    def see(self, views: Sequence[Image.Image]) -> Vectors:
        """Pictures, prepared by `clip_view`, as vectors [n, width], as long as they come."""
        pixels = torch.from_numpy(np.stack([as_clip_input(view) for view in views]))
        found = self._image_tower(pixel_values=pixels.to(self._device, self._dtype))
        return found.image_embeds.float().cpu().numpy()

    @torch.inference_mode()
    def read(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Texts, each as at most 75 tokens, as vectors [n, width], as long as they come."""
        length = max(map(len, texts)) + 2
        rows = torch.full((len(texts), length), END_TOKEN)
        for row, tokens in zip(rows, texts, strict=True):
            row[: len(tokens) + 1] = torch.tensor([START_TOKEN, *tokens])
        found = self._text_tower(input_ids=rows.to(self._device))
        return found.text_embeds.float().cpu().numpy()
