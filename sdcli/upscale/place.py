"""Where enlarged pictures go: a folder, a file, or a template with `{name}`, `{width}`, `{height}`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images.formats.format import PictureFormat
from sdcli.images.formats.table import FORMATS
from sdcli.library.open_file import is_folder
from sdcli.outputs.atomic import check_name
from sdcli.outputs.save import (
    FOLDER,
    Destination,
    choose_format,
    format_of_name,
    is_taken,
    names_file,
    prepare_folder,
    write_picture,
)
from sdcli.request import Output

NAME = "{name}-{width}x{height}"
_FIELDS = ("name", "width", "height", "index")


@dataclass(frozen=True)
class UpscalePlace:
    """A template of path names and a format, both known to be usable."""

    template: str
    row: PictureFormat
    exact: bool  # the user named the file: one that exists is refused, not stepped aside
    force: bool

    def path(self, picture: Path, size: tuple[int, int], index: int) -> Path:
        """The path of one picture, before asking whether it is taken."""
        width, height = size
        named = self.template.format(name=picture.stem, width=width, height=height, index=index)
        return Path(named)

    def check(self, path: Path) -> None:
        """Refuse a name that cannot be, or that a file has which the user did not give up."""
        check_name(path)
        if self.exact and not self.force and os.path.lexists(path):
            raise is_taken(path)
        if is_folder(path):
            raise BadRequest(f"`{path}` is a folder", hint="name a file in it, or end it with `/`")
        prepare_folder(path.parent)

    def destination(self, path: Path) -> Destination:
        """The place of one picture as other pictures have theirs."""
        named = str(path).replace("{", "{{").replace("}", "}}")
        return Destination(named, self.row.name, exact=self.exact, force=self.force)

    def put(
        self, path: Path, row: PictureFormat, image: Image.Image, options: Mapping[str, Any]
    ) -> Path:
        """A finished picture at a path, or beside it where that is taken; over white where its
        format knows no transparency."""
        return write_picture(image, path, row, {**row.options, **options}, self.destination(path))


def find_upscale_place(asked: Output, count: int) -> UpscalePlace:
    """What `--out` and `--format` mean for so many pictures."""
    text = asked.path if asked.path is not None else FOLDER
    if not text:
        raise BadRequest("`--out` is empty", hint="name a folder, a file or a template")
    is_file = names_file(text)
    kind = choose_format(asked.format, format_of_name(text) if is_file else None, text)
    _check_template(text)
    if not is_file:
        return UpscalePlace(f"{text}/{NAME}.{kind}", FORMATS[kind], exact=False, force=asked.force)
    if count > 1 and not any(f"{{{name}" in text for name in ("name", "index")):
        raise BadRequest(
            f"`{text}` is one file, and {count} pictures are to be enlarged",
            hint="name a folder, end its name with `/`, or put `{name}` into it",
        )
    return UpscalePlace(text, FORMATS[kind], exact=True, force=asked.force)


def _check_template(text: str) -> None:
    try:
        text.format(**dict.fromkeys(_FIELDS, 0))
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise BadRequest(
            f"`{text}` is not a template that can be filled: {error}",
            hint=f"it may name {', '.join(f'{{{name}}}' for name in _FIELDS)}; "
            "a brace that is one is written twice: `{{`",
        ) from None
