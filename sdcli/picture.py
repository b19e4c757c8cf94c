"""One finished image, the plan it came from, and what happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from PIL import Image

from sdcli.plan import Plan
from sdcli.request import Output


@dataclass(frozen=True)
class Provenance:
    """How a picture came about: facts about the machine and the run, not about the request."""

    STORED_AS: ClassVar = ("made",)  # what pictures call it

    device: str
    dtype: str
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    events: tuple[str, ...] = ()  # a fallback, a retry: whatever changed how it was drawn
    threads: int = 0  # of a CPU, whose sums come out by how they are shared; 0: not told
    ways: tuple[str, ...] = ()  # to be faster that were taken, each with its class
    batch_seeds: tuple[
        int, ...
    ] = ()  # of the pictures that were denoised together with it, its own too


@dataclass(frozen=True)
class Picture:
    """A finished image. Its plan has `count` 1 and its own seed: it draws this picture alone."""

    image: Image.Image
    plan: Plan
    provenance: Provenance
    index: int = 0  # which picture of the run, from 0
    maps: tuple[Image.Image, ...] = ()  # the control maps that were followed

    @property
    def seed(self) -> int:
        """The seed that draws this picture."""
        return self.plan.seed

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the picture and all that it carries, as the command does, and give its path back.

        A folder, a file or a template with `{seed}` and so on; a file that exists is replaced only
        with `force`.
        """
        from sdcli.outputs import save as outputs  # which knows pictures

        place = outputs.find_destination(Output(str(path), force=force))
        outputs.prepare_destination(place, self.plan)
        return outputs.save_picture(self, place)
