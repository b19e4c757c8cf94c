"""The second pass at a larger size ("hires fix"): its size, its steps and its plan, number by number as
A1111 reckons them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sdcli.images.upscalers import UPSCALERS, PlainUpscaler
from sdcli.options.parse import split_size
from sdcli.plan import Draw, File, Plan
from sdcli.schedulers.names import SCHEDULERS

CELL = 8  # pixels
ALMOST_ALL = 0.999  # of the way back to noise alone is the most that a second pass goes


@dataclass(frozen=True)
class Enlarged:
    """The first pass's picture made so large that it covers the second one's, which is cut from it."""

    width: int  # pixels, not always whole cells
    height: int
    cut_across: int = 0  # cells
    cut_down: int = 0

    @property
    def cells(self) -> tuple[int, int]:
        """Width and height in cells, before anything is cut."""
        return self.width // CELL, self.height // CELL

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is left, in pixels."""
        wide, high = self.cells
        return (wide - self.cut_across) * CELL, (high - self.cut_down) * CELL


@dataclass(frozen=True)
class SecondPass:
    """What is done with the latents of a first pass."""

    plan: Plan  # as if it were a picture by itself
    enlarged: Enlarged
    upscaler: PlainUpscaler | File
    strength: float

    @property
    def levels(self) -> int:
        """How many steps its schedule has; the plan's are the last of them, and all are taken."""
        return int(self.plan.steps / min(self.strength, ALMOST_ALL)) if self.strength else 0


def enlarge_size(width: int, height: int, hires: str) -> Enlarged:
    """How large a picture of this size is made: in proportion, then cut where both sides are said."""
    if "x" not in hires:
        times = float(hires)
        return Enlarged(int(width * times), int(height * times))
    across, down = split_size(hires)
    if not down or (across and width / height < across / down):
        large = across, across * height // width
    else:
        large = down * width // height, down
    if not across or not down:
        return Enlarged(*large)
    return Enlarged(*large, (large[0] - across) // CELL, (large[1] - down) // CELL)


def second_pass(plan: Plan) -> SecondPass | None:
    """The plan's second pass; None where it has none."""
    task = plan.task
    if not isinstance(task, Draw) or not task.hires:
        return None
    enlarged = enlarge_size(plan.width, plan.height, task.hires)
    scheduler = task.hires_scheduler or plan.scheduler
    alone = replace(
        plan,
        task=Draw(),
        words=(),
        prompt=task.hires_prompt or plan.prompt,
        negative=task.hires_negative or plan.negative,
        scheduler=scheduler,
        eta=_eta(plan, scheduler),
        steps=task.hires_steps or plan.steps,
        cfg=task.hires_cfg or plan.cfg,
        width=enlarged.size[0],
        height=enlarged.size[1],
    )
    named = task.hires_upscaler
    upscaler = named if isinstance(named, File) else UPSCALERS[named]
    return SecondPass(alone, enlarged, upscaler, task.hires_strength)


def _eta(plan: Plan, scheduler: str) -> float:
    """The second solver's own eta, or the plan's, where that is not the first one's own."""
    first, second = SCHEDULERS[plan.scheduler].solver, SCHEDULERS[scheduler].solver
    if second.eta is None:
        return second.fixed_eta
    return second.eta if plan.eta in (first.eta, first.fixed_eta) else plan.eta


def drawn_size(plan: Plan) -> tuple[int, int]:
    """Width and height of the finished picture."""
    second = second_pass(plan)
    last = plan if second is None else second.plan
    return last.width, last.height
