"""Where a run is, in one line that fits the terminal: nothing wraps, whatever its width."""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.text import duration

WIDEST_BAR, SMALLEST_BAR = 24, 6
SMALLEST_TITLE = 8
BETWEEN = "  "


@dataclass(frozen=True)
class RunView:
    """What can be said of a run, or of what comes before it."""

    title: str = ""  # what is being done or drawn, where it has a name
    picture: str = ""  # "picture 2 of 4"
    step: str = ""  # "step 13 of 25"
    share: float | None = None  # of it all that is done
    left: float | None = None  # about so many seconds more


def progress_line(view: RunView, elapsed: float, width: int) -> str:
    """The view in at most `width` characters: picture, step and time first, then a title and a bar
    as far as there is room for them."""
    fixed = next(
        (parts for parts in _wordings(view, elapsed) if len(BETWEEN.join(parts)) <= width),
        [view.step or view.picture],
    )
    room = width - len(BETWEEN.join(fixed)) - len(BETWEEN)
    title = _cut(view.title, room)
    room -= len(title) + len(BETWEEN) if title else 0
    bar = _bar(view.share, min(room, WIDEST_BAR))
    picture = [view.picture] if view.picture in fixed else []
    line = [*picture, title, bar, *fixed[len(picture) :]]
    return BETWEEN.join(filter(None, line))[: max(width, 0)]


def _wordings(view: RunView, elapsed: float) -> list[list[str]]:
    """What is said in any case, in ever fewer words."""
    so_far = duration(elapsed)
    left = "" if view.left is None else duration(view.left)
    long = f"{so_far} so far, about {left} left" if left else f"{so_far} so far"
    short = f"{so_far}, {left} left" if left else so_far
    numbers = [text.partition(" ")[2] for text in (view.picture, view.step)]
    wordings = [
        [view.picture, view.step, long],
        [view.picture, view.step, short],
        [numbers[0], view.step, short],
        [view.step, short],
        [numbers[1], short],
        [short],
    ]
    return [[*filter(None, parts)] for parts in wordings]


def _cut(title: str, room: int) -> str:
    line = " ".join(title.split())
    if len(line) <= room:
        return line
    return line[: room - 1] + "…" if room >= SMALLEST_TITLE else ""


def _bar(share: float | None, width: int) -> str:
    if share is None or width < SMALLEST_BAR:
        return ""
    done = round(width * share)
    return "━" * done + "─" * (width - done)
