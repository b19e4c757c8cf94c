"""How long a drawing will take, by how long the last one like it took."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from sdcli import folders
from sdcli.plan import Draw, Edit, Plan
from sdcli.schedulers.names import SCHEDULERS

MOST_PACES = 200  # paces remembered; the oldest are forgotten first


def count_evaluations(plan: Plan) -> int:
    """About how often the model is asked for all of the plan's pictures."""
    share = 1.0 if isinstance(plan.task, Draw | Edit) else plan.task.strength
    return (
        plan.count
        * max(round(plan.steps * share), 1)
        * SCHEDULERS[plan.scheduler].solver.evaluations
    )


def estimate_seconds(plans: Iterable[Plan]) -> float | None:
    """About how long the plans will take; None where nothing like one of them was ever drawn."""
    known, total = _read_paces(), 0.0
    for plan in plans:
        pace = known.get(_pace_key(plan))
        if pace is None:
            return None
        total += pace * count_evaluations(plan)
    return total


def remember_pace(plan: Plan, took: float) -> None:
    """So long took this plan, decoding and all."""
    known, kind = _read_paces(), _pace_key(plan)
    known.pop(kind, None)
    known[kind] = took / count_evaluations(plan)
    file = folders.cache() / "pace.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(dict(list(known.items())[-MOST_PACES:])), encoding="utf-8")
        partial.replace(file)
    except OSError:
        return  # a guess less


def _pace_key(plan: Plan) -> str:
    """What drawings must share to take equally long for each evaluation."""
    branches = 1 if plan.cfg == 1 and not isinstance(plan.task, Edit) else 2
    size = f"{plan.width}x{plan.height}"
    return f"{plan.model.sha256[:16]} {size} {branches} {plan.device} {plan.dtype} {plan.offload}"


def _read_paces() -> dict[str, float]:
    try:
        data: Any = json.loads((folders.cache() / "pace.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    pairs = cast(dict[Any, Any], data).items()
    return {str(kind): float(pace) for kind, pace in pairs if isinstance(pace, int | float)}
