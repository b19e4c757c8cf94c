"""Schedulers compared in numbers: what was measured, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from statistics import fmean
from typing import Any

from sdcli.measures.convergence import Reference
from sdcli.measures.latent_distance import DISTANCE, SPREAD
from sdcli.measures.table import Values, mean_values
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
class MeasuredDrawing:
    """One picture of the comparison and what was measured of it."""

    scheduler: str
    steps: int
    seed: int
    evaluations: int
    seconds: float  # all of it: denoising and decoding
    denoising: float  # seconds of the steps alone
    values: Values = field(default_factory=dict[str, float | None])

    def record(self) -> dict[str, Any]:
        """The facts as one flat object, the measures among them by their names."""
        facts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "values"}
        return facts | dict(self.values)


@dataclass(frozen=True)
class MeasuredCell:
    """One cell: a scheduler at a number of steps, over all seeds."""

    scheduler: str
    steps: int
    deterministic: bool
    evaluations: int
    seconds: float
    per_step: float
    values: Values

    @property
    def share(self) -> float | None:
        """The distance to the converged picture; None for a solver that has none."""
        return self.values.get(DISTANCE.name)

    @property
    def spread(self) -> float | None:
        """How far apart the pictures of different seeds are."""
        return self.values.get(SPREAD.name)

    def record(self) -> dict[str, Any]:
        """The facts as one flat object, the measures among them by their names."""
        facts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "values"}
        return facts | dict(self.values)


def measure_cells(
    drawings: Iterable[MeasuredDrawing],
    set_values: Mapping[tuple[str, int], Values],
    deterministic: Collection[str],
) -> list[MeasuredCell]:
    """The cells of some drawings, in their order: each a mean over its seeds.

    `set_values` are what was measured of each cell's pictures together, `deterministic` the
    schedulers that draw no fresh noise.
    """
    cells: list[MeasuredCell] = []
    for (scheduler, steps), group in groupby(drawings, lambda one: (one.scheduler, one.steps)):
        seeds = list(group)
        means = mean_values([one.values for one in seeds])
        cells.append(
            MeasuredCell(
                scheduler=scheduler,
                steps=steps,
                deterministic=scheduler in deterministic,
                evaluations=seeds[0].evaluations,
                seconds=fmean(one.seconds for one in seeds),
                per_step=fmean(one.denoising / one.steps for one in seeds),
                values={**means, **set_values.get((scheduler, steps), {})},
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
        told = "; ".join(_describe_beyond(one, within) for one in beyond)
        lines.append(f"Not that close: {told}.")
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


def _describe_beyond(beyond: tuple[str, float, int, int | None], within: float) -> str:
    name, share, steps, more = beyond
    about = f", about {more} would do" if more else ""
    apart = percent(share)
    if apart == percent(within):  # 10.4 % is not within 10 %
        apart = f"just over {apart}"
    return f"{name} ({apart} at {steps} steps{about})"


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
