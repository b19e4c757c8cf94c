"""Our own record in a trained file, from which it can be trained again.

No clock is in it, so that the same training writes the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sdcli import __version__
from sdcli.errors import BadRequest
from sdcli.library.open_file import open_regular_file
from sdcli.training.options import EMBEDDING, LORA, PICTURES, options_for, read_values
from sdcli.training.plan import TrainingPlan
from sdcli.weights.json_table import parse_json_table
from sdcli.weights.safetensors import Header

KEY = "sdcli_training"
MOST_PICTURES = 5_000  # that a file lists; of more it is not said which they were
KINDS: Mapping[str, str] = {LORA: "lora", EMBEDDING: "textual-inversion"}


def own_record(plan: TrainingPlan, step: int, report: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides what a training writes, and how far and on what machine it went."""
    drawing = plan.drawing
    rows = options_for(plan.kind).values()
    listed = plan.pictures if len(plan.pictures) <= MOST_PICTURES else ()
    return {
        "sdcli": __version__,
        "kind": plan.kind,
        "step": step,
        "model": {"file": drawing.model.path.name, "sha256": drawing.model.sha256},
        "vae": None
        if drawing.vae == drawing.model
        else {"file": drawing.vae.path.name, "sha256": drawing.vae.sha256},
        "prediction": drawing.prediction,
        "zero_snr": drawing.zero_snr,
        "clip_skip": drawing.clip_skip,
        "dtype": drawing.dtype,
        "word": plan.word,
        "trigger": plan.trigger,
        "settings": {row.name: getattr(plan.settings, row.field) for row in rows},
        "pictures": [
            {
                "file": one.file.path.name,
                "sha256": one.file.sha256,
                "caption": one.caption,
                "repeats": one.repeats,
                "regularisation": one.regular,
            }
            for one in listed
        ],
        "made": dict(report),
    }


def check_same_training(plan: TrainingPlan, path: Path) -> None:
    """Refuse to go on with a training that was another one; more steps are no difference."""
    with open_regular_file(path) as file:
        then = dict(parse_json_table(file.read()))
    now = json.loads(json.dumps(own_record(plan, 0, {})))
    for record in (then, now):
        record.get("settings", {}).pop("steps", None)
        record.pop("sdcli", None)
    settings = then.get("settings", {})
    other = [name for name, value in now["settings"].items() if settings.get(name) != value]
    other += [name for name, value in now.items() if name != "settings" and then.get(name) != value]
    if other:
        raise BadRequest(
            f"the training in `{path.parent}` was another one: its {', '.join(other[:5])} differ",
            hint="say what was said then, or leave `--resume` away and begin anew with `--force`",
        )


@dataclass(frozen=True)
class RecordedPicture:
    """A picture as a file lists it."""

    name: str
    sha256: str
    caption: str
    repeats: int
    regular: bool


@dataclass(frozen=True)
class TrainingRecord:
    """Our own record, as a file has it."""

    path: Path
    kind: str
    step: int
    values: Mapping[str, Any]  # of the options, by their names
    model: tuple[str, str]  # file, sha256
    vae: tuple[str, str] | None
    word: str
    trigger: str
    pictures: tuple[RecordedPicture, ...]
    drawing: Mapping[str, Any]  # prediction, zero_snr, clip_skip, dtype
    made: Mapping[str, Any]


def find_record(header: Header) -> TrainingRecord | None:
    """A file's record; None where it has none. BadRequest where it cannot be one."""
    data = parse_json_table(header.metadata.get(KEY, ""))
    if not data:
        return None
    try:
        return _read_record(header.path, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRequest(
            f"what `{header.path.name}` says of its training cannot be read ({error})",
            hint="it was written by another version, or by somebody else",
        ) from None


# What was so before there was an option for it.
_OLD_SETTINGS: dict[str, Any] = {"prior": PICTURES}


def _read_record(path: Path, data: Mapping[str, Any]) -> TrainingRecord:
    kind = data["kind"] if data["kind"] in KINDS else LORA
    drawing = {name: data[name] for name in ("prediction", "zero_snr", "clip_skip", "dtype")}
    return TrainingRecord(
        path=path,
        kind=kind,
        step=int(data["step"]),
        values=read_values(_OLD_SETTINGS | cast("dict[str, Any]", data["settings"]), kind),
        model=_file(data["model"]),
        vae=_file(data["vae"]) if data["vae"] else None,
        word=str(data["word"]),
        trigger=str(data["trigger"]),
        pictures=tuple(
            RecordedPicture(
                str(one["file"]),
                str(one["sha256"]),
                str(one["caption"]),
                int(one["repeats"]),
                bool(one["regularisation"]),
            )
            for one in data["pictures"]
        ),
        drawing=drawing,
        made=dict(data["made"]),
    )


def _file(data: Mapping[str, Any]) -> tuple[str, str]:
    return str(data["file"]), str(data["sha256"])
