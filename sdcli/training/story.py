"""How a file came to be, in words: from our own record, else from what kohya's trainer wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sdcli.errors import BadRequest
from sdcli.text import count_of
from sdcli.training.record import TrainingRecord, find_record
from sdcli.weights.safetensors import Header

# What kohya's trainers say that people ask for, in our words.
OF_KOHYA: Mapping[str, str] = {
    "ss_sd_model_name": "model",
    "ss_steps": "steps",
    "ss_num_train_images": "pictures a round",
    "ss_num_reg_images": "regularisation pictures",
    "ss_total_batch_size": "batch",
    "ss_resolution": "size",
    "ss_unet_lr": "rate",
    "ss_text_encoder_lr": "rate of the text encoder",
    "ss_lr_scheduler": "schedule",
    "ss_optimizer": "optimizer",
    "ss_mixed_precision": "precision",
    "ss_min_snr_gamma": "min-SNR",
    "ss_noise_offset": "offset noise",
    "ss_caption_dropout_rate": "caption dropout",
    "ss_seed": "seed",
}
NOTHING = ("", "None", "0")


def training_story(header: Header) -> dict[str, str] | None:
    """Names and values, in the order in which they are worth reading; None where nothing is said."""
    try:
        record = find_record(header)
    except BadRequest as error:
        return {"": error.fact}
    if record:
        return {name: text for name, tell in _TOLD.items() if (text := tell(record))}
    said = header.metadata
    return {
        name: said[key] for key, name in OF_KOHYA.items() if said.get(key, "") not in NOTHING
    } or None


def _pictures(record: TrainingRecord) -> str:
    learnt = [one for one in record.pictures if not one.regular]
    if not learnt:
        return ""
    beside = len(record.pictures) - len(learnt)
    more = f", and {beside} that hold the model where it is" if beside else ""
    return f"{count_of(len(learnt), 'picture')}{more}"


def _captions(record: TrainingRecord) -> str:
    captions = Counter(one.caption for one in record.pictures if not one.regular)
    if not captions:
        return ""
    first, _ = captions.most_common(1)[0]
    return f"`{first}`" if len(captions) == 1 else f"{len(captions)}, such as `{first}`"


def _steps(record: TrainingRecord) -> str:
    of = record.values.get("steps", record.step)
    whole = "" if of == record.step else f" of {of:,}"
    shown = int(record.values.get("batch", 1)) * int(record.values.get("accumulate", 1))
    return f"{record.step:,}{whole} steps of {count_of(shown, 'picture')}"


def _rate(record: TrainingRecord) -> str:
    values = record.values
    if not {"lr", "schedule", "warmup"} <= set(values):
        return ""
    text = f", text encoder {values.get('text-lr', 0):g}" if values.get("text-encoder") else ""
    return f"{values['lr']:g}{text}, {values['schedule']} after {values['warmup']} steps"


def _loss(record: TrainingRecord) -> str:
    values = record.values
    said = [f"{name} {values[name]:g}" for name in ("min-snr", "offset-noise") if values.get(name)]
    return ", ".join([f"predicts {record.drawing['prediction']}", *said])


def _made(record: TrainingRecord) -> str:
    made: Mapping[str, Any] = record.made
    return f"{made.get('optimizer', '')} on {made.get('device', '')} in {made.get('dtype', '')}"


_TOLD: Mapping[str, Callable[[TrainingRecord], str]] = {
    "model": lambda record: f"{record.model[0]} ({record.model[1][:10]})",
    "from": _pictures,
    "captions": _captions,
    "steps": _steps,
    "rate": _rate,
    "loss": _loss,
    "size": lambda record: str(record.values.get("size", "")),
    "seed": lambda record: str(record.values.get("seed", "")),
    "by": _made,
}
