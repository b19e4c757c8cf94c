"""A trained file trained again from what it says of itself, and how the two compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdcli.errors import BadRequest, SdcliError
from sdcli.images.load import picture_size
from sdcli.library.find_by_hash import find_moved_picture, find_moved_weights
from sdcli.library.hashes import hash_tensors
from sdcli.outputs.atomic import check_free
from sdcli.plan import File
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.training.folder import FoundPicture
from sdcli.training.learnt_picture import LearntPicture, place_picture
from sdcli.training.plan import TrainingPlan, draw_nothing, settle_settings
from sdcli.training.record import RecordedPicture, TrainingRecord, find_record
from sdcli.training.settings import TrainingSettings
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Tensor

NUMBERS = {"F16": "<f2", "F32": "<f4"}  # numpy's names of what is written


def require_record(path: Path) -> TrainingRecord:
    """A file's record of its training; BadRequest where it has none, or does not say its pictures."""
    record = find_record(read_header(path))
    if record is None:
        raise BadRequest(
            f"`{path.name}` does not carry how it was trained", hint="files of `sdcli train` do"
        )
    if not record.pictures:
        raise BadRequest(
            f"`{path.name}` does not list its pictures: they were too many",
            hint=f"`sdcli train {record.kind} FOLDER --like {path.name}` takes its settings",
        )
    return record


def plan_again(record: TrainingRecord, out: Path, *, force: bool) -> TrainingPlan:
    """The plan of a record, with its model and every picture where they are now."""
    check_free(out, force=force)
    places = [_find_weights(one) for one in (record.model, record.vae) if one]
    model, vae = places[0], places[1] if record.vae else None
    values = {name: record.drawing[name] for name in ("prediction", "zero_snr", "clip_skip")}
    request = draw_nothing(
        model=str(model),
        vae=str(vae) if vae else None,
        device=record.made.get("device"),
        dtype=record.drawing["dtype"],
        **values,
    )
    drawing = hash_files(draft_plan(request))
    settings = settle_settings(record.kind, record.values, identify_checkpoint(model))
    near = (record.path.parent, Path())
    return TrainingPlan(
        kind=record.kind,
        drawing=drawing,
        settings=settings,
        pictures=tuple(_learnt(one, settings, near) for one in record.pictures),
        trigger=record.trigger,
        word=record.word,
        folder=record.path.parent,
        regularisation=None,
        out=out,
        samples=(),
        force=force,
    )


def _find_weights(wanted: tuple[str, str]) -> Path:
    name, sha256 = wanted
    place = find_moved_weights(File(Path(name), sha256))
    if place is None:
        raise SdcliError(
            f"the model `{name}` is nowhere (sha256 {sha256[:16]}...)",
            hint="put it into the folder of models; see `sdcli models`",
        )
    return place


def _learnt(
    one: RecordedPicture, settings: TrainingSettings, near: tuple[Path, ...]
) -> LearntPicture:
    place = find_moved_picture(File(Path(one.name), one.sha256), near)
    if place is None:
        raise SdcliError(
            f"the picture `{one.name}` is nowhere (sha256 {one.sha256[:16]}...)",
            hint="put it beside the file",
        )
    found = FoundPicture(place, picture_size(place), one.caption, one.repeats)
    return place_picture(found, settings, regular=one.regular)


@dataclass(frozen=True)
class FileVerdict:
    """How two trained files compare: by how much what they say differs, as a share of it."""

    identical: bool
    apart: float = 0.0

    def __str__(self) -> str:
        if self.identical:
            return "identical, every number"
        return f"different: by {100 * self.apart:.3g} % of what is in it"


def compare_files(then: Path, now: Path) -> FileVerdict:
    """How the numbers of a file compare to those of another."""
    if hash_tensors(then) == hash_tensors(now):
        return FileVerdict(identical=True)
    ours, theirs = read_header(now).tensors, read_header(then).tensors
    if {k: t.shape for k, t in ours.items()} != {k: t.shape for k, t in theirs.items()}:
        return FileVerdict(identical=False, apart=1.0)
    apart = whole = 0.0
    for name, tensor in theirs.items():
        before = _numbers(tensor)
        apart += float(np.square(before - _numbers(ours[name])).sum())
        whole += float(np.square(before).sum())
    return FileVerdict(identical=False, apart=(apart / whole) ** 0.5 if whole else 1.0)


def _numbers(tensor: Tensor) -> NDArray[np.float64]:
    with tensor.file.open("rb") as file:
        file.seek(tensor.offset)
        raw = file.read(tensor.size)
    return np.frombuffer(raw, NUMBERS[tensor.dtype]).astype(np.float64)
