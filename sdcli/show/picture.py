"""What a picture carries, whoever wrote it, as facts to read, and the command that would draw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sdcli.errors import SdcliError
from sdcli.images.load import picture_size
from sdcli.library.find_by_hash import PICTURES
from sdcli.library.open_file import open_regular_file
from sdcli.library.relocate import with_known_places
from sdcli.metadata import codec, readers
from sdcli.metadata.readers.draft import ForeignPicture
from sdcli.metadata.record import EmbeddedMetadata, read_picture_metadata
from sdcli.options.parse import spell_value
from sdcli.plan import Plan, files_of
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.reproduce.command_line import command_for_plan, command_for_request, worth_saying
from sdcli.request import Request

Facts = dict[str, Any]

_OPENINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def is_picture_file(path: Path) -> bool:
    """Whether a file is a picture, by how it begins, or by its name if it cannot be read."""
    try:
        with open_regular_file(path) as file:
            start = file.read(16)
    except SdcliError:
        return path.suffix.lower() in PICTURES
    boxed = start[:4] == b"RIFF" and start[8:12] == b"WEBP" or start[4:8] == b"ftyp"
    return boxed or start.startswith(_OPENINGS)


def picture_facts(path: Path) -> Facts:
    """Everything that a picture carries, in the order in which it is worth reading."""
    carried = read_picture_metadata(path)
    width, height = picture_size(path)
    found: Facts = {
        "file": str(path),
        "kind": "picture",
        "title": "a picture that says nothing about how it was made",
        "pixels": f"{width}x{height}",
    }
    if carried.plan is not None:
        found |= _own_facts(carried, carried.plan)
    elif foreign := readers.read_foreign_picture(carried.texts, (width, height)):
        found |= _foreign_facts(foreign)
    if carried.problems:
        found["problems"] = list(carried.problems)
    return found | ({"texts": dict(carried.texts)} if carried.texts else {})


def _own_facts(carried: EmbeddedMetadata, then: Plan) -> Facts:
    plan = with_known_places(then)
    made = carried.provenance
    told = {
        "title": f"a picture drawn by sdcli {carried.version}",
        "program": "sdcli",
        **_request_facts(plan_to_request(plan), command_for_plan(plan)),
        "files": [f"{file.sha256}  {file.path}" for file, _ in files_of(plan)],
        "plan": codec.to_data(plan),
    }
    if made is not None:
        told |= {"device": made.device, "dtype": made.dtype, "seconds": made.seconds}
        told |= {"versions": dict(made.versions), "events": list(made.events)}
    if carried.unknown_fields:
        told["strange"] = list(carried.unknown_fields)
    return told


def _foreign_facts(found: ForeignPicture) -> Facts:
    said = found.request
    return {
        "title": f"a picture drawn by {found.program}",
        "program": found.program,
        **_request_facts(said, command_for_request(said)),
        "hashes": dict(found.hashes),
        "unmatched": list(found.unmatched),
    }


def _request_facts(said: Request, command: str) -> Facts:
    """The words, the settings by name, and the command line."""
    named = {name: spell_value(value) for name, value in worth_saying(said).items()}
    return {
        "prompt": said.prompt,
        "negative": said.negative or "",
        "settings": {name: each for name, each in named.items() if name != "negative"},
        "command": command,
    }


def picture_lines(found: Facts) -> list[str]:
    """The facts for people: who drew it and what, then how it could be drawn again."""
    rows = [*_rows(found)]
    width = _width(name for name, _ in rows)
    text = [f"{found['file']}: {found['title']}"]
    text += [f"  {name:<{width}}{value}" for name, value in rows]
    for name, heading in _LISTS.items():
        if found.get(name):
            text += [f"  {heading}", *(f"    {each}" for each in _format_list(found[name]))]
    if "command" in found:
        text += ["  again with", f"    {found['command']}"]
    elif found.get("texts"):
        text += ["  texts", *(f"    {each}" for each in _format_list(found["texts"]))]
    return text


def _rows(found: Facts) -> Iterator[tuple[str, str]]:
    """Names and values in the order in which they are worth reading."""
    yield "pixels", found["pixels"]
    for name in ("prompt", "negative"):
        for place, line in enumerate(found.get(name, "").splitlines()):
            yield "" if place else name, line
    for name, value in found.get("settings", {}).items():
        yield name, _format_value(value)
    if "dtype" in found:
        yield "drawn on", f"{found['device']}, {found['dtype']}"


def _width(names: Iterable[str]) -> int:
    """The width of a column of names: two blanks at least between a name and its value."""
    return max([12, *map(len, names)]) + 2


_LISTS = {
    "files": "files, by their content",
    "hashes": "hashes",
    "events": "on the way",
    "unmatched": "what cannot be matched",
    "strange": "of a later version",
    "problems": "what could not be read",
}


def _format_value(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)  # pyright: ignore


def _format_list(held: list[str] | Mapping[str, str]) -> list[str]:
    if isinstance(held, Mapping):
        width = _width(held)
        return [f"{name:<{width}}{' '.join(said.split())[:160]}" for name, said in held.items()]
    return list(held)
