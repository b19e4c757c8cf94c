"""Charts as SVG that is readable on light and on dark. Matplotlib is imported when one is made."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# Matplotlib cannot say "the colour of the text around": these stand for it and are replaced.
INK, FAINT = "#010203", "#040506"
FAINT_INK = "color-mix(in srgb, currentColor 18%, transparent)"
# Middle tones, so that they stand out from white and from black; told apart also by their marks.
LINE_COLOURS = (
    "#2f7ed8",
    "#e0662f",
    "#2a9d6f",
    "#c2488f",
    "#8a6bd1",
    "#b8860b",
    "#2aa5b5",
    "#d64545",
)
LINE_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINE_DASHES = ("-", "--", ":", "-.")
MATPLOTLIB_RULES: dict[str, Any] = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.parse_math": False,  # a name may hold dollars
    "svg.fonttype": "none",  # words stay words: smaller, and found by a search in the page
    "svg.hashsalt": "sdcli",  # the same chart is the same file
}
THEME = (
    "<style>svg{color:#1c1c1e}"
    "@media(prefers-color-scheme:dark){svg{color:#ececf0}svg:root{background:#18181b}}</style>"
)


@dataclass(frozen=True)
class ChartLine:
    """A named line through points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class MeasuredLine:
    """A named line through points, each with what it may be off by."""

    name: str
    points: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class ScheduleCurves:
    """A noise schedule: by training timestep, and at the steps that a solver takes."""

    beta: Sequence[float]
    alpha_bar: Sequence[float]
    timesteps: Sequence[float]
    sigmas: Sequence[float]
    scheduler: str


def draw_error_chart(lines: Sequence[ChartLine], within: float | None = None) -> str:
    """Distance to the converged picture against model evaluations, both logarithmic.

    `within` draws the distance that the verdict asks for. Distances are shares, shown as per cent.
    """
    with _open_figure(7.6, 4.4, 1) as (figure, (axes,)):
        for place, line in enumerate(lines):
            points = [(x, 100 * y) for x, y in line.points if y > 0]
            xs, ys = [x for x, _ in points], [y for _, y in points]
            axes.plot(xs, ys, label=line.name, **_line_style(place))
        axes.set_xscale("log")
        axes.set_yscale("log")
        if within is not None:
            axes.axhline(100 * within, color=INK, linewidth=1, linestyle=(0, (2, 3)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(_ticker().LogLocator(subs=(1, 2, 5)))
            _use_plain_numbers(axis)
        axes.set_xlabel("model evaluations")
        axes.set_ylabel("distance to the converged latents, %")
        _add_legend(axes, len(lines))
        return _to_svg(figure, "errors")


def draw_measure_chart(
    lines: Sequence[MeasuredLine], across: str, title: str, name: str = "measure"
) -> str:
    """A measure against an option, each point with the standard error of its mean."""
    with _open_figure(7.6, 3.6, 1) as (figure, (axes,)):
        for place, line in enumerate(lines):
            xs, ys, errors = zip(*line.points, strict=True)
            axes.errorbar(xs, ys, yerr=errors, capsize=3, label=line.name, **_line_style(place))
        axes.set_xlabel(across)
        axes.set_ylabel(title)
        if len(lines) > 1:
            _add_legend(axes, len(lines))
        return _to_svg(figure, name)


def draw_curves(lines: Sequence[ChartLine], across: str, title: str, name: str) -> str:
    """Lines of many points, without marks; of two the first is faint."""
    with _open_figure(7.6, 3.6, 1) as (figure, (axes,)):
        for place, line in enumerate(lines):
            xs, ys = [x for x, _ in line.points], [y for _, y in line.points]
            style = _line_style(place) | {"marker": "", "linestyle": "-"}
            faint = {"alpha": 0.35} if place < len(lines) - 1 else {}
            axes.plot(xs, ys, label=line.name, **style, **faint)
        axes.set_xlabel(across)
        axes.set_ylabel(title)
        if len(lines) > 1:
            _add_legend(axes, len(lines))
        return _to_svg(figure, name)


def draw_schedule_chart(noise: ScheduleCurves) -> str:
    """Beta, alpha-bar and the signal-to-noise ratio by timestep, and the sigmas that are used."""
    snr = [share / max(1 - share, 1e-9) for share in noise.alpha_bar]
    by_timestep = {
        "beta: noise added at each training step": noise.beta,
        "alpha-bar: how much of the picture is left": noise.alpha_bar,
        "signal-to-noise ratio, alpha-bar / (1 - alpha-bar)": snr,
    }
    last = len(noise.beta) - 1
    used = [min(max(round(step), 0), last) for step in noise.timesteps]
    with _open_figure(9.2, 5.6, 4) as (figure, charts):
        for place, (title, values) in enumerate(by_timestep.items()):
            axes = charts[place]
            axes.plot(range(len(values)), values, color=LINE_COLOURS[place])
            axes.plot(used, [values[step] for step in used], "o", markersize=3.2, color=INK)
            axes.set_title(title)
            axes.set_xlabel("training timestep (dots: the steps taken)")
        charts[2].set_yscale("log")
        axes = charts[3]
        axes.plot(
            range(len(noise.sigmas)), noise.sigmas, "o-", markersize=3.2, color=LINE_COLOURS[3]
        )
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_title(f"sigmas used: {noise.scheduler}, {len(noise.timesteps)} steps")
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(_ticker().MaxNLocator(integer=True))
        _use_plain_numbers(charts[2].yaxis)
        _use_plain_numbers(axes.yaxis)
        figure.tight_layout(pad=1.2)
        return _to_svg(figure, "schedule")


@contextmanager
def _open_figure(width: float, height: float, count: int) -> Generator[tuple[Any, list[Any]]]:
    """A figure of one chart or of four; what is drawn in the block is in our lettering."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells when it looks for fonts
    library: Any = import_module("matplotlib")
    with library.rc_context(MATPLOTLIB_RULES):
        figure: Any = import_module("matplotlib.figure").Figure(figsize=(width, height))
        figure.patch.set_alpha(0)
        side = 1 if count == 1 else 2
        charts = [figure.add_subplot(side, side, place + 1) for place in range(count)]
        for axes in charts:
            axes.patch.set_alpha(0)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(True, color=FAINT, linewidth=0.6)
            axes.set_axisbelow(True)
        yield figure, charts


def _use_plain_numbers(axis: Any) -> None:
    """Plain numbers at the axis: 0.1, 1, 10, no powers."""
    axis.set_major_formatter(_ticker().StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(_ticker().NullFormatter())


def _ticker() -> Any:
    return import_module("matplotlib.ticker")


def _line_style(place: int) -> dict[str, Any]:
    return {
        "color": LINE_COLOURS[place % len(LINE_COLOURS)],
        "marker": LINE_MARKERS[place % len(LINE_MARKERS)],
        "linestyle": LINE_DASHES[place // len(LINE_COLOURS) % len(LINE_DASHES)],
        "markersize": 5,
        "linewidth": 1.6,
    }


def _add_legend(axes: Any, count: int) -> None:
    columns = -(-count // 16)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        frameon=False,
        labelcolor=INK,
        fontsize=8.5,
        ncols=columns,
    )


def _to_svg(figure: Any, name: str) -> str:
    """The figure as one `<svg>` element without ids that another chart's could meet."""
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = svg.replace(INK, "currentColor").replace(FAINT, FAINT_INK)
    return svg.replace(">", f">{THEME}", 1)
