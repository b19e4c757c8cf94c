"""What is to be traced: a plan, at which of its steps, and what is looked at there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.hires import second_pass
from sdcli.options.fast_ways import GUIDANCE_INTERVAL, OPENVINO
from sdcli.options.parse import Whole
from sdcli.plan import Plan, Redraw
from sdcli.prompts.stages import and_weights, changes_on_the_way
from sdcli.request import Request
from sdcli.studies.single_picture import plan_single
from sdcli.studies.sweep.plan import split_values
from sdcli.trace_result import TraceFocus

LONGEST_FILM = 50  # frames; of more steps these are shown


@dataclass(frozen=True)
class TracePlan:
    """A drawing to be watched, or, where the plan starts from a picture, a picture to be noised."""

    plan: Plan
    focus: TraceFocus
    words: tuple[str, ...]  # what was asked, as flags
    random_seed: bool  # whether nobody asked for a seed
    judges: tuple[str, ...] = ()  # who says what each word does for the picture

    @property
    def forward(self) -> bool:
        """Whether a picture is noised rather than one drawn."""
        return isinstance(self.plan.task, Redraw)


def plan_trace(
    request: Request,
    at: str | None,
    frames: int,
    plan: Callable[[Request], Plan],
    *,
    split: bool = False,
    attention: bool = False,
    judges: tuple[str, ...] = (),
) -> TracePlan:
    """The trace that was asked for, or BadRequest where it could show nothing."""
    if request.count not in (None, 1):
        raise BadRequest(
            f"`--count {request.count}`: a trace follows one picture", hint="leave the count away"
        )
    resolved = plan_single(request, plan)
    if second_pass(resolved) is not None:
        raise BadRequest(
            "a trace follows one denoising, and `--hires` asks for two", hint="leave `--hires` away"
        )
    steps = _steps(at, frames, resolved.steps)
    film = space_evenly(LONGEST_FILM, resolved.steps)
    trace = TracePlan(
        resolved,
        TraceFocus(steps, film, split=split, attention=attention),
        _words(request, at, frames, split, attention, judges),
        random_seed=request.seed is None,
        judges=judges,
    )
    _check_forward(trace)
    _check_split(trace)
    if judges and not attention:
        raise BadRequest(
            "`--with` judges the words whose maps `--attention` shows", hint="add `--attention`"
        )
    if attention and resolved.backend == OPENVINO:
        raise BadRequest(
            f"`--attention` looks into torch's layers, and `--backend {OPENVINO}` has none of them",
            hint="leave one of the two away",
        )
    if attention and _many_wordings(resolved):
        raise BadRequest(
            "`--attention` follows the words of one prompt, and this one joins several or changes",
            hint="trace it without AND and without `[from:to:when]`",
        )
    return trace


def _check_forward(trace: TracePlan) -> None:
    """Refuse what is about drawing where a picture is noised instead."""
    about_drawing = {
        "--cfg-split": trace.focus.split,
        "--attention": trace.focus.attention,
        "--fast": bool(trace.plan.fast),
    }
    flag = next((flag for flag, asked in about_drawing.items() if asked), None)
    if trace.forward and flag is not None:
        raise BadRequest(
            f"`{flag}` is about drawing, and with `--image` a picture is noised instead",
            hint="leave one of the two away",
        )


def _check_split(trace: TracePlan) -> None:
    """Refuse to split a guidance that is not there."""
    if not trace.focus.split:
        return
    if GUIDANCE_INTERVAL in trace.plan.fast:
        raise BadRequest(
            f"`--cfg-split` shows guidance at every step, and `--fast {GUIDANCE_INTERVAL}` leaves it"
            " out at some",
            hint="leave one of the two away",
        )
    if trace.plan.cfg == 1:
        raise BadRequest(
            "`--cfg-split` has nothing to split: at `--cfg 1` only the prompt is asked",
            hint="try `--cfg 7`",
        )


def space_evenly(count: int, of: int) -> tuple[int, ...]:
    """So many of the steps 1 to `of`, evenly spaced, the first and the last among them."""
    if count >= of:
        return tuple(range(1, of + 1))
    if count == 1:
        return (of,)
    return tuple(dict.fromkeys(1 + round(i * (of - 1) / (count - 1)) for i in range(count)))


def _steps(at: str | None, frames: int, of: int) -> tuple[int, ...]:
    if at is None:
        return space_evenly(frames, of)
    read = Whole(1, of)
    try:
        return tuple(sorted(read(text) for text in split_values(at, ranges=True)))
    except BadRequest as error:
        raise BadRequest(f"--at: {error.fact}", hint=f"steps from 1 to {of}, like 1,5,10") from None


def _many_wordings(plan: Plan) -> bool:
    return len(and_weights(plan)) > 1 or changes_on_the_way(plan, negative=False)


def _words(
    request: Request,
    at: str | None,
    frames: int,
    split: bool,
    attention: bool,
    judges: tuple[str, ...],
) -> tuple[str, ...]:
    image = getattr(request.task, "image", None)
    return (
        *(("--image", str(image)) if image else ()),
        *(("--at", at) if at is not None else ("--frames", str(frames))),
        *(("--cfg-split",) if split else ()),
        *(("--attention",) if attention else ()),
        *(word for name in judges for word in ("--with", name)),
    )
