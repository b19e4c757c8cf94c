"""Schedulers compared in numbers: what was measured, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from sdcli.plan import Plan
from sdcli.prompts.scheduling import schedule_texts
from sdcli.prompts.syntax import split_at_and
from sdcli.schedulers.names import SCHEDULERS
from sdcli.studies.sweep.plan import MANY_STEPS
from sdcli.text import percent, seconds

THRESHOLDS = (
    0.01,
    0.02,
    0.05,
    0.1,
)  # "within so much of converged", the strictest that anyone meets
FARTHEST = 4.0  # times the steps that were drawn: no extrapolation goes beyond it
SLOWEST = 0.6  # the least slope of an error that converges; what falls slower is not extended
STEEPEST = 2.0  # no slope is trusted beyond this: the first points of a solver often fall faster


@dataclass(frozen=True)
class Reference:
    """The converged picture of one seed: how it was drawn, and what shows that it converged."""

    scheduler: str
    steps: int
    witness: str  # another solver...
    witness_steps: int
    apart: float  # ... and how far apart the two ended, as a share
    cached: bool = False


@dataclass(frozen=True)
class MeasuredDrawing:
    """One picture of the comparison, measured. The distances are to the reference of its seed."""

    scheduler: str
    steps: int
    seed: int
    evaluations: int
    seconds: float  # all of it: denoising and decoding
    denoising: float  # seconds of the steps alone
    rmse: float | None = None  # of the latents; None for a solver without a limit
    share: float | None = None  # that, over the size of the reference's latents
    psnr: float | None = None
    ssim: float | None = None


@dataclass(frozen=True)
class MeasuredCell:
    """One cell: a scheduler at a number of steps, over all seeds."""

    scheduler: str
    steps: int
    deterministic: bool
    evaluations: int
    seconds: float
    per_step: float
    rmse: float | None
    share: float | None
    psnr: float | None
    ssim: float | None
    spread: float | None  # how far apart the pictures of different seeds are, as a share


def is_deterministic(plan: Plan) -> bool:
    """Whether the plan's solver draws no noise but the first."""
    solver = SCHEDULERS[plan.scheduler].solver
    return not (solver.always_noisy or solver.fixed_eta or plan.eta)


def has_limit(plan: Plan) -> bool:
    """Whether more and more steps lead to one picture: the solver draws no fresh noise, and what
    is asked of the model does not change after a share of the steps, wherever those may be."""
    parts = (*(part.text for part in split_at_and(plan.prompt, plan.syntax)), plan.negative)
    steady = all(len(schedule_texts(text, plan.syntax, MANY_STEPS)) == 1 for text in parts)
    whole = all(control.start <= 0 and control.end >= 1 for control in plan.controls)
    return is_deterministic(plan) and steady and whole


def measure_cells(
    drawings: Iterable[MeasuredDrawing],
    spreads: dict[tuple[str, int], float | None],
    settled: Iterable[str],
) -> list[MeasuredCell]:
    """The cells of some drawings, in their order: means over the seeds, distances as root means.

    `settled` are the schedulers that draw no fresh noise.
    """
    sure = set(settled)
    cells: list[MeasuredCell] = []
    for (scheduler, steps), group in groupby(drawings, lambda one: (one.scheduler, one.steps)):
        some = list(group)
        cells.append(
            MeasuredCell(
                scheduler=scheduler,
                steps=steps,
                deterministic=scheduler in sure,
                evaluations=some[0].evaluations,
                seconds=fmean(one.seconds for one in some),
                per_step=fmean(one.denoising / one.steps for one in some),
                rmse=_root_mean([one.rmse for one in some]),
                share=_root_mean([one.share for one in some]),
                psnr=_mean([one.psnr for one in some]),
                ssim=_mean([one.ssim for one in some]),
                spread=spreads.get((scheduler, steps)),
            )
        )
    return cells


@dataclass(frozen=True)
class ComparisonVerdict:
    """What the numbers say, in words and by name."""

    within: float | None  # the distance all of this is about; None: nobody came close
    reached: Sequence[tuple[str, int, int]]  # scheduler, its fewest steps, its evaluations
    beyond: Sequence[tuple[str, float, int, int | None]]  # its distance, at steps, steps needed
    fastest: tuple[str, int, float] | None  # scheduler, steps, seconds
    lines: Sequence[str]


