"""AUTOMATIC1111 and those who write as it does: Forge, SD.Next, stable-diffusion.cpp, CivitAI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sdcli.metadata.a1111_format import Infotext, parse_infotext
from sdcli.metadata.readers.a1111_versions import read_earlier_rules
from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_list,
    as_number,
    as_text,
    parse_json_object,
)
from sdcli.prompts.escape import escape_editing, shield_end
from sdcli.schedulers.names import SCHEDULERS

PLACES = ("parameters", "UserComment", "comment", "ImageDescription")

# Whose noise, by program and by what it says under `RNG`; "" is when it says nothing.
_NOISE: Mapping[str, Mapping[str, str]] = {
    "": {"": "nv", "gpu": "nv", "nv": "nv", "cpu": "cpu"},
    "stable-diffusion.cpp": {"": "nv", "cuda": "nv", "cpu": "cpu"},
    "ComfyUI": {"": "cpu", "cpu": "cpu"},
    "Fooocus": {"": "cpu", "cpu": "cpu"},
    "sdcli": {"": "gpu", "cpu": "cpu", "nv": "nv"},
}
_PROGRAMS = (
    (r"stable-diffusion\.cpp", "stable-diffusion.cpp"),
    (r"sdcli\b", "sdcli"),
    (r"ComfyUI", "ComfyUI"),
    (r"Fooocus", "Fooocus"),
    (r"f\d|.*forge|neo", "Forge"),
)
_PLAN_IS_LOST = "its own plan is not in it: this is the text for other programs, which says less"
_DETERMINISTIC = ("ddim", "tcd")  # of the solvers that take an eta, those where 0 is a choice
_EMPHASIS = {"original": "original", "no norm": "no-norm"}

# Read here, or saying nothing about how the picture was drawn.
_UNDERSTOOD = """
    Steps, Sampler, Schedule type, CFG scale, Image CFG scale, Seed, Size, Model hash, Model,
    VAE hash, VAE, Clip skip, ENSD, Eta, Eta DDIM, RNG, Emphasis, Lora hashes, TI hashes, Hashes,
    Version, User, Template, Negative Template, Created Date, Civitai resources, Civitai metadata,
    Batch size, Batch pos, App, Backend, Operations, Pipeline, Parser, Wildcard prompt,
    Denoising strength, Denoising Strength, Mask blur, Init image hash, Conditional mask weight,
    Old prompt editing timelines, Downcast alphas_cumprod,
    SDCPP, Guidance, Scheduler, Lora weights, Raw prompt, Raw negative prompt, Performance
"""
# What starts a name, and what it means for the picture. `{}` is the value.
_ODDITIES = (
    ("Hires", "it was enlarged in a second pass (hires fix), which is not done"),
    ("First pass size", "it was enlarged in a second pass (hires fix), which is not done"),
    ("Postprocess upscale", "it was enlarged afterwards ({}), which is not done"),
    ("Postprocess", ""),
    ("Sharpness", "Fooocus sharpens and weighs its guidance in ways of its own"),
    ("ADM Guidance", ""),
    ("ADetailer model", "its details were repainted afterwards (ADetailer), which is not done"),
    ("ADetailer", ""),
    ("ControlNet", "it followed a ControlNet ({}) with a map that it does not carry"),
    ("Variation seed strength", "its noise was mixed with another seed's ({}), which is not done"),
    ("Variation seed", ""),
    ("Seed resize", "its seed was resized from {}, which is not done"),
    ("Face restoration", "its faces were repaired afterwards ({}), which is not done"),
    ("Refiner", "it changed checkpoints on the way (refiner: {}), which is not done"),
    ("Script", "it is the work of a script ({}), perhaps a sheet of several pictures"),
    ("X Type", ""),
    ("X Values", ""),
    ("Y Type", ""),
    ("Y Values", ""),
    ("Z Type", ""),
    ("Z Values", ""),
    ("Tiling", "it was drawn to repeat without seams, which is not done"),
    ("Module", "it used the module `{}` (a VAE or a text encoder)"),
)


def read_a1111(texts: Mapping[str, str], size: PictureSize) -> ForeignPicture | None:
    """The text of this kind, if there is one that is no JSON of somebody else."""
    infotext_text = next(
        (texts[p] for p in PLACES if texts.get(p, "").strip()[:1] not in ("", "{")), None
    )
    if infotext_text is None or (
        not _looks_like_infotext(infotext_text) and "parameters" not in texts
    ):
        return None
    picture = picture_from_infotext(parse_infotext(infotext_text))
    if picture.program == "sdcli":
        return replace(picture, unmatched=(*picture.unmatched, _PLAN_IS_LOST))
    return picture


def picture_from_infotext(info: Infotext) -> ForeignPicture:
    """A text of this kind as a request."""
    fields = info.fields
    draft = ForeignPictureBuilder(identify_program(fields))
    if draft.program == "stable-diffusion.cpp":  # whose brackets are weights and nothing else
        draft.set_prompts(shield_end(escape_editing(info.prompt)), escape_editing(info.negative))
    else:
        draft.set_prompts(info.prompt, info.negative)
    draft.set_sampler(*_sampler(fields))
    width, _, height = fields.get("Size", "").partition("x")
    draft.set_size(width, height)
    for name, field in _NUMBERS:
        draft.set_number(name, fields.get(field))
    _drop_idle_eta(draft)
    if fields.get("Seed", "").startswith("-"):
        draft.note_difference(
            "its seed is not recorded: -1 is what was asked for, not what was used"
        )
    else:
        draft.set_number("seed", fields.get("Seed"))
    _read_files(draft, fields)
    _read_noise(draft, fields)
    _read_emphasis(draft, fields)
    if draft.program == "AUTOMATIC1111":
        read_earlier_rules(draft, fields)
    _read_start(draft, fields)
    _note_oddities(draft, fields)
    return draft.build()


_NUMBERS = (
    ("steps", "Steps"),
    ("cfg", "CFG scale"),
    ("clip_skip", "Clip skip"),
    ("eta", "Eta"),
    ("eta", "Eta DDIM"),
    ("ensd", "ENSD"),
)


def _sampler(fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The sampler and its schedule; Fooocus names the schedule twice, once in A1111's old way."""
    sampler, schedule = fields.get("Sampler"), fields.get("Schedule type")
    if schedule is None and sampler and not sampler.endswith(" Karras"):
        schedule = fields.get("Scheduler")
    return sampler, schedule


