"""The U-Net's call recorded once for each shape as a CUDA graph, and replayed: a step costs no launches.

Whether that pays depends on model, size and card. So the first calls are timed as they are, then some
as a graph, and what is not faster is left off.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

import torch
from torch import Tensor

from sdcli.engine.denoise import Predict, UnetCall, call_unet
from sdcli.engine.low_memory import unless_out_of_memory
from sdcli.engine.pipeline import Pipeline
from sdcli.plan import Lora

MOST_GRAPHS = 4  # shapes; each holds the memory of one call
TIMED = 3  # calls of each kind; the first of them is not counted
GAIN = 0.98  # of the time as it is that a graph may take at most

Work = Callable[..., Tensor]


class Recorder(Protocol):
    """A device that records work and tells time."""

    def record(self, work: Work, inputs: Sequence[Tensor]) -> Work:
        """The same work for inputs of these shapes, recorded."""
        ...

    def time(self, work: Callable[[], Tensor]) -> tuple[Tensor, float]:
        """What the work gives, and how long the device took."""
        ...


class CudaRecorder:
    """Records on the current CUDA device."""

    def record(self, work: Work, inputs: Sequence[Tensor]) -> Work:
        """The same work for inputs of these shapes, recorded."""
        held = [each.clone() for each in inputs]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # libraries choose their ways in a first call
            work(*held)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            found = work(*held)

        def replay(*inputs: Tensor) -> Tensor:
            for place, value in zip(held, inputs, strict=True):
                place.copy_(value)
            graph.replay()
            return found.clone()

        return replay

    def time(self, work: Callable[[], Tensor]) -> tuple[Tensor, float]:
        """What the work gives, and how long the device took."""
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        found = work()
        after.record()
        after.synchronize()
        return found, before.elapsed_time(after)


@dataclass
class _Shape:
    """What is known of calls of one shape."""

    as_it_is: list[float] = field(default_factory=list[float])
    replayed: list[float] = field(default_factory=list[float])
    replay: Work | None = None
    left_off: bool = False

    @property
    def pays(self) -> bool:
        """Whether the graph is faster than the call as it is."""
        return median(self.replayed[1:]) <= GAIN * median(self.as_it_is[1:])


class GraphedUnet:
    """Calls the U-Net of one pipeline, by a graph where one pays."""

    def __init__(self, pipe: Pipeline, recorder: Recorder) -> None:
        self._predict = call_unet(pipe)
        self._recorder = recorder
        self._shapes: OrderedDict[Hashable, _Shape] = OrderedDict()
        self._loras: tuple[Lora, ...] = ()

    def make_predict(self, loras: tuple[Lora, ...]) -> Predict:
        """The call for a U-Net that wears these LoRAs; graphs of other weights are forgotten."""
        if loras != self._loras:
            self._shapes.clear()
            self._loras = loras
        return self._call

    def _call(self, call: UnetCall) -> Tensor:
        if call.residuals:  # of ControlNets, which come and go during a picture
            return self._predict(call)
        names = tuple(call.added or ())
        inputs = (call.latents, call.timestep, call.embeds, *(call.added or {}).values())

        def work(latents: Tensor, timestep: Tensor, embeds: Tensor, *added: Tensor) -> Tensor:
            named = dict(zip(names, added, strict=True)) if names else None
            return self._predict(UnetCall(call.evaluation, latents, timestep, embeds, named, {}))

        shape = self._find((names, *((each.shape, each.dtype) for each in inputs)))
        if shape.left_off:
            return work(*inputs)
        if len(shape.as_it_is) < TIMED:
            found, took = self._recorder.time(lambda: work(*inputs))
            shape.as_it_is.append(took)
            return found
        return self._by_graph(shape, work, inputs)

    def _find(self, key: Hashable) -> _Shape:
        shape = self._shapes.setdefault(key, _Shape())
        self._shapes.move_to_end(key)
        if len(self._shapes) > MOST_GRAPHS:
            self._shapes.popitem(last=False)
        return shape

    def _by_graph(self, shape: _Shape, work: Work, inputs: Sequence[Tensor]) -> Tensor:
        if shape.replay is None:
            shape.replay = unless_out_of_memory(lambda: self._recorder.record(work, inputs))
        if (replay := shape.replay) is None:
            shape.left_off = True
            return work(*inputs)
        if len(shape.replayed) >= TIMED:
            return replay(*inputs)
        found, took = self._recorder.time(lambda: replay(*inputs))
        shape.replayed.append(took)
        if len(shape.replayed) == TIMED and not shape.pays:
            shape.left_off, shape.replay = True, None
        return found