def judge(cells: Sequence[MeasuredCell], references: Sequence[Reference]) -> ComparisonVerdict:
    """Who comes within how much of the converged picture, at how many steps, and who is fastest."""
    known = [cell for cell in cells if cell.share is not None]
    within = _threshold(known, max((one.apart for one in references), default=0.0))
    if within is None:
        return ComparisonVerdict(
            None, (), (), None, _describe_unreached(known) + _describe_fresh_noise(cells)
        )
    met = sorted(
        (cell for cell in known if cell.share is not None and cell.share <= within),
        key=lambda cell: (cell.evaluations, cell.share),
    )
    reached = {cell.scheduler: cell for cell in reversed(met)}  # the fewest evaluations win
    first = sorted(reached.values(), key=lambda cell: (cell.evaluations, cell.share))
    beyond = [
        _beyond(name, lines, within) for name, lines in _by_scheduler(known) if name not in reached
    ]
    fastest = min(met, key=lambda cell: cell.seconds)
    lines = [
        f"Within {percent(within)} of converged: {_listed(first)}.",
        f"Fastest at this quality: {fastest.scheduler} at {fastest.steps} steps"
        f" ({seconds(fastest.seconds)} a picture).",
    ]
    if beyond:
        lines.append(f"Not that close: {'; '.join(map(_describe_beyond, beyond))}.")
    return ComparisonVerdict(
        within,
        [(cell.scheduler, cell.steps, cell.evaluations) for cell in first],
        beyond,
        (fastest.scheduler, fastest.steps, fastest.seconds),
        lines + _describe_fresh_noise(cells),
    )


def steps_needed(points: Sequence[tuple[int, float]], within: float) -> int | None:
    """About how many steps bring the distance down to `within`, by the slope of the last two
    points; None where they do not converge like a solver, or where it is too far to tell."""
    if len(points) < 2:
        return None
    (n0, e0), (n1, e1) = sorted(points)[-2:]
    if not 0 < e1 < e0:
        return None
    order = math.log(e0 / e1) / math.log(n1 / n0)
    if order < SLOWEST:
        return None
    steps = n1 * (e1 / within) ** (1 / min(order, STEEPEST))
    return math.ceil(steps) if steps <= FARTHEST * n1 else None


def spread_of_seeds(distances: Sequence[float]) -> float | None:
    """The root mean of the distances between the pictures of different seeds."""
    return _root_mean(list(distances))


def _threshold(known: Sequence[MeasuredCell], apart: float) -> float | None:
    """The strictest distance that a cell meets and that the reference is sure enough to judge."""
    best = min((cell.share for cell in known if cell.share is not None), default=math.inf)
    return next((one for one in THRESHOLDS if best <= one and apart <= one / 2), None)


def _beyond(
    name: str, cells: Sequence[MeasuredCell], within: float
) -> tuple[str, float, int, int | None]:
    best = min(cells, key=lambda cell: cell.share or math.inf)
    points = [(cell.steps, cell.share) for cell in cells if cell.share is not None]
    return name, best.share or math.inf, best.steps, steps_needed(points, within)


def _describe_beyond(beyond: tuple[str, float, int, int | None]) -> str:
    name, share, steps, more = beyond
    about = f", about {more} would do" if more else ""
    return f"{name} ({percent(share)} at {steps} steps{about})"


def _describe_unreached(known: Sequence[MeasuredCell]) -> list[str]:
    if not known:
        return []
    best = min(known, key=lambda cell: cell.share or math.inf)
    return [
        f"Nothing here is known to be within {percent(THRESHOLDS[-1])} of converged; the closest"
        f" is {best.scheduler} at {best.steps} steps ({percent(best.share or math.inf)})."
        " More steps, or a lower `--cfg`, bring them together."
    ]


def _describe_fresh_noise(cells: Sequence[MeasuredCell]) -> list[str]:
    """What is said of solvers that draw fresh noise."""
    loose = [cell for cell in cells if not cell.deterministic]
    if not loose:
        return []
    names = list(dict.fromkeys(cell.scheduler for cell in loose))
    one = len(names) == 1
    found = (
        f"{' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))}"
        f" {'draws' if one else 'draw'} fresh noise at each step, so more steps never settle on one"
        " picture"
    )
    spreads = [cell.spread for cell in loose if cell.spread is not None]
    settled = [cell.spread for cell in cells if cell.deterministic and cell.spread is not None]
    if spreads:
        found += f": {'its' if one else 'their'} seeds lie {percent(fmean(spreads))} apart"
        found += f" (the others' {percent(fmean(settled))})" if settled else ""
    return [f"{found}."]


def _by_scheduler(cells: Sequence[MeasuredCell]) -> list[tuple[str, list[MeasuredCell]]]:
    names = dict.fromkeys(cell.scheduler for cell in cells)
    return [(name, [cell for cell in cells if cell.scheduler == name]) for name in names]


def _listed(cells: Sequence[MeasuredCell]) -> str:
    return ", ".join(
        f"{cell.scheduler} at {cell.steps} steps"
        + (f" ({cell.evaluations} evaluations)" if cell.evaluations != cell.steps else "")
        for cell in cells
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _root_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.sqrt(fmean(value * value for value in known)) if known else None
