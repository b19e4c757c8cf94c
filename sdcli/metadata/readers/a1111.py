"""AUTOMATIC1111 and those who write as it does: Forge, SD.Next, stable-diffusion.cpp, CivitAI."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdcli.metadata import a1111_format as infotext
from sdcli.metadata.readers.draft import Draft, Found, Size, items, json_object, number, text
from sdcli.schedulers import names as schedulers

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
_DETERMINISTIC = ("ddim", "tcd")  # of the solvers that take an eta, those where 0 is a choice
_EMPHASIS = {"original": "original", "no norm": "no-norm"}

# Read here, or saying nothing about how the picture was drawn.
_UNDERSTOOD = """
    Steps, Sampler, Schedule type, CFG scale, Image CFG scale, Seed, Size, Model hash, Model,
    VAE hash, VAE, Clip skip, ENSD, Eta, Eta DDIM, RNG, Emphasis, Lora hashes, TI hashes, Hashes,
    Version, User, Template, Negative Template, Created Date, Civitai resources, Civitai metadata,
    Batch size, Batch pos, App, Backend, Operations, Pipeline, Parser, Wildcard prompt,
    Denoising strength, Denoising Strength, Mask blur, Init image hash, Conditional mask weight,
    SDCPP, Guidance
"""
# What starts a name, and what it means for the picture. `{}` is the value.
_ODDITIES = (
    ("Hires", "it was enlarged in a second pass (hires fix), which is not done"),
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


def read(texts: Mapping[str, str], size: Size) -> Found | None:
    """The text of this kind, if there is one that is no JSON of somebody else."""
    said = next((texts[p] for p in PLACES if texts.get(p, "").strip()[:1] not in ("", "{")), None)
    if said is None or (not _looks_right(said) and "parameters" not in texts):
        return None
    return of(infotext.parse(said))


def of(info: infotext.Infotext) -> Found:
    """A text of this kind as a request."""
    fields = info.fields
    draft = Draft(program(fields))
    draft.words(info.prompt, info.negative)
    draft.sampler(fields.get("Sampler"), fields.get("Schedule type"))
    width, _, height = fields.get("Size", "").partition("x")
    draft.size(width, height)
    for name, field in _NUMBERS:
        draft.set(name, fields.get(field))
    _eta(draft)
    if fields.get("Seed", "").startswith("-"):
        draft.differs("its seed is not recorded: -1 is what was asked for, not what was used")
    else:
        draft.set("seed", fields.get("Seed"))
    _files(draft, fields)
    _noise(draft, fields)
    _emphasis(draft, fields)
    _start(draft, fields)
    _oddities(draft, fields)
    return draft.done()


_NUMBERS = (
    ("steps", "Steps"),
    ("cfg", "CFG scale"),
    ("clip_skip", "Clip skip"),
    ("eta", "Eta"),
    ("eta", "Eta DDIM"),
    ("ensd", "ENSD"),
)


def program(fields: Mapping[str, str]) -> str:
    """Who wrote it: they sign under `Version`, or under `App`."""
    if "SD.Next" in fields.get("App", "") or "Backend" in fields:
        return "SD.Next"
    version = fields.get("Version", "")
    named = (name for pattern, name in _PROGRAMS if re.match(pattern, version))
    return next(named, "AUTOMATIC1111")


def _looks_right(said: str) -> bool:
    return bool(re.search(r"^\s*Steps: *\d|\bSteps: *\d+, |^Negative prompt:", said, re.M))


def _files(draft: Draft, fields: Mapping[str, str]) -> None:
    draft.model(fields.get("Model"), fields.get("Model hash"))
    vae = fields.get("VAE", "")
    if vae not in ("", "None", "Automatic"):
        draft.model(vae, fields.get("VAE hash"), "vae")
    for kind, field in (("lora", "Lora hashes"), ("embedding", "TI hashes")):
        for pair in fields.get(field, "").split(","):
            name, _, short = pair.rpartition(":")
            draft.hash(f"{kind}:{name.strip()}", short)
    for name, short in (json_object(fields.get("Hashes")) or {}).items():
        kind = name.replace("embed:", "embedding:")
        if kind not in draft.hashes:
            draft.hash(kind, short)


def _noise(draft: Draft, fields: Mapping[str, str]) -> None:
    told = fields.get("RNG", "")
    known = _NOISE.get(draft.program, _NOISE[""])
    if told.lower() in known:
        draft.said["rng"] = known[told.lower()]
    else:
        draft.differs(f"its noise came from `{told}`, which is not known here")


def _emphasis(draft: Draft, fields: Mapping[str, str]) -> None:
    told = fields.get("Emphasis", "Original").lower()
    if told in _EMPHASIS:
        draft.said["emphasis"] = _EMPHASIS[told]
    elif told == "none":
        draft.said["syntax"] = "plain"
    else:
        draft.differs(f"its emphasis rule is `{told}`, which is not known here")


def _start(draft: Draft, fields: Mapping[str, str]) -> None:
    second_pass = any(name.startswith("Hires") for name in fields)
    strength = fields.get("Denoising strength") or fields.get("Denoising Strength")
    if strength and not second_pass:
        draft.started_from(strength)
    if "Image CFG scale" in fields and number(fields["Image CFG scale"]) is not None:
        draft.differs("it followed an instruction about another picture (`sdcli edit` does that)")


def _eta(draft: Draft) -> None:
    """Keep an eta only where it was in force: stable-diffusion.cpp says 0 whatever its solver."""
    row = schedulers.SCHEDULERS.get(draft.said.get("scheduler", ""))
    said = draft.said.get("eta")
    idle = draft.program == "stable-diffusion.cpp" and not said
    if row is None or row.solver.eta is None or (idle and row.solver.name not in _DETERMINISTIC):
        draft.said.pop("eta", None)


def _oddities(draft: Draft, fields: Mapping[str, str]) -> None:
    if "Steps" not in fields:
        draft.differs("its settings are not recorded, only its prompt")
    understood = {name.strip() for name in _UNDERSTOOD.split(",")}
    for name, value in fields.items():
        if name in understood:
            continue
        about = next((why for start, why in _ODDITIES if name.startswith(start)), None)
        if about is None:
            about = f"it says `{name}: {{}}`, for which there is nothing here"
        if about:
            draft.differs(about.replace("{}", value[:80]))
    for part in items(_json_list(fields.get("Civitai resources"))):
        kind, label = _text(part, "type"), _text(part, "modelName")
        if kind == "lora" and label:
            draft.differs(f"it wore the LoRA `{label}` of CivitAI, which is named there only")


def _json_list(said: str | None) -> list[object]:
    wrapped = json_object(f'{{"all":{said}}}') if said else None
    return items((wrapped or {}).get("all"))


def _text(data: object, name: str) -> str:
    return text(data.get(name)) if isinstance(data, dict) else ""  # pyright: ignore
