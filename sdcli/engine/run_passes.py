"""All that is done for the pictures of one batch, pass after pass."""

from __future__ import annotations

from collections.abc import Callable

from sdcli.engine.hires import count_second_steps, hires_pass
from sdcli.engine.passes import BatchDrawing, DrawnLatents, decode_pass, denoise_pass

PASSES: tuple[Callable[[BatchDrawing], None], ...] = (denoise_pass, hires_pass, decode_pass)
"""What is done for every batch of pictures, in this order; each pass finds what the last one left."""


def run_passes(state: BatchDrawing) -> list[DrawnLatents]:
    """The pictures of a batch."""
    state.to_come = count_second_steps(state.plan)
    for run_pass in PASSES:
        run_pass(state)
    return state.drawn
