"""What is looked at on the way of a drawing, and what was seen there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Pillow need not be there for a help text
    from PIL import Image

    from sdcli.picture import Picture


@dataclass(frozen=True)
class TraceFocus:
    """What a trace looks at."""

    at: tuple[int, ...]  # steps that are shown closely, from 1
    film: tuple[int, ...]  # steps of the animation
    split: bool = False  # what each branch of the guidance wanted
    attention: bool = False  # where each word was attended to


@dataclass(frozen=True)
class FilmedStep:
    """One frame of the film: what x is, and what the model sees in it."""

    step: int  # from 1
    timestep: float
    sigma: float
    noisy: Image.Image
    clean: Image.Image


@dataclass(frozen=True)
class TracedStep(FilmedStep):
    """A step looked at closely: x is clean + sigma * noise, each of the three as a picture."""

    noise: Image.Image
    wanted: tuple[Image.Image, ...] = ()  # what each branch of the guidance saw, the prompt's last


@dataclass(frozen=True)
class TracedLevels:
    """The noise levels of the model's training, and those that were visited."""

    trained: tuple[float, ...]
    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]


@dataclass(frozen=True)
class AttendedMap:
    """A word and where it was attended to: a grey picture at the latents' size, and its peak."""

    word: str
    map: Image.Image
    peak: float


@dataclass(frozen=True)
class TraceResult:
    """A drawing and what was seen on the way."""

    picture: Picture | None  # None: a picture was noised, and none drawn
    film: tuple[FilmedStep, ...]  # every step that was looked at, some of them closely
    levels: TracedLevels
    attended: tuple[AttendedMap, ...] = ()

    @property
    def closely(self) -> tuple[TracedStep, ...]:
        """The steps that were looked at closely."""
        return tuple(step for step in self.film if isinstance(step, TracedStep))
