"""The loop on a device: no step waits for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sdcli.engine.passes import start_steps
from sdcli.engine.session import Session
from sdcli.events import SilentListener
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

# A number read from a tensor, and a tensor made of a number: on a GPU each waits for all before it.
WAITING = {"aten._local_scalar_dense.default", "aten.lift_fresh.default", "aten.nonzero.default"}


class Watcher(TorchDispatchMode):
    """Writes down what torch is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.asked.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("scheduler", ["euler", "dpm++2m-karras", "unipc", "heun", "lcm"])
def test_no_step_after_the_first_waits_for_the_device(sd1: Path, scheduler: str) -> None:
    request = Request(Draw(), "a fox", negative="blurry", model=str(sd1), seed=1, steps=4,
                      width=64, height=64, scheduler=scheduler, cfg=3.0)  # fmt: skip
    plan, session = make_plan(request), Session()
    held = session.load(plan, SilentListener())
    _, steps = start_steps([plan], held, session.prepare(plan, held, SilentListener()))
    next(steps)
    with Watcher() as watcher:
        for _ in steps:
            pass
    assert len(watcher.asked) > 100
    assert WAITING.isdisjoint(watcher.asked)


def test_the_watcher_sees_what_would_wait() -> None:
    with Watcher() as watcher:
        torch.tensor(3.0, device="cpu") + torch.ones(2)[0].item()
    assert set(watcher.asked) >= {"aten._local_scalar_dense.default", "aten.lift_fresh.default"}
