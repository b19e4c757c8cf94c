"""What a picture carries, whoever wrote it, as facts to read, and the command that would draw it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sdcli import request
from sdcli.images import load as images
from sdcli.library.find_by_hash import PICTURES
from sdcli.metadata import codec, readers
from sdcli.metadata import record as metadata
from sdcli.metadata.readers.draft import ForeignPicture
from sdcli.metadata.record import EmbeddedMetadata
from sdcli.options import table as settings
from sdcli.plan import Plan
from sdcli.reproduce.recall import request_from_plan
from sdcli.request import Request

Facts = dict[str, Any]

_COMMANDS = {
    request.Draw: "txt2img",
    request.Redraw: "img2img",
    request.Repaint: "inpaint",
    request.Edit: "edit",
}
# What goes without saying, on a command line and in a list.
_USUAL = {
    "negative": "",
    "count": 1,
    "rng": "cpu",
    "ensd": 0,
    "prompt-syntax": "a1111",
    "emphasis": "original",
    "device": "auto",
    "dtype": "auto",
    "offload": "auto",
}
_OPENINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def is_picture_file(path: Path) -> bool:
    """Whether a file is a picture, by how it begins, or by its name if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return path.suffix.lower() in PICTURES
    boxed = start[:4] == b"RIFF" and start[8:12] == b"WEBP" or start[4:8] == b"ftyp"
    return boxed or start.startswith(_OPENINGS)


def facts(path: Path) -> Facts:
    """Everything that a picture carries, in the order in which it is worth reading."""
    carried = metadata.read_picture_metadata(path)
    width, height = images.size(path)
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


def _own_facts(carried: EmbeddedMetadata, plan: Plan) -> Facts:
    made = carried.made
    told = {
        "title": f"a picture drawn by sdcli {carried.version}",
        "program": "sdcli",
        **_request_facts(request_from_plan(plan)),
        "files": [f"{file.sha256}  {file.path}" for file in _plan_files(plan)],
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
        **_request_facts(said),
        "hashes": dict(found.hashes),
        "unmatched": list(found.unmatched),
    }


def _request_facts(said: Request) -> Facts:
    """The words, the settings by name, and the command line."""
    named = {name: settings.spell_value(value) for name, value in _unusual_settings(said).items()}
    return {
        "prompt": said.prompt,
        "negative": said.negative or "",
        "settings": {name: each for name, each in named.items() if name != "negative"},
        "command": request_command_line(said),
    }


def request_command_line(said: Request) -> str:
    """The line for a shell that asks for this."""
    words = ["sdcli", _COMMANDS[type(said.task)]]
    for name, value in _unusual_settings(said).items():
        for one in value if isinstance(value, tuple) else (value,):  # pyright: ignore
            truths = {True: [f"--{name}"], False: [f"--no-{name}"]}
            words += (
                truths[one] if isinstance(one, bool) else [f"--{name}", settings.spell_value(one)]
            )
    dashes = ["--"] if said.prompt.startswith("-") else []  # else it would be taken for a flag
    return shlex.join([*words, *dashes, said.prompt])


def _unusual_settings(said: Request) -> dict[str, Any]:
    """A request's settings but for the prompt and for what everybody would assume."""
    values = settings.given_values(said)
    del values["prompt"]
    return {name: value for name, value in values.items() if value != _USUAL.get(name)}


def _plan_files(plan: Plan) -> Iterator[Any]:
    """Every file that a plan names, once."""
    seen: dict[Any, None] = {plan.model: None, plan.vae: None}
    for part in (plan.task, *plan.loras, *plan.embeddings, *plan.controls):
        held = (getattr(part, field.name) for field in fields(part))
        seen |= {file: None for file in held if hasattr(file, "sha256")}
    yield from seen


def lines(found: Facts) -> list[str]:
    """The facts for people: who drew it and what, then how it could be drawn again."""
    text = [f"{found['file']}: {found['title']}", f"  pixels        {found['pixels']}"]
    for name in ("prompt", "negative"):
        words = found.get(name, "").splitlines()
        text += [f"  {'' if n else name:<14}{line}" for n, line in enumerate(words)]
    text += [
        f"  {name:<14}{_format_value(value)}" for name, value in found.get("settings", {}).items()
    ]
    if "dtype" in found:
        text.append(f"  {'drawn on':<14}{found['device']}, {found['dtype']}")
    for name, heading in _LISTS.items():
        if found.get(name):
            text += [f"  {heading}", *(f"    {each}" for each in _format_list(found[name]))]
    if "command" in found:
        text += ["  again with", f"    {found['command']}"]
    elif found.get("texts"):
        text += ["  texts", *(f"    {each}" for each in _format_list(found["texts"]))]
    return text


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
        return [f"{name:<14}{' '.join(said.split())[:160]}" for name, said in held.items()]
    return list(held)
