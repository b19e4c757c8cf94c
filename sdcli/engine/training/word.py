"""What a textual inversion learns: the vectors of a new word (Gal et al., 2208.01618)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sdcli.engine.text_encoder import TextEncoder
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.training.settings import TrainingSettings
from sdcli.weights.embedding import CLIP_G, CLIP_L

ONLY = "emb_params"  # kohya's name where there is one text encoder


class LearntWord(nn.Module):
    """A word's vectors for each text encoder. They begin as those of other words, or as noise that is
    as long as the vectors of the words there are."""

    def __init__(self, encoders: tuple[TextEncoder, ...], settings: TrainingSettings) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(settings.seed)
        self.names = tuple(encoder.name for encoder in encoders)
        self.rows = nn.ParameterList(
            nn.Parameter(_first_vectors(encoder, settings, dice)) for encoder in encoders
        )

    def vectors(self) -> Mapping[str, Tensor]:
        """The vectors by text encoder."""
        return dict(zip(self.names, self.rows, strict=True))

    def file_tensors(self) -> dict[str, Tensor]:
        """The tensors of the file."""
        kept = {
            name: rows.detach().float().cpu().contiguous() for name, rows in self.vectors().items()
        }
        if set(kept) == {CLIP_L, CLIP_G}:
            return kept
        (rows,) = kept.values()
        return {ONLY: rows}


def _first_vectors(
    encoder: TextEncoder, settings: TrainingSettings, dice: torch.Generator
) -> Tensor:
    table = encoder.core.embeddings.token_embedding.weight.detach().float().cpu()
    if settings.init:
        ids = [token.id for token in clip_tokenizer().encode(settings.init)]
        return table[[ids[row % len(ids)] for row in range(settings.vectors)]].clone()
    said = table[table.abs().amax(1) > 0]  # a row of zeros is a word that was never learnt
    return torch.randn(settings.vectors, table.shape[1], generator=dice) * said.std()
