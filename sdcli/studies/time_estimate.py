"""How long a drawing will take, by how long the last one like it took."""

from __future__ import annotations

import math

from sdcli.library import cache
from sdcli.plan import Draw, Edit, Plan
from sdcli.schedulers.names import SCHEDULERS

KIND = "pace"  # in the cache
MOST_PACES = 200  # paces remembered; the oldest are forgotten first


def count_evaluations(plan: Plan) -> int:
    """About how often the model is asked for all of the plan's pictures."""
    share = 1.0 if isinstance(plan.task, Draw | Edit) else plan.task.strength
    return (
        plan.count
        * max(round(plan.steps * share), 1)
        * SCHEDULERS[plan.scheduler].solver.evaluations
    )


def known_pace(plan: Plan) -> float | None:
    """Seconds that an evaluation for this plan takes; None where nothing like it was ever drawn."""
    pace = cache.recall_value(KIND, _pace_key(plan))
    return pace if isinstance(pace, float) and 0 <= pace < math.inf else None


def remember_pace(plan: Plan, took: float) -> None:
    """So long took this plan, decoding and all."""
    cache.remember_value(KIND, _pace_key(plan), took / count_evaluations(plan), MOST_PACES)


def relative_cost(plan: Plan) -> float:
    """How long one evaluation for this plan takes, in comparison with another plan's."""
    return plan.width * plan.height * _branches(plan)


def _branches(plan: Plan) -> int:
    return 1 if plan.cfg == 1 and not isinstance(plan.task, Edit) else 2


def _pace_key(plan: Plan) -> str:
    """What drawings must share to take equally long for each evaluation."""
    size = f"{plan.width}x{plan.height}"
    where = f"{plan.device} {plan.dtype} {plan.offload}"
    return f"{plan.model.sha256[:16]} {size} {_branches(plan)} {where}"
