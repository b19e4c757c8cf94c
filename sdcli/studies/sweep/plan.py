"""One request into many: options swept over values and ranges, words of the prompt replaced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import Any

from sdcli.errors import BadRequest
from sdcli.options.table import OPTIONS, Option
from sdcli.plan import Plan
from sdcli.planning.resolve import roll_seed
from sdcli.request import Request
from sdcli.studies.single_picture import plan_single
from sdcli.studies.sweep.axis import Axis
from sdcli.studies.sweep.choices_axis import (
    CHOICES,
    choices_axes,
    choices_flags,
    with_template,
)

MOST_AXES = 3  # a sheet has two, and there are several sheets
SEED = "seed"
MOST_VALUES = 1000  # of one axis, so that a slip of the pen is not a month of drawing

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(?:/\s*({_NUMBER})\s*)?")


@dataclass(frozen=True)
class SweepCell:
    """One variation: its value on each axis, and the request that it makes."""

    values: tuple[str, ...]
    request: Request


@dataclass(frozen=True)
class PlannedCell:
    """One variation, resolved."""

    values: tuple[str, ...]
    plan: Plan


def read_axes(texts: Iterable[str], request: Request) -> tuple[Axis, ...]:
    """What each `--vary` says, one to three of them, each about something else."""
    found = (*choices_axes(request), *(read_axis(text, request) for text in texts))
    if not 1 <= len(found) <= MOST_AXES:
        raise BadRequest(
            f"a sweep varies one to {MOST_AXES} things, and {len(found)} were said",
            hint="--vary cfg=3,7.5,12 --vary steps=10,20, or --choices all",
        )
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise BadRequest(f"`{name}` is varied twice", hint="put all its values in one `--vary`")
    return found


def read_axis(text: str, request: Request) -> Axis:
    """`cfg=3,7.5,12`, `cfg=1..15/2`, `seed=1..4`, or `red=red,blue,green` for a word."""
    name, equals, told = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise BadRequest(f"`--vary {text}` varies nothing", hint="write NAME=VALUE,VALUE")
    known = OPTIONS.get(name.lower().lstrip("-").replace("_", "-"))
    if known is None:
        return _word_axis(name, told, request)
    if not known.decides:
        raise BadRequest(
            f"`{known.name}` changes no picture, so there is nothing to see in a sweep of it",
            hint="several pictures of a kind: --vary seed=1..4",
        )
    values = split_values(told, ranges=True)
    for value in values:
        _parse_value(known, value)
    return _option_axis(known, values)


def split_values(told: str, *, ranges: bool) -> tuple[str, ...]:
    r"""The values between commas (`\,` is a comma that parts nothing), ranges counted out."""
    parts = [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", told)]
    values = [value for part in parts for value in (_expand_range(part) if ranges else [part])]
    if len(values) > MOST_VALUES:
        raise _too_many(told)
    for value in values:
        if values.count(value) > 1:
            raise BadRequest(f"`{value}` is there twice in `{told}`", hint="once is enough")
    return tuple(values)


def combine_axes(request: Request, varied: Sequence[Axis]) -> list[SweepCell]:
    """Every combination of the axes' values, the last axis fastest."""
    found: list[SweepCell] = []
    for values in product(*(one.values for one in varied)):
        changed = request
        for one, value in zip(varied, values, strict=True):
            changed = one.apply(changed, value)
        found.append(SweepCell(values, changed))
    return found


def plan_cells(
    request: Request, varied: Sequence[Axis], plan: Callable[[Request], Plan]
) -> list[PlannedCell]:
    """Every variation resolved, all of one seed unless seeds vary; or BadRequest naming the cell
    that cannot be, before anything is drawn."""
    if request.count not in (None, 1):
        raise BadRequest(
            f"`--count {request.count}`: a sheet has one picture for each variation",
            hint="several seeds: --vary seed=1..4",
        )
    found: list[PlannedCell] = []
    for cell in combine_axes(roll_seed(request), varied):
        try:
            resolved = plan_single(cell.request, plan)
        except BadRequest as error:
            names = ", ".join(f"{a.name}={v}" for a, v in zip(varied, cell.values, strict=True))
            raise BadRequest(f"{names}: {error.fact}", hint=error.hint) from None
        found.append(PlannedCell(cell.values, resolved))
    return found


