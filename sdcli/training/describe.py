"""What a training will do, in rows for people and as an object for programs: `--dry-run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sdcli.metadata import codec
from sdcli.text import count_of, duration, percent
from sdcli.training.batches import BatchOrder
from sdcli.training.estimate import MemoryEstimate, estimate_memory, known_pace
from sdcli.training.learnt_picture import LearntPicture
from sdcli.training.options import EMBEDDING, options_for
from sdcli.training.plan import TrainingPlan
from sdcli.weights.checkpoint import identify_checkpoint

SHOWN = 5  # pictures of which much is cut off
MUCH = 0.05  # of a picture


def plan_rows(plan: TrainingPlan) -> Iterator[tuple[str, str]]:
    """The plan for people: a name and a value each."""
    settings, order = plan.settings, BatchOrder(plan)
    learnt = [one for one in plan.pictures if not one.regular]
    rounds = settings.steps * settings.accumulate / order.batches_per_round
    yield "learns", "a word" if plan.kind == EMBEDDING else _lora_in_words(plan)
    yield "model", str(plan.drawing.model.path)
    yield "from", f"{count_of(len(learnt), 'picture')} in {plan.folder}"
    if regular := [one for one in plan.pictures if one.regular]:
        yield "beside", f"{count_of(len(regular), 'picture')} in {plan.regularisation}"
    if plan.trigger:
        yield "trigger", plan.trigger
    yield "captions", _captions_in_words(learnt)
    yield "buckets", _buckets_in_words(plan)
    yield from _cropped(plan)
    yield (
        "steps",
        f"{settings.steps:,} of {count_of(settings.batch * settings.accumulate, 'picture')}, "
        f"{rounds:.3g} rounds of {order.shown_per_round}",
    )
    yield "rate", f"{settings.lr:g}, {settings.schedule} after {settings.warmup} steps"
    yield "memory", memory_in_words(plan)
    yield "time", _time_in_words(plan)
    yield "writes", f"{plan.out}, and {plan.place}/"


def plan_record(plan: TrainingPlan) -> dict[str, Any]:
    """The plan for programs."""
    order = BatchOrder(plan)
    pace = known_pace(plan)
    return {
        "kind": plan.kind,
        "model": codec.to_data(plan.drawing.model),
        "out": str(plan.out),
        "trigger": plan.trigger,
        "settings": {
            row.name: getattr(plan.settings, row.field) for row in options_for(plan.kind).values()
        },
        "pictures": [
            {
                "path": str(one.file.path),
                "sha256": one.file.sha256,
                "caption": one.caption,
                "repeats": one.repeats,
                "regularisation": one.regular,
                "size": list(one.size),
                "bucket": list(one.placement.bucket),
                "cut": round(one.placement.lost, 4),
            }
            for one in plan.pictures
        ],
        "batches_per_round": order.batches_per_round,
        "memory": _memory(plan).total,
        "seconds": None if pace is None else pace * plan.settings.steps,
    }


def _lora_in_words(plan: TrainingPlan) -> str:
    settings = plan.settings
    kind = "a DoRA" if settings.dora else "a LoRA"
    where = "U-Net and text encoder" if settings.text_encoder else "the U-Net"
    conv = f", convolutions at {settings.conv_rank}" if settings.conv_rank else ""
    return f"{kind} of rank {settings.rank}, alpha {settings.alpha:g}{conv}, beside {where}"


def _captions_in_words(pictures: list[LearntPicture]) -> str:
    captions = Counter(one.caption for one in pictures)
    first, count = captions.most_common(1)[0]
    if len(captions) == 1:
        return f"`{first}`, for all"
    return f"{len(captions)} different ones, such as `{first}`" + (
        f" ({count} times)" if count > 1 else ""
    )


def _buckets_in_words(plan: TrainingPlan) -> str:
    counts = Counter(one.placement.bucket for one in plan.pictures)
    return ", ".join(f"{w}x{h}: {count}" for (w, h), count in sorted(counts.items()))


def _cropped(plan: TrainingPlan) -> Iterator[tuple[str, str]]:
    """The pictures of which much is cut off, the most first."""
    much = [one for one in plan.pictures if one.placement.lost > MUCH]
    if not much:
        return
    much.sort(key=lambda one: -one.placement.lost)
    shown = [f"{one.file.path.name} {percent(one.placement.lost)}" for one in much[:SHOWN]]
    more = f" and {len(much) - SHOWN} more" if len(much) > SHOWN else ""
    yield "cut off", ", ".join(shown) + more


def _memory(plan: TrainingPlan) -> MemoryEstimate:
    number = 4 if plan.drawing.dtype == "fp32" or plan.drawing.device in ("cpu", "auto") else 2
    return estimate_memory(plan, identify_checkpoint(plan.drawing.model.path), number)


def memory_in_words(plan: TrainingPlan) -> str:
    """What it needs, all kept and some of it computed twice."""
    whole = _memory(plan)
    less = whole.in_checkpoints()
    return f"about {_gigabytes(whole.total)}; with `--checkpointing on` {_gigabytes(less.total)}"


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GB"


def _time_in_words(plan: TrainingPlan) -> str:
    pace = known_pace(plan)
    if pace is None:
        return "not known: nothing like it was trained here before"
    return f"about {duration(pace * plan.settings.steps)}, at {pace:.2g} s a step"
