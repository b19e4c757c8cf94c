"""A study in its folder, which goes on where it stopped when the same command is given again.

While a study is drawn, `unfinished/journal.jsonl` in its folder says which study it is and which of
its pictures are there. The same study that finds such a folder goes on in it, with its seed if
nobody said one, and with the words that its prompts' choices came to by that seed. When all of it is
there, `unfinished` is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from PIL import Image

from sdcli.errors import BadRequest, SdcliError
from sdcli.library.open_file import is_folder, is_ordinary_file
from sdcli.metadata import codec
from sdcli.outputs import study_folder
from sdcli.outputs.file_lock import try_lock
from sdcli.outputs.study_folder import StudyFolder
from sdcli.plan import Plan

UNFINISHED = "unfinished"
JOURNAL = "journal.jsonl"


@dataclass
class OpenStudy:
    """A study's folder and what is finished in it. No other process has it open."""

    folder: StudyFolder
    seed: int  # of its first plan; another than was asked for where it goes on with its own
    _file: BinaryIO
    _finished: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @property
    def scratch(self) -> Path:
        """A folder for what is needed until the study is finished."""
        return self.folder.path / UNFINISHED

    @property
    def finished_count(self) -> int:
        """How many pictures are there."""
        return len(self._finished)

    def find(self, name: str) -> Mapping[str, Any] | None:
        """What was remembered of a picture that is still there; None: it is to be drawn."""
        facts = self._finished.get(name)
        return facts if facts is not None and is_ordinary_file(self.path_of(facts)) else None

    def path_of(self, facts: Mapping[str, Any]) -> Path:
        """Where a remembered picture is."""
        return self.folder.path / str(facts["path"])

    def read_image(self, facts: Mapping[str, Any]) -> Image.Image:
        """A remembered picture's image."""
        with Image.open(self.path_of(facts)) as image:
            return image.convert("RGB")

    def remember(self, name: str, path: Path, facts: Mapping[str, Any]) -> None:
        """Write down that a picture is finished, and what else is worth knowing of it."""
        relative = path.relative_to(self.folder.path).as_posix()
        entry = {**facts, "name": name, "path": relative}
        _append(self._file, entry)
        self._finished[name] = entry

    def close(self, *, finished: bool) -> None:
        """Let go of the folder; a study that is finished, or has nothing yet, leaves no trace of
        having been unfinished."""
        self._file.close()
        if finished or not self._finished:
            shutil.rmtree(self.scratch, ignore_errors=True)
        if not finished and not any(self.folder.path.iterdir()):
            self.folder.path.rmdir()


PlansOfSeed = Callable[[int], Sequence[Plan]]


def open_study(
    kind: str,
    plans: Sequence[Plan],
    *,
    again: PlansOfSeed | None = None,
    words: Sequence[str] = (),
) -> OpenStudy:
    """The folder of this study: the one in which it was interrupted, or a new one.

    `again` is there where nobody asked for the first plan's seed, so that the interrupted one's will
    do: it makes the plans of another one. `words` are what makes it another study, beside its plans.
    """
    first = plans[0]
    identity = _identify((kind, *words), plans, relative=again is not None)
    chosen = any(plan.template or plan.negative_template for plan in plans)

    def identify(seed: int) -> str:
        if again is None or not chosen:
            return identity
        return _identify((kind, *words), again(seed), relative=True)

    for path in _candidates(kind, first):
        if study := _reopen(path, identify, first):
            return study
    folder = study_folder.open_study_folder(first.output, kind, first)
    shutil.rmtree(folder.path / UNFINISHED, ignore_errors=True)  # another study's, by `--force`
    try:
        (folder.path / UNFINISHED).mkdir()
        file = (folder.path / UNFINISHED / JOURNAL).open("a+b")
    except OSError as error:
        raise SdcliError(
            f"nothing can be written in `{folder.path}`: {error.strerror}",
            hint="choose another place with `--out`",
        ) from error
    try_lock(file)
    _append(file, {"study": identity, "seed": first.seed})
    return OpenStudy(folder, first.seed, file)


def _candidates(kind: str, plan: Plan) -> list[Path]:
    """The folders in which the study may have been interrupted."""
    if plan.output.path is not None:
        return [Path(plan.output.path)]
    name = study_folder.default_study_name(kind, plan).rpartition("-")[0]
    parent = Path(study_folder.PARENT)
    return sorted(path for path in parent.glob(f"{_literal(name)}-*") if is_folder(path))


def _literal(name: str) -> str:
    """A name as a pattern that only it matches."""
    return "".join(f"[{letter}]" if letter in "[?*" else letter for letter in name)


def _reopen(path: Path, identify: Callable[[int], str], plan: Plan) -> OpenStudy | None:
    """The study in a folder that has the identity which its seed makes; None where there is another,
    or none."""
    try:
        file = (path / UNFINISHED / JOURNAL).open("r+b")
    except OSError:
        return None
    head, *entries = [*_read_entries(file)] or [{}]
    if "study" not in head or head["study"] != identify(int(head["seed"])):
        file.close()
        return None
    if not try_lock(file):
        file.close()
        if plan.output.path is None:
            return None  # it is being drawn right now: this one takes another folder
        raise BadRequest(
            f"another process is drawing this study into `{path}`", hint="wait, or name another"
        )
    folder = StudyFolder(path, study_folder.picture_format(plan.output))
    finished: dict[str, Mapping[str, Any]] = {
        str(one["name"]): one for one in entries if "name" in one and "path" in one
    }
    return OpenStudy(folder, int(head["seed"]), file, finished)


def _identify(words: Sequence[str], plans: Sequence[Plan], *, relative: bool) -> str:
    """What makes a study the same: every plan of it, its seeds but for where they begin."""
    start = plans[0].seed if relative else 0
    data = [codec.to_data(replace(plan, seed=plan.seed - start)) for plan in plans]
    output = plans[0].output
    text = codec.to_json([list(words), data, study_folder.picture_format(output), output.metadata])
    return hashlib.sha256(text.encode()).hexdigest()


def _read_entries(file: BinaryIO) -> Iterator[dict[str, Any]]:
    for line in file.read().split(b"\n"):
        try:
            entry: Any = json.loads(line)
        except ValueError:  # empty, or cut short when the machine stopped
            continue
        if isinstance(entry, dict):
            yield cast("dict[str, Any]", entry)


def _append(file: BinaryIO, entry: Mapping[str, Any]) -> None:
    """A line, on the disk when this returns. It begins anew after one that was cut short."""
    try:
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + json.dumps(entry, ensure_ascii=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise SdcliError(
            f"`{file.name}` could not be written: {error.strerror or error}",
            hint="free some space; finished pictures are kept",
        ) from error