@dataclass(frozen=True)
class Sweep:
    """Every variation along some axes, and the plan that they are variations of."""

    plan: Plan
    axes: tuple[Axis, ...]
    cells: tuple[PlannedCell, ...]
    words: tuple[str, ...]  # what was asked, as flags
    random_seed: bool  # nobody said one
    seeds: int = 1  # of each variation; if more, the last axis is the seed

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan that they are variations of, and each of them."""
        return self.plan, *(cell.plan for cell in self.cells)

    def kept_values(self, values: Sequence[str]) -> tuple[str, ...]:
        """The values of a variation but for its seed: what several seeds are pictures of."""
        named = zip(self.axes, values, strict=True)
        return tuple(value for axis, value in named if axis.name != SEED)


def _with_seed_axis(sweep: Sweep) -> Sweep:
    """The sweep whose last axis says the seeds that its pictures have."""
    values = tuple(str(sweep.plan.seed + place) for place in range(sweep.seeds))
    axes = (
        *(axis for axis in sweep.axes if axis.name != SEED),
        _option_axis(OPTIONS[SEED], values),
    )
    cells = tuple(
        replace(cell, values=(*cell.values[: len(axes) - 1], str(cell.plan.seed)))
        for cell in sweep.cells
    )
    return replace(sweep, axes=axes, cells=cells)


def plan_sweep(
    request: Request, texts: Sequence[str], plan: Callable[[Request], Plan], seeds: int = 1
) -> Sweep:
    """The variations that `--vary TEXT` and so on make of a request, each under so many seeds."""
    varied = read_axes(texts, request)
    words = tuple(word for text in texts for word in ("--vary", text))
    if seeds > 1:
        words += ("--seeds", str(seeds))
        if any(axis.name == SEED for axis in varied):
            raise BadRequest(
                f"`--seeds {seeds}` and a seed that is varied are the same thing twice",
                hint="leave one of them out",
            )
    found = tuple(plan_cells(request, varied, plan))
    if varied[0].name == CHOICES:
        words += choices_flags(request)
        found = tuple(replace(cell, plan=with_template(cell.plan, request)) for cell in found)
    try:
        base = plan_single(replace(request, seed=found[0].plan.seed), plan)
    except BadRequest:  # it lacks what every variation of it has
        base = found[0].plan
    random_seed = request.seed is None and all(axis.name != SEED for axis in varied)
    if seeds == 1:
        return Sweep(base, varied, found, words, random_seed)
    OPTIONS[SEED].read(str(base.seed + seeds - 1))  # it may run past the last seed there is
    several = tuple(
        replace(cell, plan=replace(cell.plan, seed=cell.plan.seed + place))
        for cell in found
        for place in range(seeds)
    )
    return _with_seed_axis(Sweep(base, varied, several, words, random_seed, seeds))


def _word_axis(name: str, text: str, request: Request) -> Axis:
    """A word or some words of the prompt, replaced wherever they stand whole."""
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    if not pattern.search(request.prompt):
        near = ", ".join(name for name, option in OPTIONS.items() if option.decides)
        raise BadRequest(
            f"`{name}` is no option and no word of the prompt `{request.prompt}`",
            hint=f"a word as it is written there, or one of {near}",
        )
    return Axis(
        name,
        split_values(text, ranges=False),
        lambda asked, value: replace(asked, prompt=pattern.sub(lambda _: value, asked.prompt)),
    )


def _option_axis(known: Option, values: tuple[str, ...]) -> Axis:
    return Axis(known.name, values, lambda asked, value: _put_value(known, asked, value))


def _put_value(known: Option, request: Request, text: str) -> Request:
    """The request with one more value, or with another; nothing is nothing more."""
    if not known.many:
        return known.put(request, known.read(text))
    there: tuple[Any, ...] = known.value_in(request)
    return known.put(request, (*there, *_parse_value(known, text)))


def _parse_value(known: Option, text: str) -> tuple[Any, ...]:
    return () if known.many and not text else (known.read(text),)


def _expand_range(part: str) -> list[str]:
    """`1..15/2` as 1, 3 ... 15; anything that is no range as itself."""
    found = _RANGE.fullmatch(part)
    if found is None:
        return [part]
    first, last = Decimal(found[1]), Decimal(found[2])
    step = abs(Decimal(found[3])) if found[3] else Decimal(1)
    if not step:
        raise BadRequest(f"`{part}` never gets anywhere", hint="a range is FROM..TO or FROM..TO/BY")
    if abs(last - first) / step >= MOST_VALUES:
        raise _too_many(part)
    way = step if last >= first else -step
    return [_write_decimal(first + way * i) for i in range(int(abs(last - first) / step) + 1)]


def _write_decimal(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _too_many(told: str) -> BadRequest:
    return BadRequest(
        f"`{told}` is more than {MOST_VALUES} values", hint="a range is FROM..TO/BY: cfg=1..15/2"
    )