def identify_program(fields: Mapping[str, str]) -> str:
    """Who wrote it: they sign under `Version`, or under `App`."""
    if "SD.Next" in fields.get("App", "") or "Backend" in fields:
        return "SD.Next"
    version = fields.get("Version", "")
    named = (name for pattern, name in _PROGRAMS if re.match(pattern, version))
    return next(named, "AUTOMATIC1111")


def _looks_like_infotext(said: str) -> bool:
    return bool(re.search(r"^\s*Steps: *\d|\bSteps: *\d+, |^Negative prompt:", said, re.M))


def _read_files(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    draft.set_model(fields.get("Model"), fields.get("Model hash"))
    vae = fields.get("VAE", "")
    if vae not in ("", "None", "Automatic", "Default (model)"):
        draft.set_model(vae, fields.get("VAE hash"), "vae")
    for pair in fields.get("Lora weights", "").split(","):  # of Fooocus
        name, _, weight = pair.rpartition(":")
        draft.add_lora(name, weight)
    for kind, field in (("lora", "Lora hashes"), ("embedding", "TI hashes")):
        for pair in fields.get(field, "").split(","):
            name, _, short = pair.rpartition(":")
            draft.set_hash(f"{kind}:{name.strip()}", short)
    for name, short in (parse_json_object(fields.get("Hashes")) or {}).items():
        kind = name.replace("embed:", "embedding:")
        if kind not in draft.hashes:
            draft.set_hash(kind, short)


def _read_noise(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    source = fields.get("RNG", "")
    known = _NOISE.get(draft.program, _NOISE[""])
    if source.lower() in known:
        draft.values["rng"] = known[source.lower()]
    else:
        draft.note_difference(f"its noise came from `{source}`, which is not known here")


def _read_emphasis(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    rule = fields.get("Emphasis", "Original").lower()
    if rule in _EMPHASIS:
        draft.values["emphasis"] = _EMPHASIS[rule]
    elif rule == "none":
        draft.values["syntax"] = "plain"
    else:
        draft.note_difference(f"its emphasis rule is `{rule}`, which is not known here")


def _read_start(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    second_pass = any(name.startswith(("Hires", "First pass")) for name in fields)
    strength = fields.get("Denoising strength") or fields.get("Denoising Strength")
    if strength and not second_pass:
        draft.set_start_strength(strength)
    if "Mask blur" in fields:
        draft.note_difference(
            "only a part of another picture was repainted, inside a mask that it does not carry: "
            "`--set image=FILE` and `--set mask=FILE` name them"
        )
    if "Image CFG scale" in fields and as_number(fields["Image CFG scale"]) is not None:
        draft.note_difference(
            "it followed an instruction about another picture (`sdcli edit` does that)"
        )


def _drop_idle_eta(draft: ForeignPictureBuilder) -> None:
    """Keep an eta only where it was in force: stable-diffusion.cpp says 0 whatever its solver."""
    row = SCHEDULERS.get(draft.values.get("scheduler", ""))
    eta = draft.values.get("eta")
    idle = draft.program == "stable-diffusion.cpp" and not eta
    if row is None or row.solver.eta is None or (idle and row.solver.name not in _DETERMINISTIC):
        draft.values.pop("eta", None)


def _note_oddities(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    if "Steps" not in fields:
        draft.note_difference("its settings are not recorded, only its prompt")
    understood = {name.strip() for name in _UNDERSTOOD.split(",")}
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
