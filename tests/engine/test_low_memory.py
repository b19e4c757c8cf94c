"""Memory that runs out, for real: allocations that no machine can grant."""

import pytest
import torch

from sdcli.engine.low_memory import FALLBACKS, MemoryFallbacks, is_out_of_memory
from sdcli.errors import SdcliError


class Taken:
    """A pipeline that remembers which rungs were taken."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.vae = self

    def enable_tiling(self) -> None:
        self.calls.append("tiles")

    def enable_attention_slicing(self) -> None:
        self.calls.append("slices")


def exhaust() -> torch.Tensor:
    return torch.empty(2**55)


def test_running_out_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        exhaust()
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_work_is_done_again_after_each_rung() -> None:
    pipe, notes, tries = Taken(), [], []

    def work() -> str:
        tries.append(len(tries))
        if len(tries) < 3:
            exhaust()
        return "done"

    ladder = MemoryFallbacks(torch.device("cpu"), "auto")
    assert ladder.retry(pipe, work, notes.append) == "done"
    assert pipe.calls == ["tiles", "slices"] and tries == [0, 1, 2]
    assert len(notes) == 2 and FALLBACKS[0].name in notes[0]
    assert ladder.taken == tuple(f"out of memory: {rung.name}" for rung in FALLBACKS[:2])


def test_at_the_end_of_the_ladder_the_fact_is_told() -> None:
    with pytest.raises(SdcliError, match="memory ran out") as caught:
        MemoryFallbacks(torch.device("cpu"), "auto").retry(Taken(), exhaust, lambda _: None)
    assert caught.value.exit_code == 1 and "-W" in caught.value.hint


def test_other_failures_are_not_climbed() -> None:
    def wrong() -> None:
        torch.zeros(2, 3) @ torch.zeros(2, 3)

    with pytest.raises(RuntimeError, match="shapes"):
        MemoryFallbacks(torch.device("cpu"), "auto").retry(Taken(), wrong, lambda _: None)


def test_an_offload_that_was_chosen_stays() -> None:
    gpu = torch.device("cuda")
    assert sum(rung.needs_gpu for rung in MemoryFallbacks(gpu, "auto")._left) == 2
    assert not any(rung.needs_gpu for rung in MemoryFallbacks(gpu, "none")._left)
