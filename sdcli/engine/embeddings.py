"""The vectors of textual inversions, for the text encoders that will read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from sdcli.engine.read_tensors import check_finite, load_tensors
from sdcli.plan import Embedding
from sdcli.weights import embedding
from sdcli.weights.embedding_in_image import read_embedding_rows

Vectors = Mapping[str, Mapping[str, torch.Tensor]]  # word -> encoder -> its vectors [n, width]


def load_embeddings(words: Iterable[Embedding], encoders: Iterable[str]) -> Vectors:
    """Every word's vectors for each encoder, in fp32."""
    names = tuple(encoders)
    return {word.word: _vectors(word, names) for word in words}


def _vectors(word: Embedding, encoders: tuple[str, ...]) -> dict[str, torch.Tensor]:
    every = embedding.bundled_embeddings(word.file.path)
    found = next((one for one in every if one.word == word.word), every[0])
    if not found.tensors:
        return dict.fromkeys(encoders, torch.tensor(read_embedding_rows(found.path)))
    own = {encoder: found.tensor(encoder) for encoder in encoders}
    tensors = load_tensors(word.file.path, lambda name: name in own.values())
    path = word.file.path
    return {
        encoder: check_finite(tensors[name].float(), path, name).reshape(word.vectors, -1)
        for encoder, name in own.items()
    }
