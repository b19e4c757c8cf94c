"""How much memory a training needs, and how long it takes, told before anything is loaded."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sdcli.library import cache
from sdcli.training.options import EMBEDDING
from sdcli.training.plan import TrainingPlan
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET, VAE

PACE = "training pace"  # in the cache
MOST_REMEMBERED = 200
FP32 = 4  # bytes of a number
# Numbers that are kept for the way back, for each place and channel of a layer: counted in torch's own
# graph of SD 1.5's blocks. A step of it at 512x512 in fp32 took 7.4 GB at its fullest, and 7.2 by this.
OF_RESNET = 8
OF_TRANSFORMER = 38
KEPT_IN_CHECKPOINTS = 0.2  # of them, where all but the edges of blocks is computed twice
LEARNING = 4 * FP32  # a number that is learnt: itself, its gradient, AdamW's two averages
_LEVEL = re.compile(r"(down|up)_blocks\.(\d+)\.")


@dataclass(frozen=True)
class MemoryEstimate:
    """What a training needs at its fullest, in bytes."""

    weights: int
    learnt: int
    kept: int  # for the way back

    @property
    def total(self) -> int:
        """All of it, with a gigabyte for the program itself and what it needs for a moment."""
        return self.weights + self.learnt + self.kept + 2**30

    def in_checkpoints(self) -> MemoryEstimate:
        """The same where most is computed twice instead of kept."""
        return MemoryEstimate(self.weights, self.learnt, int(self.kept * KEPT_IN_CHECKPOINTS))


def estimate_memory(plan: TrainingPlan, model: Checkpoint, number: int) -> MemoryEstimate:
    """What a training needs where the frozen weights take `number` bytes each."""
    sizes = [one.placement.bucket for one in plan.pictures]
    pixels = max(width * height for width, height in sizes)
    kept = count_kept_numbers(model, pixels // 64) * plan.settings.batch
    texts = [kind for kind in (TEXT, TEXT_2) if kind in model.components]
    learns = plan.settings.text_encoder or plan.kind == EMBEDDING
    held = [UNET, *(texts if learns else [])]
    weights = sum(_count(model, kind) for kind in held) * number
    caching = _count(model, VAE) * FP32 if VAE in model.components else 0
    return MemoryEstimate(weights + caching, count_learnt(plan, model) * LEARNING, kept * number)


def count_learnt(plan: TrainingPlan, model: Checkpoint) -> int:
    """About how many numbers are learnt."""
    settings = plan.settings
    if plan.kind == EMBEDDING:
        return settings.vectors * model.family.text_width
    texts = (TEXT, TEXT_2) if settings.text_encoder else ()
    count = 0
    for kind in (UNET, *texts):
        if kind in model.components:
            for name, shape in model.components[kind].shapes.items():
                if len(shape) > 1 and _is_learnt(kind, name):
                    count += settings.rank * (shape[0] + shape[1])
    return count


def _is_learnt(kind: str, name: str) -> bool:
    if kind == UNET:
        return ".attentions." in name
    return ".self_attn." in name or ".mlp." in name


def _count(model: Checkpoint, kind: str) -> int:
    return sum(math.prod(shape) for shape in model.components[kind].shapes.values())


def count_kept_numbers(model: Checkpoint, cells: int) -> int:
    """How many numbers one picture of so many latent cells makes that the way back needs."""
    shapes = model.components[UNET].shapes
    found = [_LEVEL.match(name) for name in shapes]
    deepest = max((int(one[2]) for one in found if one), default=0)
    total = 0
    for name, shape in shapes.items():
        here = _LEVEL.match(name)
        level = deepest
        if here:
            level = int(here[2]) if here[1] == "down" else deepest - int(here[2])
        places = max(1, cells // 4**level)
        if name.endswith("conv1.weight"):
            total += places * (shape[0] + shape[1]) // 2 * OF_RESNET
        elif name.endswith("norm1.weight") and ".transformer_blocks." in name:
            total += places * shape[0] * OF_TRANSFORMER
    return total


def known_pace(plan: TrainingPlan) -> float | None:
    """Seconds of a step, where a training like it ran here before."""
    seconds = cache.recall_value(PACE, _key(plan))
    return seconds if isinstance(seconds, float) and 0 < seconds < math.inf else None


def remember_pace(plan: TrainingPlan, seconds: float) -> None:
    """So long took a step of this training."""
    cache.remember_value(PACE, _key(plan), seconds, MOST_REMEMBERED)


def _key(plan: TrainingPlan) -> str:
    """What trainings must share to take equally long a step."""
    drawing, settings = plan.drawing, plan.settings
    what = f"{plan.kind} {settings.text_encoder} {settings.conv_rank > 0} {settings.dora}"
    how = f"{settings.size} {settings.batch} {settings.accumulate} {settings.checkpointing}"
    return f"{drawing.model.sha256[:16]} {drawing.device} {drawing.dtype} {what} {how}"
