"""What lies in a folder of pictures to learn from: each with its words, and how often it is shown.

Words are found, in this order: in `metadata.jsonl` of the folder, in a `.txt` or `.caption` file beside
the picture, in the name of a folder that is called as kohya's are (`10_sks fox`: ten times, `sks fox`),
and else they are those that hold for all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.load import load_picture
from sdcli.library.find_by_hash import PICTURES
from sdcli.library.open_file import expand_path, is_folder, is_ordinary_file, open_regular_file
from sdcli.training.options import LONGEST_WORDS

KOHYA = re.compile(r"(\d+)_(.+)")
METADATA = "metadata.jsonl"
SIDE_FILES = (".txt", ".caption")
WORD_KEYS = ("text", "caption", "prompt")  # of a line of `metadata.jsonl`
UNREADABLE_ENDINGS = (".heic", ".heif")  # pictures all the same: said, not passed over
NAMED = 5  # how many files an error names
LONGEST_TABLE = 200_000_000  # bytes of a metadata.jsonl


@dataclass(frozen=True)
class FoundPicture:
    """A picture that can be read: its size upright, its words, and how often it is shown."""

    path: Path
    size: tuple[int, int]
    caption: str
    repeats: int
    class_words: str = ""  # of a folder in kohya's manner


def read_folder(folder: Path, *, caption: str, repeats: int) -> list[FoundPicture]:
    """Every picture of a folder and of those in it, by name; BadRequest names what cannot be read."""
    folder = expand_path(folder)
    if not is_folder(folder):
        raise BadRequest(f"there is no folder `{folder}`", hint="name a folder of pictures")
    found: list[FoundPicture] = []
    broken: list[SdcliError] = []
    for place in [folder, *_folders_in(folder)]:
        table = _read_table(place)
        times, words = _kohya_name(place.name)
        for path in _pictures_of(place):
            own = table.get(path.name) or _side_words(path) or words or caption
            try:
                size = load_picture(path).size
            except SdcliError as error:
                broken.append(error)
                continue
            found.append(FoundPicture(path, size, own.strip(), times or repeats, words))
    if broken:
        _refuse(broken)
    if not found:
        raise BadRequest(
            f"there is no picture in `{folder}`",
            hint=f"pictures end with {', '.join(PICTURES[:5])}",
        )
    return found


def _refuse(broken: list[SdcliError]) -> None:
    said = "; ".join(error.fact for error in broken[:NAMED])
    more = f"; and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    raise BadRequest(f"{said}{more}", hint="take them out of the folder, or save them again")


def _folders_in(folder: Path) -> Iterator[Path]:
    """Every folder below, in the order of their names; hidden ones and links are none of it."""
    for path in sorted(folder.iterdir()):
        if is_folder(path) and not path.is_symlink() and not path.name.startswith("."):
            yield path
            yield from _folders_in(path)


def _pictures_of(folder: Path) -> list[Path]:
    endings = (*PICTURES, *UNREADABLE_ENDINGS)
    inside = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in inside if path.suffix.lower() in endings)


def _kohya_name(name: str) -> tuple[int, str]:
    """Repeats and class words of a folder `N_token class`; none of a folder of another name."""
    found = KOHYA.fullmatch(name)
    return (max(1, int(found[1][:6])), found[2].strip()) if found else (0, "")


def _side_words(picture: Path) -> str:
    """The words in the file beside a picture, if there is one: `fox.txt`, or `fox.png.txt`."""
    for ending in SIDE_FILES:
        for path in (picture.with_suffix(ending), picture.with_name(picture.name + ending)):
            if is_ordinary_file(path):
                return " ".join(_read_text(path, 4 * LONGEST_WORDS).split())
    return ""


def _read_text(path: Path, most: int) -> str:
    with open_regular_file(path) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise BadRequest(f"`{path}` is too long", hint=f"it may have {most:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"`{path}` is no text in UTF-8: {error}", hint="save it anew") from None


def _read_table(folder: Path) -> Mapping[str, str]:
    """The words by file name that a folder's `metadata.jsonl` has; none where it has no such file."""
    path = folder / METADATA
    if not is_ordinary_file(path):
        return {}
    table: dict[str, str] = {}
    for number, line in enumerate(_read_text(path, LONGEST_TABLE).splitlines(), 1):
        if line.strip():
            name, words = _read_line(path, number, line)
            table[name] = words
    return table


def _read_line(path: Path, number: int, line: str) -> tuple[str, str]:
    hint = 'a line is like {"file_name": "fox.png", "text": "a fox in the snow"}'
    try:
        entry: Any = json.loads(line)
    except ValueError as error:
        raise BadRequest(f"`{path}`, line {number} is no JSON: {error}", hint=hint) from None
    facts = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    name = facts.get("file_name")
    words = next((facts[key] for key in WORD_KEYS if isinstance(facts.get(key), str)), None)
    if not isinstance(name, str) or words is None:
        raise BadRequest(f"`{path}`, line {number} names no picture and its words", hint=hint)
    return name, str(words)
