"""What commands that measure pictures are told: which measures, and who judges."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdcli.engine import door
from sdcli.plan import Plan
from sdcli.studies.judging_wish import JudgingWish

if TYPE_CHECKING:
    from sdcli.measures.panel import Panel
    from sdcli.studies.judged import JudgedStudy

With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="[MEASURE=]FILE[:ACTIVATION]",
        help="A CLIP, half of one, or an aesthetic predictor, that judges (repeat).",
        show_default="the one in the box, for the built-in model's pictures",
    ),
]
Measures = Annotated[
    str | None,
    typer.Option(
        "--measure",
        metavar="NAME,NAME...",
        help="Measure pictures: clip, clip-cosine, clip-hessel, hpsv2, pickscore, aesthetic,"
        " sharpness, psnr, ssim, diversity, cmmd, kid; see `sdcli score`.",
        show_default=False,
    ),
]

KeepBest = Annotated[
    int | None,
    typer.Option(
        "--keep-best",
        min=1,
        max=100_000,
        metavar="N",
        help="Of the pictures of `--count` keep the best by the first of `--measure`.",
        show_default=False,
    ),
]


def spread_measures(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes a `wish`, what is to be measured: it gets `--measure` and `--with` for it."""
    signature = inspect.signature(command, eval_str=True)

    def parameters() -> Iterator[inspect.Parameter]:
        options, *own = signature.parameters.values()
        yield options
        for one in own:
            spread = _WISH if one.name == "wish" else {one.name: one.annotation}
            for name, annotation in spread.items():
                default = None if one.name == "wish" else one.default
                kind = inspect.Parameter.KEYWORD_ONLY
                yield inspect.Parameter(name, kind, default=default, annotation=annotation)

    @functools.wraps(command)
    def with_flags(options: Any, **flags: Any) -> None:
        measure, judges = (flags.pop(name) for name in _WISH)
        command(options, wish=JudgingWish(measure, tuple(judges or ())), **flags)

    with_flags.__signature__ = signature.replace(parameters=[*parameters()])  # type: ignore[attr-defined]
    return with_flags


_WISH = {"measure": Measures, "with_": With}


def plan_measures(wish: JudgingWish, plans: Sequence[Plan] | None, seeds: int) -> Panel:
    """The measures of pictures of these plans, so many seeds to a cell; nothing, where none is asked.
    Without `plans` it shows picture by picture who may judge it."""
    from sdcli.studies.judged import needs_met, plan_panel  # which need numpy

    return plan_panel(wish, plans, needs_met(seeds))


def open_measures(panel: Panel, wish: JudgingWish) -> JudgedStudy:
    """The same with its judges in memory."""
    from sdcli.studies.judged import open_judged

    return open_judged(panel, wish, door.open_judges)
