"""Captions as the U-Net reads them: encoded once and kept, or each time where something learns there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sdcli.engine.pipeline import Pipeline
from sdcli.engine.text_encoder import (
    Conditioning,
    KnownStates,
    TextEncoder,
    encode_text,
    equally_long,
)
from sdcli.engine.training.word import LearntWord
from sdcli.plan import Embedding, File, Plan


class CaptionEncoder:
    """Captions encoded as prompts are when a picture is drawn."""

    def __init__(
        self,
        pipe: Pipeline,
        encoders: tuple[TextEncoder, ...],
        drawing: Plan,
        *,
        learns: bool,
        word: tuple[str, LearntWord] | None = None,
    ) -> None:
        self._pipe, self._plan, self._learns, self._word = pipe, drawing, learns, word
        self._encoders = encoders
        if word is not None:
            count = len(word[1].rows[0])
            known = Embedding(File(Path(word[0]), ""), word[0].lower(), count)
            self._plan = replace(drawing, embeddings=(*drawing.embeddings, known))
        self._known: dict[str, Conditioning] = {}

    def remember(self, captions: Iterable[str]) -> None:
        """Encode these once, where nothing changes them, and let the text encoders go."""
        for caption in captions:
            self._one(caption)

    def encode(self, captions: list[str]) -> Conditioning:
        """The captions of a batch, all equally long."""
        rows = [*equally_long(*map(self._one, captions))]
        pooled = [row.pooled for row in rows if row.pooled is not None]
        return Conditioning(
            torch.cat([row.embeds for row in rows]), torch.cat(pooled) if pooled else None
        )

    def _one(self, caption: str) -> Conditioning:
        if self._learns:
            return self._encode(caption)
        if caption not in self._known:
            with torch.no_grad():
                self._known[caption] = self._encode(caption)
        return self._known[caption]

    def _encode(self, caption: str) -> Conditioning:
        found = encode_text(
            self._pipe, self._encoders, self._plan, caption, self._vectors(), KnownStates()
        )
        if caption or len(self._encoders) == 1:
            return found
        # SDXL was trained with zeros in place of words, and is drawn so.
        assert found.pooled is not None
        return Conditioning(torch.zeros_like(found.embeds), torch.zeros_like(found.pooled))

    def _vectors(self) -> Mapping[str, Mapping[str, Tensor]]:
        return {} if self._word is None else {self._word[0].lower(): self._word[1].vectors()}
