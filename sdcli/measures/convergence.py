"""The picture that deterministic solvers tend to: which plans have one, and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.hires import second_pass
from sdcli.plan import Plan
from sdcli.prompts.stages import changes_on_the_way
from sdcli.schedulers.names import SCHEDULERS


@dataclass(frozen=True)
class Reference:
    """The converged picture of one seed: how it was drawn, and what shows that it converged."""

    scheduler: str
    steps: int
    witness: str  # another solver...
    witness_steps: int
    apart: float  # ... and how far apart the two ended, as a share
    cached: bool = False


def is_deterministic(plan: Plan) -> bool:
    """Whether the plan's solver draws no noise but the first."""
    solver = SCHEDULERS[plan.scheduler].solver
    return not (solver.always_noisy or solver.fixed_eta or plan.eta)


def has_limit(plan: Plan) -> bool:
    """Whether more and more steps lead to one picture: the solver draws no fresh noise, what is
    asked of the model does not change after a share of the steps, wherever those may be, and there
    is no second pass, which begins at a level that hangs on their number."""
    whole = all(control.start <= 0 and control.end >= 1 for control in plan.controls)
    whole = whole and second_pass(plan) is None
    return is_deterministic(plan) and not changes_on_the_way(plan) and whole
