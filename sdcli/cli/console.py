"""Two streams: results on stdout, conversation on stderr. The only file that prints."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sdcli.cli.progress_line import RunView, progress_line
from sdcli.errors import SdcliError
from sdcli.events import RunState, SilentListener

if TYPE_CHECKING:  # rich costs 40 ms, and most of what is said needs none of it
    from rich.console import Console as Terminal
    from rich.progress import Progress, ProgressColumn, Task


def print_result(line: str) -> None:
    """A line on stdout that another program may read, there as soon as this returns."""
    try:
        print(line, file=sys.stdout, flush=True)
    except OSError as error:
        _hush_stdout()
        gone = error.errno == errno.EPIPE
        why = "nobody reads it any more" if gone else f"{error.strerror}"
        raise SdcliError(
            f"stdout cannot be written: {why}", hint="pictures already drawn are kept"
        ) from error


def print_record(facts: Mapping[str, Any]) -> None:
    """One JSON object on a line of stdout."""
    text = json.dumps(facts, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a narrow stream, or half a letter: JSON's own escapes
        text = json.dumps(facts)
    print_result(escape_controls(text, r"\u{:04x}"))


def escape_controls(text: str, form: str = r"\x{:02x}") -> str:
    """Text from a stranger's file, fit for a terminal: nothing in it moves, colours or breaks it."""
    return _UNFIT.sub(lambda letter: form.format(ord(letter[0])), text)


# Control characters but for tab and line end, and halves of surrogate pairs, which no stream takes.
_UNFIT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def print_styled(lines: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Lines of (text, style) on stdout; the styles show only where it is a terminal."""
    from rich.console import Console as Terminal
    from rich.text import Text

    terminal = Terminal(file=sys.stdout, highlight=False)
    for line in lines:
        terminal.print(Text.assemble(*line), soft_wrap=not terminal.is_terminal)


def print_error(error: SdcliError) -> None:
    """The fact and the hint, on stderr, whatever the mode."""
    print(escape_controls(f"error: {error.fact}"), file=sys.stderr)
    if error.hint:
        print(escape_controls(f"hint: {error.hint}"), file=sys.stderr)


@dataclass
class Console(SilentListener):
    """What is said to the person at the keyboard: stages, steps and notes, all on stderr.

    Notes are said unless `quiet`; stages and steps are drawn only where stderr is a terminal.
    """

    quiet: bool = False
    _progress: Progress | None = None
    _view: RunView = RunView()

    def on_note(self, text: str) -> None:
        """Say one line. Never through markup: prompts are full of square brackets."""
        if self.quiet:
            return
        text = escape_controls(text)
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Say a table: words to the left, numbers to the right."""
        lines = [list(heads), *map(list, rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            first, *others = zip(line, widths, strict=True)
            cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
            self.on_note("  ".join(cells))

    @property
    def is_live(self) -> bool:
        """Whether a line is drawn that shows where the run is."""
        return self._progress is not None

    def show(self, view: RunView) -> None:
        """Show this in the line."""
        self._view = view

    def on_stage(self, text: str) -> None:
        """A new stage begins; the bar keeps its length and the picture its number within a run."""
        self._view = replace(self._view, title=text, step="")

    def on_run(self, state: RunState) -> None:
        """A denoising step was taken: which one of which picture, and how long it will all take."""
        step = f"step {state.step} of {state.steps}"
        self._view = RunView(state.title, state.which, step, state.share, state.left)

    def on_fallback(self, text: str) -> None:
        """Say what is done otherwise than planned, as a note."""
        self.on_note(text)

    def on_progress(self, done: int, of: int) -> None:
        """So many parts of the stage are done."""
        self._view = replace(self._view, step=f"{done} of {of}")

    @contextmanager
    def live(self) -> Generator[Console]:
        """Draw stages and steps until the block ends, where there is a terminal to draw on."""
        if self.quiet or not sys.stderr.isatty():
            yield self
            return
        from rich.console import Console as Terminal
        from rich.progress import Progress, SpinnerColumn

        terminal = Terminal(stderr=True, highlight=False)
        columns = SpinnerColumn(), self._line_column(terminal)
        with Progress(*columns, console=terminal, transient=True) as progress:
            self._progress, self._view = progress, RunView("starting")
            progress.add_task("", total=None)
            try:
                yield self
            finally:
                self._progress = None

    def _line_column(self, terminal: Terminal) -> ProgressColumn:
        """What stands beside the spinner: the view as it is when it is looked at."""
        from rich.progress import ProgressColumn
        from rich.table import Column
        from rich.text import Text

        def line(task: Task) -> Text:
            room = terminal.width - _SPINNER
            text = escape_controls(progress_line(self._view, task.elapsed or 0, room))
            return Text(text if terminal.encoding.startswith("utf") else text.translate(_IN_ASCII))

        class Line(ProgressColumn):
            def render(self, task: Task) -> Text:
                return line(task)

        return Line(Column(no_wrap=True, overflow="crop"))


_SPINNER = 3  # columns that it takes, with what is between
_IN_ASCII = str.maketrans("━─…", "#-~")


def _hush_stdout() -> None:
    """What is still buffered, and whatever comes, goes nowhere instead of failing again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows on stdout, in columns as wide as they need; the last one may be long."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print_result("  ".join([*cells, line[-1]]).rstrip())


def print_listing(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool) -> None:
    """Rows as a table for people or, one object a line, for programs."""
    if as_json:
        for row in rows:
            print_record(dict(zip(heads, row, strict=True)))
    else:
        print_table(heads, [[_cell(value) for value in row] for row in rows])


def print_facts(
    found: Mapping[str, Any], rows: Sequence[tuple[str, str]], *, as_json: bool
) -> None:
    """What is known of one thing: lines for people, one object for programs."""
    if as_json:
        print_record(found)
        return
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print_result(f"{name.ljust(width)}  {text}")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, cast("Sequence[Any]", value)))
    return str(value)
