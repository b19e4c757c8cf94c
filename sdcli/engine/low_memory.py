"""What is tried when memory runs out: one way after the other, each announced and recorded."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from sdcli.engine.pipeline import Pipeline
from sdcli.errors import SdcliError

T = TypeVar("T")


@dataclass(frozen=True)
class Fallback:
    """One way to need less memory."""

    name: str
    take: Callable[[Pipeline, torch.device], None]
    needs_gpu: bool = False
    cuts: bool = False  # pictures into parts, with edges that are none of the picture


def _tile(pipe: Pipeline, _: torch.device) -> None:
    pipe.vae.enable_tiling()


def _slice(pipe: Pipeline, _: torch.device) -> None:
    pipe.enable_attention_slicing()


def offload_model(pipe: Pipeline, device: torch.device) -> None:
    """Each module on the GPU only while it works."""
    pipe.enable_model_cpu_offload(device=device)


def offload_sequential(pipe: Pipeline, device: torch.device) -> None:
    """Each layer on the GPU only while it works: the least memory, and slow."""
    pipe.remove_all_hooks()
    pipe.enable_sequential_cpu_offload(device=device)


FALLBACKS = (
    Fallback("VAE in tiles", _tile, cuts=True),
    Fallback("attention in slices", _slice),
    Fallback("model offload", offload_model, needs_gpu=True),
    Fallback("sequential offload", offload_sequential, needs_gpu=True),
)


class MemoryFallbacks:
    """The fallbacks still to be taken for one loaded pipeline, and those taken already."""

    def __init__(self, device: torch.device, offload: str, *, whole_vae: bool = False) -> None:
        gpu = device.type != "cpu"
        # Where the user chose an offload, no other is chosen here.
        possible = [f for f in FALLBACKS if not f.needs_gpu or (gpu and offload == "auto")]
        self._left = [f for f in possible if not (f.cuts and whole_vae)]
        self._device = device
        self._taken: list[Fallback] = []
        self._batch: int | None = None  # how many pictures fitted at once, where it was tried

    @property
    def offloaded(self) -> bool:
        """Whether a fallback moves modules on and off the GPU by itself."""
        return any(fallback.needs_gpu for fallback in self._taken)

    @property
    def taken(self) -> tuple[str, ...]:
        """What was done about memory, for the record."""
        smaller = () if self._batch is None else (_describe_batch(self._batch),)
        names = (*smaller, *(fallback.name for fallback in self._taken))
        return tuple(f"out of memory: {name}" for name in names)

    def retry_batch(
        self, pipe: Pipeline, work: Callable[[int], T], pictures: int, note: Callable[[str], None]
    ) -> T:
        """The work's result for so many pictures, or for half of them as often as memory runs out.

        One picture that does not fit is tried again as `retry` does.
        """
        pictures = min(pictures, self._batch or pictures)
        while pictures > 1:
            try:
                return work(pictures)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            self._free_memory()
            pictures = self._batch = pictures // 2
            note(f"memory ran out: going on with {_describe_batch(pictures)}")
        return self.retry(pipe, lambda: work(1), note)

    def retry(
        self,
        pipe: Pipeline,
        work: Callable[[], T],
        note: Callable[[str], None],
        *,
        placing: bool = False,
    ) -> T:
        """The work's result, done again from its start after every fallback that was needed.

        While the model is being placed on the GPU, only moving it off again helps.
        """
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                fact = _first_line(error)
            self._free_memory()
            fallback = next((f for f in self._left if f.needs_gpu or not placing), None)
            if fallback is None:
                raise SdcliError(
                    f"memory ran out ({fact})",
                    hint="draw smaller (`-W`, `-H`), or free memory on the machine",
                )
            self._left.remove(fallback)
            self._taken.append(fallback)
            note(f"memory ran out: going on with {fallback.name}")
            fallback.take(pipe, self._device)

    def _free_memory(self) -> None:
        """Call it outside the except block: the traceback holds the tensors that filled the memory."""
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _describe_batch(pictures: int) -> str:
    return f"{pictures} pictures at a time" if pictures > 1 else "1 picture at a time"


def unless_out_of_memory(work: Callable[[], T]) -> T | None:
    """The work's result; None where memory ran out for it."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of memory, on whatever device."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text


def _first_line(error: Any) -> str:
    return str(error).split("\n", 1)[0][:120] or type(error).__name__
