"""What is to be compared: the exact picture and ways to be faster, with a plan for every seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sdcli import folders
from sdcli.errors import BadRequest
from sdcli.options.fast_ways import (
    ANOTHER_PICTURE,
    BACKENDS,
    FAST_WAYS,
    NAMED,
    ROUNDING,
    SAME_BITS,
)
from sdcli.options.table import OPTIONS
from sdcli.plan import Plan
from sdcli.planning.resolve import roll_seed
from sdcli.request import Request
from sdcli.studies.single_picture import plan_single
from sdcli.studies.sweep.plan import split_values
from sdcli.text import suggest

EXACT = "exact"
EVERY = "all"
TOGETHER = "+"  # between ways that are taken at once
KINDS = (SAME_BITS, ROUNDING, ANOTHER_PICTURE)  # from the strictest on
OTHER_BACKENDS = tuple(name for name in BACKENDS if name != "torch")
CAN_BE_NAMED = (*OTHER_BACKENDS, *NAMED)


@dataclass(frozen=True)
class FastRow:
    """One way, or several at once, and the plan of each seed's picture."""

    name: str
    kind: str  # the class of the loosest of its ways
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class FastLineup:
    """The exact picture and the ways to be faster that are held against it, under so many seeds."""

    rows: tuple[FastRow, ...]  # the exact one first
    passed_over: tuple[str, ...]  # the ways that do not apply to this picture, and why
    words: tuple[str, ...]  # what was asked, as flags
    random_seed: bool  # nobody said one
    captions: int = 0  # of the built-in model's, drawn by each way too

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Every plan of it, way by way, seed by seed."""
        return tuple(plan for row in self.rows for plan in row.plans)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every way is tried on."""
        return tuple(plan.seed for plan in self.rows[0].plans)


def plan_fast_lineup(
    request: Request, ways: str, seeds: int, captions: int, plan: Callable[[Request], Plan]
) -> FastLineup:
    """The plans of a comparison, with so many of the built-in model's captions. Of `all` ways those
    are passed over that do not apply to this picture; one that was named must apply."""
    names = CAN_BE_NAMED if ways.strip() == EVERY else tuple(split_values(ways, ranges=False))
    rolled = roll_seed(request)
    exact = plan_single(replace(rolled, fast=(), backend=None), plan)
    if captions and exact.model.path.parent != folders.assets_folder():
        raise BadRequest(
            "`--captions` are of the built-in model's world, and this is another model",
            hint="leave one of the two away",
        )
    OPTIONS["seed"].read(str(exact.seed + seeds - 1))  # it may run past the last seed there is
    rows = [FastRow(EXACT, SAME_BITS, _seeded(exact, exact.seed, seeds))]
    passed_over: list[str] = []
    for name in dict.fromkeys(names):
        parts = tuple(_read_parts(name))
        asked = replace(
            rolled,
            fast=tuple(part for part in parts if part in NAMED),
            backend=_read_backend(parts),
        )
        try:
            rows.append(FastRow(name, _kind_of(parts), _seeded(plan(asked), exact.seed, seeds)))
        except BadRequest as error:
            if ways.strip() != EVERY:
                raise
            passed_over.append(f"{name}: {error.fact}")
    words = ("--ways", ways, "--seeds", str(seeds), "--captions", str(captions))
    seedless = request.seed is None
    return FastLineup(tuple(rows), tuple(passed_over), words, seedless, captions)


def _seeded(plan: Plan, seed: int, count: int) -> tuple[Plan, ...]:
    return tuple(replace(plan, seed=seed + place) for place in range(count))


def _read_parts(name: str) -> Iterator[str]:
    """The ways of a name; BadRequest for one that there is not, or that nobody can ask for."""
    for part in map(str.strip, name.split(TOGETHER)):
        if part not in CAN_BE_NAMED:
            raise BadRequest(
                f"no way to be faster is called `{part}`",
                hint=f"{suggest(part, CAN_BE_NAMED)}there are {', '.join(CAN_BE_NAMED)}",
            )
        yield part


def _read_backend(parts: Sequence[str]) -> str | None:
    """What computes instead of torch, if any of the ways does."""
    found = [part for part in parts if part in OTHER_BACKENDS]
    if len(found) > 1:
        raise BadRequest(
            f"{' and '.join(found)} cannot both compute a picture", hint="leave one of them away"
        )
    return found[0] if found else None


def _kind_of(parts: Sequence[str]) -> str:
    return max((FAST_WAYS[part].kind for part in parts), key=KINDS.index)
