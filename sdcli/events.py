"""What happens while something is drawn, told to whoever listens. Nothing else is told anywhere.

The engine calls a `Listener`; it prints nothing itself. The console, the preview file, a server's event
stream, a log and a progress bar are listeners. Inherit from `SilentListener` and write the methods that
matter; `Listeners` tells several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # Pillow need not be there for a help text
    from PIL import Image

    from sdcli.picture import Picture


@dataclass(frozen=True)
class Step:
    """One evaluation of the model for a picture, or for several drawn in one batch."""

    index: int  # from 0, counted in evaluations of the model
    of: int
    timestep: float
    sigma: float  # the noise level
    seed: int  # of the picture; of the first one of a batch
    picture_index: int  # which picture of the plan, from 0; the first one of a batch
    picture_count: int  # how many pictures the plan has
    batch: int  # how many pictures this step is for
    preview: Callable[
        [], Image.Image
    ]  # the picture being drawn, roughly; costs nothing if not called


@dataclass(frozen=True)
class RunState:
    """Where a whole run is: all the pictures that one command draws."""

    title: str  # what is being drawn, where it has a name
    picture: int  # from 1; 0 while something else is drawn, to measure pictures by
    pictures: int | None  # how many there will be; None: nobody knows yet
    step: int  # of this picture, from 1
    steps: int
    share: float | None  # of the run that is done
    elapsed: float  # seconds since the run began
    left: float | None  # about so many seconds more; None: not known yet

    @property
    def which(self) -> str:
        """Which picture it is: "picture 2 of 4"; nothing where it is none."""
        of = f" of {self.pictures}" if self.pictures is not None else ""
        return f"picture {self.picture}{of}" if self.picture else ""


class Listener(Protocol):
    """Whoever hears what happens. Called in the thread that draws, so it should return quickly."""

    def on_stage(self, text: str) -> None:
        """A new stage begins, in words: "loading model.safetensors"."""
        ...

    def on_step(self, step: Step) -> None:
        """A denoising step was taken. A picture that is begun again tells its steps again, from 0."""
        ...

    def on_progress(self, done: int, of: int) -> None:
        """So many parts of a stage are done that is no denoising: tensors written, steps decoded."""
        ...

    def on_note(self, text: str) -> None:
        """Something the user should know, in one line."""
        ...

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned because it had to be: memory ran out."""
        ...

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished. It is not saved yet: that is done by whoever asked for it."""
        ...

    def on_run(self, state: RunState) -> None:
        """Where the whole run is, after every step of it."""
        ...


class SilentListener:
    """Hears everything and does nothing: inherit from it and write the methods that matter."""

    def on_stage(self, text: str) -> None:
        """A new stage begins."""

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""

    def on_progress(self, done: int, of: int) -> None:
        """So many parts of a stage are done."""

    def on_note(self, text: str) -> None:
        """Something the user should know."""

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned."""

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished."""

    def on_run(self, state: RunState) -> None:
        """Where the whole run is."""


class NoteKeeper(SilentListener):
    """Keeps the notes that it hears."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on_note(self, text: str) -> None:
        """Something the user should know."""
        self.notes.append(text)


class Listeners:
    """Several listeners as one: each is told everything, in the order given here."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def on_stage(self, text: str) -> None:
        """A new stage begins."""
        for listener in self._listeners:
            listener.on_stage(text)

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""
        for listener in self._listeners:
            listener.on_step(step)

    def on_progress(self, done: int, of: int) -> None:
        """So many parts of a stage are done."""
        for listener in self._listeners:
            listener.on_progress(done, of)

    def on_note(self, text: str) -> None:
        """Something the user should know."""
        for listener in self._listeners:
            listener.on_note(text)

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned."""
        for listener in self._listeners:
            listener.on_fallback(text)

    def on_picture(self, picture: Picture) -> None:
        """A picture is finished."""
        for listener in self._listeners:
            listener.on_picture(picture)

    def on_run(self, state: RunState) -> None:
        """Where the whole run is."""
        for listener in self._listeners:
            listener.on_run(state)


class NotesOnce(Listeners):
    """A listener that is told no note twice."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._told: set[str] = set()

    def on_note(self, text: str) -> None:
        """Something the user should know, if they do not know it yet."""
        if text not in self._told:
            self._told.add(text)
            super().on_note(text)
