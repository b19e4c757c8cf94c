"""Calls of the U-Net recorded and replayed, by a recorder without a card: when, and when not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from sdcli.engine.cuda_graphs import MOST_GRAPHS, TIMED, GraphedUnet
from sdcli.engine.denoise import UnetCall
from sdcli.engine.session import Session
from sdcli.errors import BadRequest
from sdcli.events import SilentListener
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request


class Tape:
    """Records by remembering the inputs' places, as a card does, and says how long things take."""

    def __init__(self, as_it_is: float = 10.0, replayed: float = 5.0, full: bool = False) -> None:
        self.as_it_is, self.replayed, self.full = as_it_is, replayed, full
        self.recorded = self.replays = 0

    def record(self, work: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Any:
        if self.full:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.recorded += 1
        held = [each.clone() for each in inputs]

        def replay(*inputs: Tensor) -> Tensor:
            self.replays += 1
            for place, value in zip(held, inputs, strict=True):
                place.copy_(value)
            return work(*held)

        return replay

    def time(self, work: Callable[[], Tensor]) -> tuple[Tensor, float]:
        before = self.replays
        found = work()
        return found, self.replayed if self.replays > before else self.as_it_is


def unet(latents: Tensor, timestep: Tensor, *, encoder_hidden_states: Tensor, **more: Any) -> Any:
    added = more["added_cond_kwargs"]
    extra = 0 if added is None else added["text_embeds"].sum()
    return (latents * timestep + encoder_hidden_states.sum() + extra,)


class Unet:
    dtype = torch.float32
    __call__ = staticmethod(unet)


PIPE: Any = SimpleNamespace(unet=Unet())


def call(n: int, side: int = 4, added: bool = False, **residuals: Any) -> UnetCall:
    more = {"text_embeds": torch.full((2, 3), float(n)), "time_ids": torch.ones(2, 6)}
    latents, embeds = torch.full((2, 4, side, side), float(n)), torch.full((2, 3, 5), n / 7)
    return UnetCall(n, latents, torch.tensor(float(n)), embeds, more if added else None, residuals)


@pytest.mark.parametrize("added", [False, True])
def test_a_graph_that_pays_is_replayed_with_the_same_numbers(added: bool) -> None:
    tape, steps = Tape(), 12
    predict = GraphedUnet(PIPE, tape).make_predict(())
    for n in range(steps):
        given = call(n, added=added)
        expected = unet(
            given.latents, given.timestep, encoder_hidden_states=given.embeds,
            added_cond_kwargs=given.added,
        )[0]  # fmt: skip
        assert torch.equal(predict(given), expected)
    assert tape.recorded == 1 and tape.replays == steps - TIMED


def test_a_graph_that_gains_nothing_is_left_off() -> None:
    tape = Tape(as_it_is=10.0, replayed=9.9)
    predict = GraphedUnet(PIPE, tape).make_predict(())
    for n in range(20):
        predict(call(n))
    assert tape.recorded == 1 and tape.replays == TIMED


def test_without_room_for_a_graph_there_is_none() -> None:
    tape = Tape(full=True)
    predict = GraphedUnet(PIPE, tape).make_predict(())
    assert all(torch.isfinite(predict(call(n))).all() for n in range(8)) and tape.replays == 0


def test_every_shape_has_its_own_and_only_some_are_kept() -> None:
    tape = Tape()
    predict = GraphedUnet(PIPE, tape).make_predict(())
    for side in range(1, MOST_GRAPHS + 2):
        for n in range(TIMED + 1):
            assert predict(call(n, side)).shape[-1] == side
    assert tape.recorded == MOST_GRAPHS + 1
    predict(call(0, 1))  # which was the first to go
    assert tape.recorded == MOST_GRAPHS + 1 and tape.replays == MOST_GRAPHS + 1


def test_other_loras_are_other_weights_and_other_graphs() -> None:
    tape = Tape()
    graphed = GraphedUnet(PIPE, tape)
    for loras in ((), ("a LoRA",), ("a LoRA",), ()):
        predict = graphed.make_predict(loras)  # pyright: ignore[reportArgumentType]
        for n in range(TIMED + 1):
            predict(call(n))
    assert tape.recorded == 3


def test_a_controlnets_step_is_never_recorded() -> None:
    tape = Tape()
    model: Any = SimpleNamespace(unet=lambda latents, *_, **__: (latents,))
    model.unet.dtype = torch.float32
    predict = GraphedUnet(model, tape).make_predict(())
    for n in range(10):
        predict(call(n, down_block_additional_residuals=()))
    assert tape.recorded == 0


def test_it_is_refused_where_it_cannot_be(sd1: Path) -> None:
    request = Request(Draw(), "a fox", model=str(sd1), steps=2, width=64, height=64, device="cpu",
                      seed=1, fast=("cuda-graphs",))  # fmt: skip
    with Session() as session, pytest.raises(BadRequest, match="NVIDIA") as caught:
        session.load(make_plan(request), SilentListener())
    assert caught.value.hint
    for more in (
        {"backend": "compile"},
        {"offload": "model"},
        {"fast": ("cuda-graphs", "step-cache")},
    ):
        with pytest.raises(BadRequest, match="cuda-graphs"):
            make_plan(replace(request, **more))
