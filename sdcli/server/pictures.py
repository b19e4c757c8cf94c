"""The pictures of the folder where pictures go, by their names: listed, shown, found, and no other file."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images.formats.table import FORMAT_BY_ENDING
from sdcli.images.load import load_picture
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.outputs.atomic import write_file
from sdcli.outputs.save import FOLDER
from sdcli.text import suggest

THUMBNAIL = 320  # pixels of the longer side
QUALITY = 85
MOST_NAMED = 255  # characters of a name


@dataclass(frozen=True)
class ListedPicture:
    """A file that is a picture by its name."""

    name: str
    path: Path
    changed: float  # when, in seconds
    size: int  # bytes


@dataclass(frozen=True)
class PictureFolders:
    """Folders whose pictures may be seen. The first is the one that new pictures go to."""

    folders: tuple[Path, ...]

    def listed(self) -> list[ListedPicture]:
        """Every picture, the newest first; of two with the same name the one of the first folder."""
        found: dict[str, ListedPicture] = {}
        for folder in self.folders:
            for picture in _pictures_in(folder):
                found.setdefault(picture.name, picture)
        return sorted(found.values(), key=lambda one: (-one.changed, one.name))

    def find(self, name: str) -> Path:
        """Where the picture of this name is; a name is no path, and nothing else is opened."""
        if len(name) <= MOST_NAMED and Path(name).name == name and _ends_like_picture(name):
            for folder in self.folders:
                if is_ordinary_file(folder / name) and not (folder / name).is_symlink():
                    return folder / name
        known = [picture.name for picture in self.listed()]
        raise BadRequest(
            f"no picture is called `{name[:100]}`",
            hint=f"{suggest(name[:100], known)}pictures are named as they are listed, without a folder",
        )


def check_folder(path: Path) -> Path:
    """A folder that a command was told; BadRequest where there is none."""
    if not is_folder(path):
        raise BadRequest(f"there is no folder `{path}`", hint="name one that is there")
    return path.absolute()


def output_folder(out: str | None) -> Path:
    """The folder that pictures are saved in where a server is told `out`."""
    return Path(out or FOLDER).absolute()


def make_thumbnail(path: Path, side: int = THUMBNAIL) -> bytes:
    """A small JPEG of a picture, decoded within the bounds of all pictures."""
    image = load_picture(path).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return encode_jpeg(image)


def encode_jpeg(image: Image.Image) -> bytes:
    """The bytes of a JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def page_of(
    pictures: Sequence[ListedPicture], before: str | None, most: int
) -> list[ListedPicture]:
    """So many pictures, the first or those that come after one of this name."""
    names = [picture.name for picture in pictures]
    start = names.index(before) + 1 if before in names else 0
    return list(pictures[start : start + most])


def _pictures_in(folder: Path) -> Iterator[ListedPicture]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _ends_like_picture(entry.name) and not _KEPT_BESIDE.fullmatch(entry.name):
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        yield ListedPicture(
                            entry.name, Path(entry.path), facts.st_mtime, facts.st_size
                        )
    except OSError:
        return  # it is not there yet, or nobody may look into it: there are no pictures


def _ends_like_picture(name: str) -> bool:
    return Path(name).suffix.lower() in FORMAT_BY_ENDING and not name.startswith(".")


def keep_beside(folder: Path, stem: str, data: bytes, sha256: str) -> Path:
    """Keep what pictures of a folder started from in it, once, under a name that is not listed."""
    path = folder / f"{stem}+{sha256[:12]}.png"
    return path if is_ordinary_file(path) else write_file(path, data)


_KEPT_BESIDE = re.compile(r".*\+[0-9a-f]{12}\.png")
