"""Which pictures are to be scored, and the words that each of them carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.load import picture_size
from sdcli.library.find import BUILTIN, find_checkpoint
from sdcli.library.find_by_hash import PICTURES
from sdcli.library.hashes import hash_file
from sdcli.library.open_file import expand_path, is_folder, is_ordinary_file
from sdcli.metadata.readers import read_foreign_picture
from sdcli.metadata.record import read_picture_metadata
from sdcli.plan import Plan
from sdcli.prompts.bare_words import bare_words
from sdcli.prompts.syntax import DEFAULT_SYNTAX


@dataclass(frozen=True)
class CarriedWords:
    """What a picture says that it shows, and whether the built-in model drew it."""

    words: str
    by_builtin: bool


def list_pictures(names: Iterable[Path]) -> list[Path]:
    """The pictures that these are, and those in the folders among them, in the order of their
    names; BadRequest where a folder holds none."""
    return [path for name in names for path in _listed(expand_path(name))]


def _listed(path: Path) -> Iterator[Path]:
    if not is_folder(path):
        yield path
        return
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise SdcliError(
            f"`{path}` cannot be read: {error.strerror}", hint="name another"
        ) from None
    found = [one for one in inside if one.suffix.lower() in PICTURES and is_ordinary_file(one)]
    if not found:
        raise BadRequest(f"no picture lies in `{path}`", hint="name pictures, or a folder of them")
    yield from found


def carried_words(path: Path) -> CarriedWords:
    """The words of a picture's prompt alone; none where it carries none. BadRequest where what it
    carries cannot be read."""
    carried = read_picture_metadata(path)
    if carried.plan is not None:
        plan = carried.plan
        return CarriedWords(bare_words(plan.prompt, plan.syntax), is_drawn_by_builtin(plan))
    foreign = read_foreign_picture(carried.texts, picture_size(path))
    if foreign is None:
        return CarriedWords("", by_builtin=False)
    syntax = foreign.request.syntax or DEFAULT_SYNTAX
    return CarriedWords(bare_words(foreign.request.prompt, syntax), by_builtin=False)


def is_drawn_by_builtin(plan: Plan) -> bool:
    """Whether a plan's model is the one in the box, as it is now."""
    return plan.model.sha256 == hash_file(find_checkpoint(BUILTIN)).sha256
