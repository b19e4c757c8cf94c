"""What will be trained: the model, every picture with its words and its place, every setting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.outputs.atomic import check_free
from sdcli.plan import Plan
from sdcli.planning.resolve import draft_plan, hash_files
from sdcli.request import Draw, Request
from sdcli.training.folder import NAMED, FoundPicture, read_folder
from sdcli.training.learnt_picture import LearntPicture, place_picture
from sdcli.training.notes import training_notes
from sdcli.training.options import EMBEDDING, LORA, options_for
from sdcli.training.settings import TrainingSettings
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from sdcli.weights.embedding import word_in_prompts

ENDING = ".safetensors"
WARMUP = 100  # steps, where nobody says; never more than a tenth of all


@dataclass(frozen=True)
class TrainingRequest:
    """What was asked. `values` holds what was said of options, by their names."""

    kind: str  # lora, embedding
    folder: Path
    out: Path | None
    drawing: Request  # the model, and how it is computed with
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    word: str = ""
    regularisation: Path | None = None
    samples: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class TrainingPlan:
    """What will be done. A training of the same plan on the same machine writes the same file."""

    kind: str
    drawing: Plan  # of a picture by the untrained model: what it is and how it computes
    settings: TrainingSettings
    pictures: tuple[LearntPicture, ...]
    trigger: str
    word: str
    folder: Path
    regularisation: Path | None
    out: Path
    samples: tuple[str, ...]
    force: bool
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """The folder beside the file for all that is not the file: samples, the page, the state."""
        return self.out.with_suffix(".training")


def draw_nothing(**values: Any) -> Request:
    """The request for a model alone, its captions read without signs that mean something."""
    return Request(Draw(), "", syntax="plain", seed=0, **values)


def plan_training(request: TrainingRequest) -> TrainingPlan:
    """The plan of a request; what cannot be done is refused before anything heavy is read."""
    draft = draft_plan(request.drawing)
    model = identify_checkpoint(draft.model.path)
    _check_model(model)
    settings = settle_settings(request.kind, request.values, model)
    out = _find_out(request)
    found = read_folder(request.folder, caption=settings.caption, repeats=settings.repeats)
    regular = (
        read_folder(request.regularisation, caption=settings.caption, repeats=1)
        if request.regularisation
        else []
    )
    captioned = [_with_words(one, request, settings) for one in found]
    _check_captions([*captioned, *regular])
    pictures = (
        *(place_picture(one, settings, regular=False) for one in captioned),
        *(place_picture(one, settings, regular=True) for one in regular),
    )
    notes = training_notes(pictures, model, word=request.word, vectors=settings.vectors)
    return TrainingPlan(
        kind=request.kind,
        drawing=hash_files(draft),
        settings=settings,
        pictures=pictures,
        trigger=request.word or settings.trigger or _class_words(found),
        word=request.word,
        folder=request.folder,
        regularisation=request.regularisation,
        out=out,
        samples=request.samples,
        force=request.force,
        notes=tuple(notes),
    )


def settle_settings(kind: str, values: Mapping[str, Any], model: Checkpoint) -> TrainingSettings:
    """Every setting: as said, else as the table has it, else worked out from the others."""
    known = options_for(kind)
    given = {known[name].field: value for name, value in values.items() if value is not None}
    word = kind == EMBEDDING
    rank, conv_rank = int(given.get("rank", 16)), int(given.get("conv_rank", 0))
    lr = _usual_lr(str(given.get("optimizer", "auto")), word=word)
    rate = float(given.get("lr", lr))
    worked_out: dict[str, Any] = {
        "alpha": float(rank),
        "conv_alpha": float(conv_rank or 1),
        "text_encoder": not word and model.family.base != "sdxl",
        "lr": lr,
        "text_lr": rate if str(given.get("optimizer")) == "prodigy" else rate / 2,
        "warmup": min(WARMUP, int(given.get("steps", 1500)) // 10),
        "weight_decay": 0.0 if word else 0.01,
        "caption_dropout": 0.0 if word else 0.1,
        "trigger": "",
        "size": model.size,
    }
    usual = {row.field: row.default.value for row in options_for(LORA).values()}
    usual |= {row.field: row.default.value for row in options_for(EMBEDDING).values()}
    return TrainingSettings(**{**usual, **worked_out, **given})


def _usual_lr(optimizer: str, *, word: bool) -> float:
    if optimizer == "prodigy":
        return 1.0
    return 5e-3 if word else 1e-4


def _check_model(model: Checkpoint) -> None:
    family = model.family
    if family.task != "draw" or not family.begins_pictures:
        raise BadRequest(
            f"`{model.path.name}` is {family.title}, which is not trained here",
            hint="train with the model of the same family that draws from words: it fits both",
        )


def _find_out(request: TrainingRequest) -> Path:
    """The file to be written; refused where it cannot be, or where it would be worn as another word."""
    if request.kind == EMBEDDING and not re.fullmatch(r"[\w.+-]+", request.word):
        raise BadRequest(
            f"`{request.word}` can be no word: it is a file's name, too",
            hint="letters, digits, `-` and `_`",
        )
    out = request.out or Path(f"{request.word}{ENDING}")
    if out.suffix.lower() != ENDING:
        raise BadRequest(f"`{out}` does not end with `{ENDING}`", hint="that is what is written")
    known_as = word_in_prompts(out)
    if request.kind == EMBEDDING and known_as != request.word.lower():
        raise BadRequest(
            f"`{out.name}` would be worn as `{known_as}`, not as `{request.word}`",
            hint="a prompt finds a word by its file's name: give both the same",
        )
    check_free(out, force=request.force)
    return out


def _with_words(
    found: FoundPicture, request: TrainingRequest, settings: TrainingSettings
) -> FoundPicture:
    """The picture with its trigger in front, or with the word that is learnt."""
    caption, trigger = found.caption, settings.trigger
    if request.kind == EMBEDDING:
        if request.word.lower() not in caption.lower():
            caption = f"{caption}, {request.word}" if caption else request.word
    elif trigger and trigger.lower() not in caption.lower():
        caption = f"{trigger}, {caption}" if caption else trigger
    return replace(found, caption=caption)


def _check_captions(found: list[FoundPicture]) -> None:
    silent = [one.path.name for one in found if not one.caption]
    if silent:
        more = f" and {len(silent) - NAMED} more" if len(silent) > NAMED else ""
        raise BadRequest(
            f"no words for {', '.join(f'`{name}`' for name in silent[:NAMED])}{more}",
            hint="write them into a `.txt` beside each picture; or `--trigger`, or `--caption` for all",
        )


def _class_words(found: list[FoundPicture]) -> str:
    """The words of kohya's folders, where all pictures have the same."""
    words = {one.class_words for one in found}
    return words.pop() if len(words) == 1 else ""
