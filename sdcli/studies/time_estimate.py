"""How long a run will take, by how long the last one like it took: to load a model, and to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sdcli.hires import second_pass
from sdcli.library import cache
from sdcli.plan import Draw, Edit, Enlarge, Plan
from sdcli.schedulers.names import SCHEDULERS

PACE, LOADING = "pace", "loading"  # in the cache
MOST_REMEMBERED = 200  # of each; the oldest are forgotten first


def count_evaluations(plan: Plan) -> int:
    """About how often the model is asked for all of the plan's pictures."""
    return sum(map(_count_in_pass, _passes(plan)))


def _passes(plan: Plan) -> list[Plan]:
    """The plan, and its second pass as if it were a picture by itself."""
    second = second_pass(plan)
    return [plan] if second is None else [plan, *([second.plan] if second.levels else [])]


def _count_in_pass(plan: Plan) -> int:
    strength = 1.0 if isinstance(plan.task, Draw | Edit | Enlarge) else plan.task.strength
    steps = min(int(plan.steps * strength) + 1, plan.steps) if strength > 0 else 0
    return plan.count * steps * SCHEDULERS[plan.scheduler].solver.evaluations


def known_pace(plan: Plan, manner: str = "") -> float | None:
    """Seconds that an evaluation for this plan takes; None where nothing like it was ever drawn.

    `manner` names a way of drawing that has a pace of its own: its steps are looked at, or nothing
    comes of them but latents.
    """
    return _recall(PACE, _pace_key(plan, manner))


def remember_pace(plan: Plan, took: float, evaluations: int, manner: str = "") -> None:
    """So long took so many evaluations for this plan, decoding and all."""
    if evaluations:
        _remember(PACE, _pace_key(plan, manner), took / evaluations)


def known_loading(plans: Iterable[Plan]) -> float | None:
    """Seconds until the first step that the models of these plans need, each once; None where one
    of them was never loaded first."""
    each = [_recall(LOADING, key) for key in dict.fromkeys(map(_loading_key, plans))]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) if len(known) == len(each) else None


def remember_loading(plan: Plan, took: float) -> None:
    """So long it took until this plan's first step."""
    _remember(LOADING, _loading_key(plan), took)


def relative_cost(plan: Plan) -> float:
    """How long one evaluation for this plan takes, in comparison with another plan's."""
    costs = [
        each.width * each.height * _branches(each) * _count_in_pass(each) for each in _passes(plan)
    ]
    return sum(costs) / max(count_evaluations(plan), 1)


def _branches(plan: Plan) -> int:
    return 1 if plan.cfg == 1 and not isinstance(plan.task, Edit) else 2


def _pace_key(plan: Plan, manner: str) -> str:
    """What drawings must share to take equally long for each evaluation."""
    size = " ".join(f"{each.width}x{each.height}" for each in _passes(plan))
    return f"{_loading_key(plan)} {size} {_branches(plan)} {manner}".rstrip()


def _loading_key(plan: Plan) -> str:
    """What plans must share to be loaded equally fast."""
    return f"{plan.model.sha256[:16]} {plan.device} {plan.dtype} {plan.offload}"


def _recall(kind: str, key: str) -> float | None:
    seconds = cache.recall_value(kind, key)
    return seconds if isinstance(seconds, float) and 0 <= seconds < math.inf else None


def _remember(kind: str, key: str, seconds: float) -> None:
    cache.remember_value(kind, key, seconds, MOST_REMEMBERED)
