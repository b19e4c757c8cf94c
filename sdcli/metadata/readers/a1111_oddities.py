"""What a text of A1111's kind says that is not followed here, and what it means for the picture."""

from __future__ import annotations

from collections.abc import Mapping

from sdcli.metadata.readers.draft import (
    ForeignPictureBuilder,
    as_list,
    as_text,
    parse_json_object,
)
from sdcli.options.table import OPTIONS

# Names that are no option's: read here, or saying nothing about how the picture was drawn.
_UNDERSTOOD = """
    Schedule type, Size, Model hash, VAE hash, Eta DDIM, Lora hashes, TI hashes, Hashes,
    Version, User, Template, Negative Template, Created Date, Civitai resources, Civitai metadata,
    Batch size, Batch pos, App, Backend, Operations, Pipeline, Parser, Wildcard prompt,
    Denoising Strength, Init image hash, Conditional mask weight, Inpaint area, SDCPP, Guidance, Scheduler,
    Lora weights, Raw prompt, Raw negative prompt, Performance, Hires resize, Hires schedule type,
    Hires checkpoint, Hires scale, First pass size
"""
# What starts a name, and what it means for the picture. `{}` is the value.
_ODDITIES = (
    ("Hires Module", ""),  # told of where the second pass is read
    ("Hires VAE", ""),
    ("Hires Distilled CFG", ""),  # of other families
    ("HiRes", ""),
    ("Postprocess upscale", "it was enlarged afterwards ({}), which is not done"),
    ("Postprocess", ""),
    ("Sharpness", "Fooocus sharpens and weighs its guidance in ways of its own"),
    ("ADM Guidance", ""),
    ("ADetailer model", "its details were repainted afterwards (ADetailer), which is not done"),
    ("ADetailer", ""),
    ("ControlNet", "it followed a ControlNet ({}) with a map that it does not carry"),
    ("Face restoration", "its faces were repaired afterwards ({}), which is not done"),
    ("Refiner", "it changed checkpoints on the way (refiner: {}), which is not done"),
    ("Script", "it is the work of a script ({}), perhaps a sheet of several pictures"),
    ("X Type", ""),
    ("X Values", ""),
    ("Y Type", ""),
    ("Y Values", ""),
    ("Z Type", ""),
    ("Z Values", ""),
    ("Module", "it used the module `{}` (a VAE or a text encoder)"),
)


def note_oddities(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    """Say of every setting that is not followed what it means for the picture."""
    if OPTIONS["steps"].a1111 not in fields:
        draft.note_difference("its settings are not recorded, only its prompt")
    understood = {option.a1111 for option in OPTIONS.values()}
    understood |= {name.strip() for name in _UNDERSTOOD.split(",")}
    for name, value in fields.items():
        if name in understood:
            continue
        about = next((why for start, why in _ODDITIES if name.startswith(start)), None)
        if about is None:
            about = f"it says `{name}: {{}}`, for which there is nothing here"
        if about:
            draft.note_difference(about.replace("{}", value[:80]))
    for part in as_list(_parse_json_list(fields.get("Civitai resources"))):
        kind, label = _text_within(part, "type"), _text_within(part, "modelName")
        if kind == "lora" and label:
            draft.note_difference(
                f"it wore the LoRA `{label}` of CivitAI, which is named there only"
            )


def _parse_json_list(said: str | None) -> list[object]:
    wrapped = parse_json_object(f'{{"all":{said}}}') if said else None
    return as_list((wrapped or {}).get("all"))


def _text_within(data: object, name: str) -> str:
    return as_text(data.get(name)) if isinstance(data, dict) else ""  # pyright: ignore
