"""The flags of `sdcli train`, made from the table of training's options and from that of drawing's."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from sdcli.cli.options import is_switch, option_to_typer, typer_type, value_unless_said
from sdcli.cli.output_mode import OutputMode
from sdcli.environment import read_environment
from sdcli.options.table import ALL_OPTIONS, Option
from sdcli.request import Request
from sdcli.training.options import OF_DRAWING, options_for
from sdcli.training.plan import draw_nothing

OF_RUN = ("force", "json", "dry-run", "quiet")


@dataclass(frozen=True)
class TrainingFlags:
    """What was said, by the names of the options; of switches that are not there, nothing."""

    values: Mapping[str, Any]  # of the training's own
    drawing: Mapping[str, Any]  # of the model and how it computes, by their fields
    run: Mapping[str, Any]

    @property
    def mode(self) -> OutputMode:
        """How the run is to talk."""
        return OutputMode("json" in self.run, "dry-run" in self.run, "quiet" in self.run)

    @property
    def force(self) -> bool:
        """Whether a file that exists is replaced."""
        return "force" in self.run

    def request(self) -> Request:
        """The request for the model, and how it computes."""
        return draw_nothing(**{"model": read_environment().model, **self.drawing})


def spread_training_options(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose first parameter is a `TrainingFlags`: it gets one flag for each option that has
    a meaning for this kind of training."""

    def spread(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        training = options_for(kind)
        shared = {name: ALL_OPTIONS[name] for name in (*OF_DRAWING, *OF_RUN)}
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        first, last = ([*map(_parameter, rows.values())] for rows in (training, shared))
        signature = inspect.Signature([*own, *first, *last])

        @functools.wraps(command)
        def with_flags(**given: Any) -> None:
            values = _take(training, given)
            said = _take(shared, given)
            drawing = {shared[name].field: said[name] for name in OF_DRAWING if name in said}
            run = {name: said[name] for name in OF_RUN if name in said}
            command(TrainingFlags(values, drawing, run), **given)

        with_flags.__signature__ = signature  # type: ignore[attr-defined]
        with_flags.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return with_flags

    return spread


def _parameter(row: Option) -> inspect.Parameter:
    return inspect.Parameter(
        row.name.replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=value_unless_said(row),
        annotation=Annotated[typer_type(row), option_to_typer(row)],
    )


def _take(rows: Mapping[str, Option], given: dict[str, Any]) -> dict[str, Any]:
    """The values of these options out of all that was given, where something was said."""
    taken = {name: given.pop(name.replace("-", "_")) for name in rows}
    return {
        name: value
        for name, value in taken.items()
        if value is not None and not (is_switch(rows[name]) and value is False)
    }
