"""The folder of a study: its pictures, its sheets, its page, each whole or not there."""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, cast

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.formats.png import PNG
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.metadata import codec
from sdcli.outputs.atomic import write_file
from sdcli.outputs.save import (
    FOLDER,
    Destination,
    find_destination,
    names_file,
    save_picture,
    write_picture,
)
from sdcli.outputs.template import file_slug
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.request import Output

PICTURES = "pictures"
PARENT = FOLDER  # of studies whose folder nobody named


@dataclass(frozen=True)
class StudyFolder:
    """Where everything of one study lies."""

    path: Path
    format: str

    def picture(self, picture: Picture, name: str) -> Path:
        """A picture that carries its plan, under a name of its own."""
        return save_picture(
            picture, self._place(f"{PICTURES}/{cell_file_name(name)}.{self.format}")
        )

    def image(self, image: Image.Image, name: str) -> Path:
        """A sheet or another image that no plan draws."""
        place = self._place(name)
        return write_picture(image, self.path / name, PNG, {}, place)

    def text(self, text: str, name: str) -> Path:
        """A page, a chart, numbers."""
        return self.data(text.encode(), name)

    def data(self, data: bytes, name: str) -> Path:
        """Some bytes as a file."""
        return write_file(self.path / name, data)

    def results(self, facts: Mapping[str, Any]) -> Path:
        """Numbers for other programs; what is infinite or unknown is null."""
        return self.text(codec.to_json(plain_value(facts)) + "\n", "results.json")

    def _place(self, name: str) -> Destination:
        template = str(self.path / name).replace("{", "{{").replace("}", "}}")
        # The folder is this study's own, or the user said `--force`: nothing of anybody's is in it.
        return Destination(template, self.format, exact=True, force=True)


def open_study_folder(asked: Output, kind: str, plan: Plan) -> StudyFolder:
    """The study's folder, new or empty: the one that was named, or the next free of its kind."""
    form = picture_format(asked)
    if asked.path is None:
        return StudyFolder(_next_free(Path(PARENT) / default_study_name(kind, plan)), form)
    path = Path(asked.path)
    if names_file(asked.path) or is_ordinary_file(path):
        raise BadRequest(
            f"`--out {asked.path}` is a file, and this makes a folder of files",
            hint="name a folder, or end its name with `/`",
        )
    if is_folder(path) and any(path.iterdir()) and not asked.force:
        raise BadRequest(
            f"the folder `{path}` is not empty",
            hint="name a new one, or replace what is in it with `--force`",
        )
    _made(path)
    return StudyFolder(path, form)


def default_study_name(kind: str, plan: Plan) -> str:
    """The name of a study's folder where nobody named one."""
    prompt = plan.template or plan.prompt  # which is another one with another seed
    return f"{kind}-{file_slug(prompt) or 'picture'}-{plan.seed}"


def picture_format(asked: Output) -> str:
    """The file format of a study's pictures."""
    return find_destination(Output(format=asked.format)).format


def cell_file_name(text: str) -> str:
    """The text as a name that every file system takes."""
    return re.sub(r"[^\w.+=-]+", "-", text).strip("-.")[:100] or "picture"


def _next_free(path: Path) -> Path:
    for number in range(1, 100_000):
        free = path if number == 1 else path.with_name(f"{path.name}-{number}")
        if not os.path.lexists(free):
            _made(free)
            return free
    raise SdcliError(f"100,000 folders are called `{path.name}`", hint="choose another `--out`")


def _made(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise SdcliError(
            f"nothing can be written in `{path}`: {error.strerror}",
            hint="choose another place with `--out`",
        ) from error


def plain_value(value: Any) -> Any:
    """Data that JSON has words for."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain_value(codec.to_data(value))
    if isinstance(value, Mapping):
        return {str(k): plain_value(v) for k, v in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in cast(list[Any], value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
