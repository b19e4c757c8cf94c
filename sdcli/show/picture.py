"""What a picture carries, whoever wrote it, as facts to read, and the command that would draw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdcli.errors import SdcliError
from sdcli.images.formats.table import format_of_file
from sdcli.images.load import picture_size
from sdcli.library.find_by_hash import PICTURES
from sdcli.library.open_file import open_regular_file
from sdcli.library.relocate import with_known_places
from sdcli.metadata import codec
from sdcli.metadata.readers import read_foreign_picture
from sdcli.metadata.readers.draft import ForeignPicture
from sdcli.metadata.record import EmbeddedMetadata, Enlargement, read_picture_metadata
from sdcli.options.parse import spell_value
from sdcli.picture import Provenance
from sdcli.plan import Plan, files_of
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.reproduce.command_line import command_for_plan, command_for_request, worth_saying
from sdcli.request import Request

_OTHER_OPENINGS = (b"GIF8", b"BM", b"II*\0", b"MM\0*")


def is_picture_file(path: Path) -> bool:
    """Whether a file is a picture, by how it begins, or by its name if it cannot be read."""
    try:
        with open_regular_file(path) as file:
            start = file.read(16)
    except SdcliError:
        return path.suffix.lower() in PICTURES
    known = format_of_file(start) is not None or start.startswith(_OTHER_OPENINGS)
    return known or start[4:8] == b"ftyp"


@dataclass(frozen=True)
class PictureFacts:
    """What a picture carries, in the order in which it is worth reading."""

    file: Path
    size: tuple[int, int]
    title: str = "a picture that says nothing about how it was made"
    program: str = ""  # none where nothing says how it was made
    prompt: str = ""
    negative: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])  # as flags spell them
    command: str = ""  # what would draw it
    plan: Plan | None = None  # of a picture of ours
    provenance: Provenance | None = None
    enlarged: tuple[Enlargement, ...] = ()  # what was made of it since
    unknown_fields: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])  # of another program's
    unmatched: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def pixels(self) -> str:
        """Width and height as people write them."""
        return f"{self.size[0]}x{self.size[1]}"

    @property
    def files(self) -> list[str]:
        """Every file that the plan names, by its content."""
        return (
            [f"{file.sha256}  {file.path}" for file, _ in files_of(self.plan)] if self.plan else []
        )


def picture_facts(path: Path) -> PictureFacts:
    """Everything that a picture carries; BadRequest where it is none, or its plan is refused."""
    carried = read_picture_metadata(path)
    size = picture_size(path)
    facts = PictureFacts(path, size, problems=carried.problems, texts=carried.texts)
    if carried.plan is not None:
        return _own_facts(facts, carried, with_known_places(carried.plan))
    if foreign := read_foreign_picture(carried.texts, size):
        return _foreign_facts(facts, foreign)
    return facts


def _own_facts(facts: PictureFacts, carried: EmbeddedMetadata, plan: Plan) -> PictureFacts:
    facts = replace(
        facts,
        title=f"a picture drawn by sdcli {carried.version}",
        program="sdcli",
        plan=plan,
        provenance=carried.provenance,
        enlarged=carried.enlarged,
        unknown_fields=carried.unknown_fields,
    )
    return _with_request(facts, plan_to_request(plan), command_for_plan(plan))


def _foreign_facts(facts: PictureFacts, foreign: ForeignPicture) -> PictureFacts:
    facts = replace(
        facts,
        title=f"a picture drawn by {foreign.program}",
        program=foreign.program,
        hashes=foreign.hashes,
        unmatched=tuple(foreign.unmatched),
    )
    return _with_request(facts, foreign.request, command_for_request(foreign.request))


def _with_request(facts: PictureFacts, request: Request, command: str) -> PictureFacts:
    """The facts with the words, the settings by name, and the command line."""
    settings = {name: spell_value(value) for name, value in worth_saying(request).items()}
    settings.pop("negative", None)
    return replace(
        facts,
        prompt=request.prompt,
        negative=request.negative or "",
        settings=settings,
        command=command,
    )


def picture_facts_record(facts: PictureFacts) -> dict[str, Any]:
    """The facts as JSON data: what is not known is not there."""
    record: dict[str, Any] = {
        "file": str(facts.file),
        "kind": "picture",
        "title": facts.title,
        "pixels": facts.pixels,
    }
    if facts.program:
        record |= {"program": facts.program, "prompt": facts.prompt, "negative": facts.negative}
        record |= {"settings": dict(facts.settings), "command": facts.command}
    if facts.plan is not None:
        record |= {"files": facts.files, "plan": codec.to_data(facts.plan)}
    elif facts.program:
        record |= {"hashes": dict(facts.hashes), "unmatched": list(facts.unmatched)}
    if (made := facts.provenance) is not None:
        record |= {"device": made.device, "dtype": made.dtype, "seconds": made.seconds}
        record |= {"versions": dict(made.versions), "events": list(made.events)}
    if facts.enlarged:
        record["enlarged"] = codec.to_data(facts.enlarged)
    more = {"strange": facts.unknown_fields, "problems": facts.problems, "texts": facts.texts}
    return record | {name: codec.to_data(value) for name, value in more.items() if value}


def picture_lines(facts: PictureFacts) -> list[str]:
    """The facts for people: who drew it and what, then how it could be drawn again."""
    rows = [*_rows(facts)]
    width = _width(name for name, _ in rows)
    lines = [f"{facts.file}: {facts.title}"]
    lines += [f"  {name:<{width}}{value}" for name, value in rows]
    for heading, listed in _lists(facts):
        lines += [f"  {heading}", *(f"    {each}" for each in listed)] if listed else []
    return lines


def _rows(facts: PictureFacts) -> Iterator[tuple[str, str]]:
    """Names and values; further lines of a text stand under its first."""
    yield "pixels", facts.pixels
    for name, text in (("prompt", facts.prompt), ("negative", facts.negative)):
        for place, line in enumerate(text.splitlines()):
            yield "" if place else name, line
    for name, value in facts.settings.items():
        yield name, value if isinstance(value, str) else ", ".join(value)
    if facts.provenance is not None:
        yield "drawn on", f"{facts.provenance.device}, {facts.provenance.dtype}"
    for step in facts.enlarged:
        yield "enlarged", f"to {step.size} by {step.upscaler.path.name}"


def _lists(facts: PictureFacts) -> Iterator[tuple[str, Sequence[str]]]:
    yield "files, by their content", facts.files
    yield "hashes", _pair_lines(facts.hashes)
    yield "on the way", facts.provenance.events if facts.provenance else ()
    yield "what cannot be matched", facts.unmatched
    yield "of a later version", facts.unknown_fields
    yield "what could not be read", facts.problems
    yield "again with", (facts.command,) if facts.command else ()
    yield "texts", () if facts.command else _pair_lines(facts.texts)


def _width(names: Iterable[str]) -> int:
    """The width of a column of names: two blanks at least between a name and its value."""
    return max([12, *map(len, names)]) + 2


def _pair_lines(pairs: Mapping[str, str]) -> list[str]:
    """A line for each text, cut: one may hold a whole graph of nodes."""
    width = _width(pairs)
    return [f"{name:<{width}}{' '.join(text.split())[:160]}" for name, text in pairs.items()]
