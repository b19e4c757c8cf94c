"""Pictures enlarged one after the other, each saved before the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.jpeg import JPEG
from sdcli.images.formats.png import PNG
from sdcli.images.load import load_whole_picture, picture_size
from sdcli.library.find import BUILTIN, find_adapter
from sdcli.library.hashes import hash_file, watch_files
from sdcli.metadata.record import Enlargement, hash_pixels
from sdcli.outputs.save import save_picture
from sdcli.picture import Picture
from sdcli.plan import File, Plan
from sdcli.request import Output
from sdcli.score.pictures import list_pictures
from sdcli.upscale.carry import CarriedTexts, add_step, embed_texts, read_carried_texts
from sdcli.upscale.drawing_upscaler import DrawingUpscaler, make_drawing_upscaler
from sdcli.upscale.drawing_wish import DrawingWish
from sdcli.upscale.place import UpscalePlace, find_upscale_place
from sdcli.upscale.refine import (
    RefineWish,
    check_refine,
    keep_transparency,
    read_refine_wish,
    refine_plan,
)
from sdcli.upscale.size_wish import SizeWish
from sdcli.weights.checkpoint import checkpoint_from_header
from sdcli.weights.read_header import read_header
from sdcli.weights.upscaler import Upscaler, is_drawing_upscaler, upscaler_from_header

BUILTIN_UPSCALER = f"{BUILTIN}:upscaler"
NOTHING_SAID = DrawingWish()
Draw = Callable[[Plan], Picture]  # the one picture of a plan, drawn


class Enlarger(Protocol):
    """An upscaler that is loaded."""

    scale: int
    events: list[str]

    def enlarge(self, image: Image.Image, size: tuple[int, int] | None = None) -> Image.Image:
        """The picture at this size."""
        ...


@dataclass(frozen=True)
class UpscaleJob:
    """Pictures, what enlarges them, how large, and where they go."""

    paths: list[Path]
    upscaler: Upscaler | DrawingUpscaler
    wish: SizeWish
    place: UpscalePlace
    output: Output
    refine: RefineWish | None = None

    @property
    def is_of_one(self) -> bool:
        """Whether a single picture was named."""
        return len(self.paths) == 1

    @property
    def draws(self) -> bool:
        """Whether a model draws for it."""
        return self.refine is not None or isinstance(self.upscaler, DrawingUpscaler)

    def size_of(self, before: tuple[int, int]) -> tuple[int, int]:
        """What a picture of this size becomes, as far as that is known before it is loaded."""
        scale = self.upscaler.scale or 1
        if isinstance(self.upscaler, DrawingUpscaler):
            self.upscaler.check_scale(self.wish.scale_of(*before, scale))
        return self.wish.size_of(*before, scale)


@dataclass(frozen=True)
class EnlargedPicture:
    """A picture that was enlarged and saved."""

    picture: Path  # that it was made of
    path: Path
    size: tuple[int, int]
    seconds: float
    events: tuple[str, ...]
    note: str = ""
    enlarged: Path | None = None  # what was painted over, where it was


@dataclass(frozen=True)
class PlannedPicture:
    """A picture that would be enlarged."""

    picture: Path
    before: tuple[int, int]
    size: tuple[int, int]
    path: Path  # where it goes, unless that is taken


@dataclass(frozen=True)
class SkippedPicture:
    """A picture that could not be enlarged, and why."""

    picture: Path
    error: SdcliError


def plan_upscale(
    pictures: Sequence[Path],
    name: str | None,
    wish: SizeWish,
    output: Output,
    strength: float | None = None,
    said: DrawingWish = NOTHING_SAID,
) -> UpscaleJob:
    """The job of these words, `said` of how a model is to draw, `strength` of how much of what was
    enlarged; BadRequest where something of it cannot be."""
    paths = list_pictures(pictures)
    header = read_header(find_adapter(name or BUILTIN_UPSCALER, "upscaler"))
    refine, first = None, _first_readable(paths)
    if is_drawing_upscaler(header):
        upscaler = make_drawing_upscaler(checkpoint_from_header(header), said, strength)
        if first is not None:
            upscaler.check(first)
    else:
        upscaler = upscaler_from_header(header)
        refine = read_refine_wish(strength, said)
        if refine is not None and first is not None:
            check_refine(refine, first)
    place = find_upscale_place(output, len(paths))
    job = UpscaleJob(paths, upscaler, wish, place, output, refine)
    if place.exact and (upscaler.scale or wish != SizeWish()):
        for one in planned_pictures(job):  # before anything is loaded
            if isinstance(one, PlannedPicture):
                place.check(one.path)
    return job


def _first_readable(paths: Sequence[Path]) -> Path | None:
    """The first picture that is none of the damaged ones, which are left out later."""
    for path in paths:
        with suppress(SdcliError):
            load_whole_picture(path)
            return path
    return None


def planned_pictures(job: UpscaleJob) -> Iterator[PlannedPicture | SkippedPicture]:
    """What would become of each picture, or why it cannot; nothing of it is read but its header."""
    if job.upscaler.scale is None and job.wish == SizeWish():
        raise BadRequest(
            f"nothing of `{job.upscaler.path.name}` tells by how much it enlarges before it is loaded",
            hint="say `--scale` or `--to` with `--dry-run`",
        )
    for index, picture in enumerate(job.paths):
        try:
            before = picture_size(picture)
            size = job.size_of(before)
        except SdcliError as error:
            yield SkippedPicture(picture, error)
        else:
            path = job.place.path(picture, size, index)
            yield PlannedPicture(picture, before, size, path)


def upscale_pictures(
    job: UpscaleJob, enlarger: Enlarger | None, draw: Draw
) -> Iterator[EnlargedPicture | SkippedPicture]:
    """Every picture enlarged and saved, or why it is not, in their order: by the upscaler that is
    loaded, or where that draws itself by `draw`, which also paints over what was enlarged."""
    by = job.upscaler
    file = hash_file(by.path)
    for index, picture in enumerate(job.paths):
        try:
            if isinstance(by, DrawingUpscaler):
                yield _draw_larger(job, by, picture, index, draw)
            else:
                assert enlarger is not None
                yield _upscale(job, enlarger, file, picture, index, draw)
        except SdcliError as error:
            yield SkippedPicture(picture, error)


def _draw_larger(
    job: UpscaleJob, by: DrawingUpscaler, picture: Path, index: int, draw: Draw
) -> EnlargedPicture:
    """The picture drawn larger, and saved with the plan that draws it."""
    began = time.perf_counter()
    before = picture_size(picture)
    path = job.place.path(picture, job.size_of(before), index)
    job.place.check(path)
    plan = by.plan(picture, job.wish.scale_of(*before, by.scale), job.output)
    drawn = draw(plan)
    saved = save_picture(drawn, job.place.destination(path))
    seconds = round(time.perf_counter() - began, 3)
    return EnlargedPicture(picture, saved, drawn.image.size, seconds, drawn.provenance.events)


def _upscale(
    job: UpscaleJob, enlarger: Enlarger, file: File, picture: Path, index: int, draw: Draw
) -> EnlargedPicture:
    began, events = time.perf_counter(), len(enlarger.events)
    image, place = load_whole_picture(picture), job.place
    size = job.wish.size_of(*image.size, enlarger.scale)
    path = place.path(picture, size, index)
    place.check(path)
    texts = read_carried_texts(picture) if job.output.metadata else CarriedTexts()
    with watch_files([file]):
        larger = enlarger.enlarge(image, size)
    options: dict[str, Any] = {}
    row, at = place.row, path
    if job.refine is not None:  # what is painted over is kept, so that it can be done again
        row, at = PNG, path.with_name(f"{path.stem}-enlarged.png")
    if job.output.metadata:
        step = Enlargement(file, f"{size[0]}x{size[1]}", hash_pixels(larger))
        texts_now = add_step(texts, step, round(size[0] / image.width, 4), job.wish)
        options = embed_texts(row, texts_now)
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile
    saved = place.put(at, row, larger, options)
    done = EnlargedPicture(
        picture,
        saved,
        size,
        round(time.perf_counter() - began, 3),
        tuple(enlarger.events[events:]),
        texts.problem,
    )
    return done if job.refine is None else _refine(job, job.refine, done, path, draw)


def _refine(
    job: UpscaleJob, wish: RefineWish, done: EnlargedPicture, path: Path, draw: Draw
) -> EnlargedPicture:
    """The enlarged picture painted over, and saved where it would have been."""
    began = time.perf_counter()
    plan = refine_plan(wish, done.picture, done.path, job.output)
    painted = keep_transparency(draw(plan), done.path, transparent=job.place.row is not JPEG)
    saved = save_picture(painted, job.place.destination(path))
    seconds = round(done.seconds + time.perf_counter() - began, 3)
    return replace(done, path=saved, seconds=seconds, enlarged=done.path)
