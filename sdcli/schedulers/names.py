"""The schedulers by name: a solver over a spacing, and the same under every program's names.

`dpm++2m-karras` is the solver `dpm++2m` over the spacing `karras`; a bare `dpm++2m` takes the
solver's own spacing, for most of them equal steps of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.schedulers.table import SOLVERS, SPACINGS, Solver
from sdcli.text import closest, did_you_mean


@dataclass(frozen=True)
class Scheduler:
    """A solver over a spacing."""

    name: str
    solver: Solver
    spacing: str

    @property
    def about(self) -> str:
        """What it is good for, in one line."""
        spacing = SPACINGS[self.spacing].about
        return f"{self.solver.about}; {spacing}" if spacing else self.solver.about


def _all_schedulers() -> Iterator[Scheduler]:
    for solver in SOLVERS.values():
        yield Scheduler(solver.name, solver, solver.spacing)
        for spacing in solver.spacings:
            yield Scheduler(f"{solver.name}-{spacing}", solver, spacing)


SCHEDULERS = {scheduler.name: scheduler for scheduler in _all_schedulers()}


def normalize_name(name: str) -> str:
    """A name without what programs disagree about: case, blanks, "++" and "pp", "a" and so on."""
    bare = re.sub(r"[\s_-]+", "", name.lower())
    return bare.replace("dpmpp", "dpm++").replace("ancestral", "a").removeprefix("sample")


SOLVERS_BY_NAME = {
    normalize_name(name): solver
    for solver in SOLVERS.values()
    for name in (solver.name, *solver.foreign_names, *solver.other_names)
}

_OWN_SPACING = {"automatic": "", "default": ""}  # the solver's own
# How programs spell the spacings, and what A1111's labels mean, which others may use otherwise.
_A1111_LABELS = {normalize_name(row.a1111): row.name for row in SPACINGS.values() if row.a1111}
SPACINGS_BY_NAME = (
    _OWN_SPACING
    | _A1111_LABELS
    | {normalize_name(name): row.name for row in SPACINGS.values() for name in row.other_names}
    | {normalize_name(row.name): row.name for row in SPACINGS.values() if row.about}
)
A1111_SPACINGS = SPACINGS_BY_NAME | _A1111_LABELS

# Real names that nothing here draws. To take something else for them would be another picture.
FOREIGN_SOLVERS = {
    "dpmfast", "dpmadaptive", "restart", "dpm++2msdeheun", "dpm++2msdeheungpu", "ddimcfg++",
    "heunpp2", "ipndmv", "resmultistep", "res2s", "gradientestimation", "eulerge", "ersde",
    "seeds2", "seeds3", "expheun2x0", "expheun2x0sde", "dpm++2mv2", "dpm++2msdebt", "dpm++2mbt",
    "sasolverpece", "eulercfgpp", "euleracfgpp", "dpm++2mcfgpp", "dpm++2sacfgpp",
    "resmultistepa", "resmultistepcfgpp", "resmultistepacfgpp", "unipcbh1",
    "edmdpmsolvermultistepscheduler", "edmeulerscheduler", "flowmatcheulerdiscretescheduler",
}  # fmt: skip
FOREIGN_SPACINGS = {
    "gits", "alignyourstepsgits", "alignyoursteps11", "alignyoursteps32", "linearquadratic",
    "smoothstep", "bongtangent", "logitnormal",
}  # fmt: skip


def find_scheduler(name: str) -> str:
    """The scheduler that a name means, in whichever program's spelling."""
    if name in SCHEDULERS:
        return name
    bare = normalize_name(name)
    if bare in SOLVERS_BY_NAME:
        return SOLVERS_BY_NAME[bare].name
    for spelled in sorted(SPACINGS_BY_NAME, key=len, reverse=True):
        solver = SOLVERS_BY_NAME.get(bare.removesuffix(spelled)) if bare.endswith(spelled) else None
        if solver:
            return _with_spacing(solver, SPACINGS_BY_NAME[spelled])
    raise _unknown_name(name, bare)


def find_sampler_with_schedule(sampler: str, schedule: str | None = None) -> str:
    """The scheduler that a sampler and its schedule mean in A1111 or in ComfyUI.

    Without a schedule it is the sampler's name alone, as A1111 wrote it before 1.9.
    """
    label = next((solver for solver in SOLVERS.values() if solver.a1111 == sampler), None)
    if not schedule or (label and label.a1111_unspaced):
        return find_scheduler(sampler)
    if label and normalize_name(schedule) == "automatic":
        return _with_spacing(label, label.a1111_automatic)
    known = A1111_SPACINGS if label else SPACINGS_BY_NAME
    if normalize_name(schedule) not in known:
        raise _unknown_name(schedule, normalize_name(schedule), "spacing")
    spacing = known[normalize_name(schedule)]
    if sampler == "ddim" and spacing:  # ComfyUI's ddim is Euler
        return _with_spacing(SOLVERS["euler"], spacing)
    named = SCHEDULERS[find_scheduler(sampler)]
    if named.spacing != named.solver.spacing and not spacing:
        return named.name
    return _with_spacing(named.solver, spacing)


def a1111_sampler_and_schedule(name: str) -> tuple[str, str]:
    """A scheduler as A1111 names it: a sampler and a schedule, where it has them; else our name."""
    row = SCHEDULERS.get(name)
    label = row.solver.a1111 if row else ""
    unspaced = row is not None and row.solver.a1111_unspaced
    schedules = [spacing.a1111 for spacing in SPACINGS.values() if spacing.a1111]
    for schedule in ["Automatic"] if unspaced else [*schedules, "Automatic"]:
        with suppress(BadRequest):
            if label and find_sampler_with_schedule(label, schedule) == name:
                return label, schedule
    return name, ""


def _with_spacing(solver: Solver, spacing: str) -> str:
    """The solver over a spacing, refused where it does not take it."""
    if spacing in {"", solver.spacing}:
        return solver.name
    if spacing not in solver.spacings:
        takes = f"it takes {', '.join(solver.spacings)}" if solver.spacings else "it has its own"
        raise BadRequest(f"`{solver.name}` does not take the spacing `{spacing}`", hint=takes)
    return f"{solver.name}-{spacing}"


def _unknown_name(name: str, bare: str, what: str = "scheduler") -> BadRequest:
    see = "see `sdcli schedulers`"
    elsewhere = FOREIGN_SOLVERS | FOREIGN_SPACINGS
    spacings = (*SPACINGS_BY_NAME, *FOREIGN_SPACINGS)
    if bare in elsewhere or any(bare.removesuffix(s) in FOREIGN_SOLVERS for s in spacings):
        return BadRequest(f"`{name}` has no equivalent here", hint=f"another picture: {see}")
    if any(bare.removesuffix(s) in SOLVERS_BY_NAME for s in FOREIGN_SPACINGS):
        return BadRequest(f"`{name}` has no equivalent here", hint=f"another picture: {see}")
    known = (
        SPACINGS_BY_NAME
        if what == "spacing"
        else {normalize_name(each): each for each in SCHEDULERS}
    )
    near = closest(bare, known, 3, 0.75) or closest(bare, known)
    meant = did_you_mean(known[each] for each in near if known[each])
    return BadRequest(f"no {what} is called `{name}`", hint=f"{meant}{see}")
