"""Where in the picture each word was attended to: the U-Net's cross-attention, recorded.

Each block asks, for every cell of its latents, which words matter there; the answers (the softmax
over the words) are what is kept. The drawing itself is computed as always, to the same bits.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from sdcli.engine.denoise import Predict, UnetCall
from sdcli.prompts.word_positions import PlacedWord

CROSS = "attn2"  # what diffusers calls the attention to the words; attn1 is the picture to itself


class AttentionMaps:
    """The attention of one drawing, averaged over blocks, heads and steps: a map for each place of
    the encoded prompt."""

    def __init__(self, height: int, width: int) -> None:
        self._size = height, width  # of the latents
        self._now: list[torch.Tensor] = []
        self._sum: torch.Tensor | None = None
        self._steps = 0

    def record(self, attention: Any, hidden: torch.Tensor, words: torch.Tensor) -> None:
        """One block's attention, of the prompt's own branch, which comes last."""
        query = attention.head_to_batch_dim(attention.to_q(hidden[-1:]))
        key = attention.head_to_batch_dim(attention.to_k(words[-1:]))
        shares = attention.get_attention_scores(query, key).float().mean(0)  # [cells, places]
        rows, columns = _grid(shares.shape[0], *self._size)
        grid = shares.T.reshape(1, -1, rows, columns)
        self._now.append(
            torch.nn.functional.interpolate(grid, self._size, mode="bilinear")[0].cpu()
        )

    def end_step(self, first: bool) -> None:
        """A step is done; after the `first` everything begins anew."""
        if first:
            self._sum, self._steps = None, 0
        if self._now:
            mean = torch.stack(self._now).mean(0)
            self._sum = mean if self._sum is None else self._sum + mean
            self._steps += 1
        self._now = []

    def map_of_word(self, word: PlacedWord, length: int) -> torch.Tensor:
        """The word's map, [height, width]: the share of attention that its tokens had.

        `length` is how many places the prompt has before it is repeated to the length of another.
        """
        if self._sum is None:
            raise ValueError("nothing was drawn")
        mean = self._sum / self._steps
        places = [p for place in word.places for p in range(place, mean.shape[0], length)]
        return mean[places].sum(0)


class _Recording:
    """An attention processor that shows what it sees before the usual one does its work."""

    def __init__(self, usual: Any, maps: AttentionMaps) -> None:
        self._usual, self._maps = usual, maps

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *more: Any,
        **named: Any,
    ) -> torch.Tensor:
        if encoder_hidden_states is not None:
            self._maps.record(attn, hidden_states, encoder_hidden_states)
        return self._usual(
            attn, hidden_states, encoder_hidden_states, attention_mask, *more, **named
        )


def recording_predict(predict: Predict, unet: Any, maps: AttentionMaps) -> Predict:
    """The same predictions, to the bit, while the attention of each is recorded."""

    def predict_and_record(call: UnetCall) -> torch.Tensor:
        with record_attention(unet, maps):
            prediction = predict(call)
        maps.end_step(first=call.evaluation == 0)
        return prediction

    return predict_and_record


@contextmanager
def record_attention(unet: Any, maps: AttentionMaps) -> Generator[None]:
    """While this holds, every cross-attention of the U-Net is recorded."""
    blocks = [module for name, module in unet.named_modules() if name.endswith(CROSS)]
    usual: Sequence[Any] = [block.processor for block in blocks]
    for block, processor in zip(blocks, usual, strict=True):
        block.processor = _Recording(processor, maps)
    try:
        yield
    finally:
        for block, processor in zip(blocks, usual, strict=True):
            block.processor = processor


def _grid(cells: int, height: int, width: int) -> tuple[int, int]:
    """The rows and columns of a block's cells: the latents', halved so many times."""
    while height * width > cells:
        height, width = -(-height // 2), -(-width // 2)
    return height, width
