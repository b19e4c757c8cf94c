"""How far each step goes: the learning rate over a training."""

from __future__ import annotations

import math

from sdcli.training.settings import TrainingSettings


def rate_at(settings: TrainingSettings, step: int) -> float:
    """The share of the learning rate at a step, counted from 0: it rises at first, then it stays, or
    falls to nothing at the end."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    match settings.schedule:
        case "linear":
            return max(0.0, 1 - done)
        case "cosine":
            return (1 + math.cos(math.pi * min(done, 1.0))) / 2
        case _:
            return 1.0
