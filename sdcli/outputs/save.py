"""Where a picture is saved and under what name: never half-written, never over another file."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.png import PNG
from sdcli.images.formats.table import FORMAT_BY_ENDING, FORMATS
from sdcli.library.open_file import is_folder
from sdcli.metadata.record import metadata_save_options
from sdcli.outputs.atomic import check_name, claim_name, write_file
from sdcli.outputs.template import check_template, fill_template, named_fields
from sdcli.picture import Picture
from sdcli.plan import Plan, nth_picture
from sdcli.request import Output

FOLDER = "outputs"
NAME = "{prompt}-{seed}"


@dataclass(frozen=True)
class Destination:
    """A place for pictures: a template of path names and a format, both known to be usable."""

    template: str
    format: str
    exact: bool  # the user named the files: one that exists is refused, not stepped aside
    force: bool

    def path(self, plan: Plan, index: int) -> Path:
        """The path of one picture, before asking whether it is taken."""
        return Path(fill_template(self.template, plan, index))


def find_destination(asked: Output, count: int = 1) -> Destination:
    """What `--out` and `--format` mean: a folder, a file, or a template with `{seed}`..."""
    text = asked.path if asked.path is not None else FOLDER
    if not text:
        raise BadRequest("`--out` is empty", hint="name a folder, a file or a template")
    is_file = names_file(text)
    kind = choose_format(asked.format, format_of_name(text) if is_file else None, text)
    if not is_file:
        check_template(text)
        return Destination(f"{text}/{NAME}.{kind}", kind, exact=False, force=asked.force)
    check_template(text)
    if count > 1 and not ({"seed", "index"} & set(named_fields(text))):
        stem, ending = text[: -len(Path(text).suffix)], Path(text).suffix
        text = f"{stem}-{{seed}}{ending}"
    return Destination(text, kind, exact=True, force=asked.force)


def names_file(text: str) -> bool:
    """Whether `--out` names a file. What is a folder, or ends with `/`, is one whatever its name;
    a folder that is not there yet may be called `v1.5` or `run.d`, but not like a kind of file."""
    if text.endswith(("/", os.sep)) or is_folder(Path(text)):
        return False
    return re.fullmatch(r"\.([a-z]{2,4}|jp2|mp4)", Path(text).suffix.lower()) is not None


def format_of_name(text: str) -> str:
    """The format of a file by its name; BadRequest where pictures are not written so."""
    row = FORMAT_BY_ENDING.get(Path(text).suffix.lower())
    if row is None:
        raise BadRequest(
            f"`{text}` ends like no picture that can be written",
            hint=f"end it with {', '.join(FORMAT_BY_ENDING)}, or with `/` if it is a folder",
        )
    return row.name


def choose_format(asked: str | None, named: str | None, text: str) -> str:
    """The format that `--format` asks for, else that of the name that `--out` gives, else PNG."""
    if asked is None:
        return named or "png"
    row = FORMATS.get(asked.lower()) or FORMAT_BY_ENDING.get(f".{asked.lower()}")
    if row is None:
        raise BadRequest(
            f"no picture format is called `{asked}`", hint=f"one of {', '.join(FORMATS)}"
        )
    if named is not None and row.name != named:
        raise BadRequest(
            f"`{text}` ends as {named} and `--format` says {row.name}", hint="say one of the two"
        )
    return row.name


def prepare_destination(place: Destination, plan: Plan) -> None:
    """Make the folder and try it, refuse a named file that exists: before anything is loaded."""
    for index in range(plan.count):
        path = place.path(nth_picture(plan, index), index)
        check_name(path)
        if place.exact and not place.force and os.path.lexists(path):
            raise is_taken(path)
        if is_folder(path):
            raise BadRequest(f"`{path}` is a folder", hint="name a file in it, or end it with `/`")
    prepare_folder(place.path(plan, 0).parent)


def prepare_folder(folder: Path) -> None:
    """Make the folder of what is to be saved, and try it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SdcliError(
            f"nothing can be written in `{folder}`: {error.strerror}",
            hint="choose another place with `--out`",
        ) from error


# Called with a finished file and the name that it is about to be given.
BeforeNaming = Callable[[Path, Path], None]


def _unannounced(partial: Path, name: Path) -> None:
    """Nobody wants to know."""


def save_picture(
    picture: Picture, place: Destination, before_naming: BeforeNaming = _unannounced
) -> Path:
    """The picture on disk, whole, under a name that was free (or that `--force` gave up)."""
    row = FORMATS[place.format]
    options = {**row.options, **metadata_save_options(picture, place.format)}

    def fill(file: BinaryIO) -> None:
        row.holding(picture.image).save(file, row.pillow, **options)

    return put_file(place.path(picture.plan, picture.index), fill, place, before_naming)


def save_maps(picture: Picture, path: Path, place: Destination) -> None:
    """The maps that were followed, as `NAME-map-1.png`... beside the picture."""
    for number, chart in enumerate(picture.maps, 1):
        beside = path.with_name(f"{path.stem}-map-{number}.png")
        write_picture(chart, beside, PNG, PNG.options, place)


def write_picture(
    image: Image.Image,
    path: Path,
    row: PictureFormat,
    options: Mapping[str, Any],
    place: Destination,
) -> Path:
    """The image at `path`, or beside it where that is taken; the partial file never shows."""
    held = row.holding(image)
    return put_file(path, lambda file: held.save(file, row.pillow, **options), place)


def put_file(
    path: Path,
    fill: Callable[[BinaryIO], object],
    place: Destination,
    before_naming: BeforeNaming = _unannounced,
) -> Path:
    """A file at `path`, or beside it where that is taken, once `fill` has written all of it."""
    return write_file(path, fill, lambda partial: _give_name(partial, path, place, before_naming))


def _give_name(partial: Path, path: Path, place: Destination, before_naming: BeforeNaming) -> Path:
    """Give the finished file its name, or the next free one where the user named none."""
    if place.force:
        before_naming(partial, path)
        return partial.replace(path)
    for number in range(1, 100_000):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if os.path.lexists(free) and not place.exact:
            continue
        try:
            before_naming(partial, free)
            claim_name(partial, free)
        except FileExistsError:
            if place.exact:
                raise is_taken(free) from None
        else:
            return free
    raise SdcliError(f"100,000 pictures are called `{path.name}`", hint="choose another `--out`")


def is_taken(path: Path) -> BadRequest:
    """What is said of a file that is in the way."""
    return BadRequest(
        f"`{path}` exists", hint="`--force` replaces it; or name another with `--out`"
    )
