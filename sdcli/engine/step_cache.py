"""Deep features of the U-Net kept for some steps (DeepCache, Ma et al., 2312.00858).

Between two steps that follow each other, what the deep blocks see hardly changes. Every third call is
a whole one; the two after it compute only the outermost layers, around what the deep ones said.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sdcli.engine.denoise import Predict, UnetCall, call_unet
from sdcli.engine.pipeline import Pipeline

EVERY = 3  # calls, of which the first is whole; another number would be another way's name


def cache_steps(pipe: Pipeline) -> Predict:
    """The U-Net's call for one drawing: whole, twice shallow, whole, twice shallow..."""
    whole, outer = call_unet(pipe), OuterLayers(pipe.unet)

    def predict(call: UnetCall) -> Tensor:
        shape = call.latents.shape  # without guidance there are fewer rows
        if call.evaluation % EVERY and outer.fits(shape):
            return outer(call)
        with outer.listen(shape):
            return whole(call)

    return predict


class OuterLayers:
    """The first layer of a U-Net on its way down and the last two on its way up, run alone."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self._down, self._up = unet.down_blocks[0], unet.up_blocks[-1]
        self._entry = len(self._up.resnets) - 2  # the layer that takes the first skip but one
        self._deep: Tensor | None = None  # what that layer was given by the deeper ones
        self._shape: torch.Size | None = None

    def fits(self, shape: torch.Size) -> bool:
        """Whether what is kept is of a call of this shape."""
        return self._deep is not None and self._shape == shape

    def listen(self, shape: torch.Size) -> Any:
        """Until the block ends, what the deep layers say is kept."""
        self._deep, self._shape = None, shape
        skip = self._down.resnets[0].out_channels

        def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            self._deep = given[0][:, :-skip]

        return self._up.resnets[self._entry].register_forward_pre_hook(keep)

    def __call__(self, call: UnetCall) -> Tensor:
        """The prediction, by the outer layers around what the deep ones said last."""
        assert self._deep is not None
        unet, latents = self._unet, call.latents.to(self._unet.dtype)
        embedding = self._time_embedding(call, latents)
        first = unet.conv_in(latents)
        second = self._layer(self._down, 0, first, embedding, call)
        extra = call.residuals.get("down_block_additional_residuals")
        if extra is not None:
            first, second = first + extra[0], second + extra[1]
        hidden = self._deep
        for index, skip in ((self._entry, second), (self._entry + 1, first)):
            hidden = torch.cat([hidden, skip], dim=1)
            hidden = self._layer(self._up, index, hidden, embedding, call)
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))

    def _time_embedding(self, call: UnetCall, latents: Tensor) -> Tensor:
        unet = self._unet
        embedding = unet.time_embedding(unet.get_time_embed(latents, call.timestep))
        more = unet.get_aug_embed(embedding, call.embeds, call.added)
        return embedding if more is None else embedding + more

    @staticmethod
    def _layer(block: Any, index: int, hidden: Tensor, embedding: Tensor, call: UnetCall) -> Tensor:
        """A residual layer of a block, and its attention where it has one."""
        hidden = block.resnets[index](hidden, embedding)
        attentions = getattr(block, "attentions", None)
        if attentions is None:
            return hidden
        return attentions[index](hidden, encoder_hidden_states=call.embeds, return_dict=False)[0]
