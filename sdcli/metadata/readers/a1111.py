"""AUTOMATIC1111 and those who write as it does: Forge, SD.Next, stable-diffusion.cpp, CivitAI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sdcli.errors import BadRequest
from sdcli.metadata.a1111_format import (
    EMBEDDING_HASHES,
    LORA_HASHES,
    MODEL_HASH,
    SCHEDULE,
    SIZE,
    UNWEIGHTED,
    VAE_HASH,
    VERSION,
    Infotext,
    parse_infotext,
)
from sdcli.metadata.readers.a1111_hires import read_second_pass
from sdcli.metadata.readers.a1111_oddities import note_oddities
from sdcli.metadata.readers.a1111_versions import read_earlier_rules
from sdcli.metadata.readers.draft import (
    ForeignPicture,
    ForeignPictureBuilder,
    PictureSize,
    as_number,
    parse_json_object,
)
from sdcli.options.table import OPTIONS
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
_EMPHASIS = {(text or value).lower(): value for value, text in OPTIONS["emphasis"].a1111_values}

# The options that are numbers in a text.
_NUMBERS = ("steps", "cfg", "clip-skip", "eta", "ensd", "variation-seed", "variation-strength")


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
    width, _, height = fields.get(SIZE, "").partition("x")
    draft.set_size(width, height)
    for name in _NUMBERS:
        draft.set_number(OPTIONS[name].field, fields.get(OPTIONS[name].a1111))
    draft.set_number("eta", fields.get("Eta DDIM"))
    _drop_idle_eta(draft)
    _read_seed(draft, fields.get(OPTIONS["seed"].a1111, ""))
    _read_seed_resize(draft, fields)
    _read_tiling(draft, fields)
    _read_files(draft, fields)
    _read_noise(draft, fields)
    _read_emphasis(draft, fields)
    _read_sigmas(draft, fields)
    second_pass = read_second_pass(draft, fields)
    if draft.program in ("AUTOMATIC1111", "sdcli"):
        read_earlier_rules(draft, fields)
    _read_start(draft, fields, second_pass=second_pass)
    note_oddities(draft, fields)
    return draft.build()


def _read_seed(draft: ForeignPictureBuilder, seed: str) -> None:
    if seed.startswith("-"):
        draft.note_difference(
            "its seed is not recorded: -1 is what was asked for, not what was used"
        )
    else:
        draft.set_number("seed", seed)


def _read_seed_resize(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    option = OPTIONS["seed-resize"]
    width, _, height = fields.get(option.a1111, "").partition("x")
    sides = [int(as_number(side) or 0) // 8 * 8 for side in (width, height)]
    if min(sides) <= 0:  # by which nothing is resized
        return
    try:
        draft.values[option.field] = option.read(f"{sides[0]}x{sides[1]}")
    except BadRequest as error:
        draft.note_difference(f"its seed was resized from {width}x{height}: {error.fact}")


def _read_tiling(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    said = fields.get(OPTIONS["tiling"].a1111, "False").lower()
    axes = {"true": "xy", "x": "x", "y": "y", "false": "none"}.get(said)
    if axes is None:
        draft.note_difference(f"its tiling is `{said}`, which is not known here")
    elif axes != "none":
        draft.values["tiling"] = axes


def _sampler(fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The sampler and its schedule; Fooocus names the schedule twice, once in A1111's old way."""
    sampler, schedule = fields.get(OPTIONS["scheduler"].a1111), fields.get(SCHEDULE)
    if schedule is None and sampler and not sampler.endswith(" Karras"):
        schedule = fields.get("Scheduler")
    return sampler, schedule


def identify_program(fields: Mapping[str, str]) -> str:
    """Who wrote it: they sign under `Version`, or under `App`."""
    if "SD.Next" in fields.get("App", "") or "Backend" in fields:
        return "SD.Next"
    version = fields.get(VERSION, "")
    named = (name for pattern, name in _PROGRAMS if re.match(pattern, version))
    return next(named, "AUTOMATIC1111")


def _looks_like_infotext(said: str) -> bool:
    return bool(re.search(r"^\s*Steps: *\d|\bSteps: *\d+, |^Negative prompt:", said, re.M))


def _read_files(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    draft.set_model(fields.get(OPTIONS["model"].a1111), fields.get(MODEL_HASH))
    vae = fields.get(OPTIONS["vae"].a1111, "")
    if vae not in ("", "None", "Automatic", "Default (model)"):
        draft.set_model(vae, fields.get(VAE_HASH), "vae")
    for pair in fields.get("Lora weights", "").split(","):  # of Fooocus
        name, _, weight = pair.rpartition(":")
        draft.add_lora(name, weight)
    for kind, field in (("lora", LORA_HASHES), ("embedding", EMBEDDING_HASHES)):
        for pair in fields.get(field, "").split(","):
            name, _, short = pair.rpartition(":")
            draft.set_hash(f"{kind}:{name.strip()}", short)
    for name, short in (parse_json_object(fields.get("Hashes")) or {}).items():
        kind = name.replace("embed:", "embedding:")
        if kind not in draft.hashes:
            draft.set_hash(kind, short)


def _read_noise(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    source = fields.get(OPTIONS["rng"].a1111, "")
    known = _NOISE.get(draft.program, _NOISE[""])
    if source.lower() in known:
        draft.values["rng"] = known[source.lower()]
    else:
        draft.note_difference(f"its noise came from `{source}`, which is not known here")


def _read_emphasis(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    rule = fields.get(OPTIONS["emphasis"].a1111, "Original").lower()
    if rule in _EMPHASIS:
        draft.values["emphasis"] = _EMPHASIS[rule]
    elif rule == UNWEIGHTED.lower():
        draft.values["syntax"] = "a1111-unweighted"
    else:
        draft.note_difference(f"its emphasis rule is `{rule}`, which is not known here")


def _read_sigmas(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    """Settings of the noise levels, which say something only where they are not as usual."""
    for option, value in ((OPTIONS["zero-snr"], True), (OPTIONS["penultimate"], "always")):
        if fields.get(option.a1111, "") == option.a1111_text(value):
            draft.values[option.field] = value


def _read_start(
    draft: ForeignPictureBuilder, fields: Mapping[str, str], *, second_pass: bool
) -> None:
    named = OPTIONS["strength"].a1111
    strength = fields.get(named) or fields.get(named.title())
    if strength and not second_pass:
        draft.set_start_strength(strength)
    if OPTIONS["feather"].a1111 in fields:
        draft.note_difference(
            "only a part of another picture was repainted, inside a mask that it does not carry: "
            "`--set image=FILE` and `--set mask=FILE` name them"
        )
    if as_number(fields.get(OPTIONS["image-cfg"].a1111)) is not None:
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
