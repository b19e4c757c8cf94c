"""What is to be compared: schedulers, numbers of steps and seeds, and the plan of each picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sdcli.options.table import OPTIONS
from sdcli.plan import Plan
from sdcli.request import Request
from sdcli.schedulers.names import find_scheduler
from sdcli.schedulers.table import SOLVERS
from sdcli.studies.sweep.plan import plan_cells, read_axis, split_values


@dataclass(frozen=True)
class Lineup:
    """Schedulers to be compared, at so many steps, under so many seeds: a plan for each."""

    schedulers: tuple[str, ...]
    steps: tuple[int, ...]
    seeds: tuple[int, ...]
    plans: tuple[Plan, ...]  # seed by seed, scheduler by scheduler, the fewest steps first
    words: tuple[str, ...]  # what was asked, as flags
    random_seed: bool  # nobody said one


def plan_lineup(
    request: Request,
    schedulers: str,
    steps: str,
    seeds: int,
    plan: Callable[[Request], Plan],
) -> Lineup:
    """The plans of a comparison, all of the same noise for each seed; `all` is every solver."""
    wanted = SOLVERS if schedulers.strip() == "all" else split_values(schedulers, ranges=False)
    names = tuple(dict.fromkeys(find_scheduler(name) for name in wanted))
    counts = tuple(sorted(map(OPTIONS["steps"].read, split_values(steps, ranges=True))))
    # What else a plan answers hangs on its scheduler, never on its steps or its seed.
    axis = read_axis(f"scheduler={','.join(names)}", request)
    resolved = [cell.plan for cell in plan_cells(request, [axis], plan)]
    all_seeds = tuple(resolved[0].seed + place for place in range(seeds))
    OPTIONS["seed"].read(str(all_seeds[-1]))  # it may run past the last seed there is
    return Lineup(
        names,
        counts,
        all_seeds,
        tuple(
            replace(one, steps=count, seed=seed)
            for seed in all_seeds
            for one in resolved
            for count in counts
        ),
        ("--schedulers", ",".join(names), "--steps", ",".join(map(str, counts)))
        + ("--seeds", str(seeds))
        + (() if request.eta is None else ("--eta", f"{request.eta!r}")),
        random_seed=request.seed is None,
    )
