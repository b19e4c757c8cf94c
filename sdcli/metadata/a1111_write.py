"""A plan as the text that AUTOMATIC1111 would have written for the same picture."""

from __future__ import annotations

from collections.abc import Iterator

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.hires import second_pass
from sdcli.library.hashes import hash_tensors
from sdcli.metadata.a1111_format import (
    EMBEDDING_HASHES,
    HIRES_RESIZE,
    HIRES_SCHEDULE,
    LORA_HASHES,
    MODEL_HASH,
    NEGATIVE_TEMPLATE,
    SCHEDULE,
    SIZE,
    TEMPLATE,
    UNWEIGHTED,
    VAE_HASH,
    VERSION,
    Infotext,
    compose_infotext,
)
from sdcli.options.table import OPTIONS
from sdcli.plan import Control, Draw, File, Plan
from sdcli.prompts.syntax import SYNTAXES
from sdcli.schedulers.names import SCHEDULERS, a1111_sampler_and_schedule
from sdcli.text import format_number


def write_infotext(plan: Plan) -> str:
    """The `parameters` of a picture: prompts, and every setting that program has a name for."""
    fields = {name: value for name, value in _plan_fields(plan) if value}
    infotext_of_plan = Infotext(_with_lora_tags(plan.prompt, plan), plan.negative, fields)
    return _without_unstorable(compose_infotext(infotext_of_plan))


def _with_lora_tags(prompt: str, plan: Plan) -> str:
    """A prompt with the plan's LoRAs written into it, which is where that program looks for them."""
    tags = (
        f"<lora:{lora.file.path.stem}:{format_number(lora.te)}"
        + (f":{format_number(lora.unet)}>" if lora.unet != lora.te else ">")
        for lora in plan.loras
    )
    return " ".join([prompt, *tags]).strip()


# Options in that program's order; those that have a name there and are not among them come later.
_FIRST = ("cfg", "image-cfg", "strength", "feather", "seed")
_APART = ("steps", "scheduler", "eta", "model", "vae", "variation-seed")
_OF_SECOND_PASS = tuple(name for name in OPTIONS if name.startswith("hires"))
_LATER = tuple(
    name
    for name, option in OPTIONS.items()
    if option.a1111 and name not in (*_FIRST, *_APART, *_OF_SECOND_PASS)
)


def _plan_fields(plan: Plan) -> Iterator[tuple[str, str]]:
    yield from _settings(plan, "steps")
    sampler, schedule = a1111_sampler_and_schedule(plan.scheduler)
    yield OPTIONS["scheduler"].a1111, sampler
    yield SCHEDULE, schedule
    yield from _settings(plan, *_FIRST)
    yield SIZE, f"{plan.width}x{plan.height}"
    yield MODEL_HASH, plan.model.sha256[:10]
    yield OPTIONS["model"].a1111, plan.model.path.stem
    if plan.vae.sha256 != plan.model.sha256:
        yield VAE_HASH, plan.vae.sha256[:10]
        yield OPTIONS["vae"].a1111, plan.vae.path.name
    if plan.variation_strength:
        yield from _settings(plan, "variation-seed")
    yield from _settings(plan, *_LATER)
    yield from _second_pass_fields(plan)
    if not SYNTAXES[plan.syntax].has_weights:
        yield OPTIONS["emphasis"].a1111, UNWEIGHTED
    if _has_unusual_eta(plan):
        yield from _settings(plan, "eta")
    for n, control in enumerate(plan.controls):
        yield f"ControlNet {n}", _control_field(control)
    loras = ((lora.file.path.stem, _lora_hash(lora.file)) for lora in plan.loras)
    yield LORA_HASHES, _join_hashes(loras)
    yield EMBEDDING_HASHES, _join_hashes((e.word, e.file.sha256[:12]) for e in plan.embeddings)
    yield TEMPLATE, plan.template
    yield NEGATIVE_TEMPLATE, plan.negative_template
    yield VERSION, f"sdcli {__version__}"


def _second_pass_fields(plan: Plan) -> Iterator[tuple[str, str]]:
    """What is said of a second pass: of its sampler and its words only where they are others."""
    second = second_pass(plan)
    if second is None or not isinstance(plan.task, Draw):
        return
    yield from _settings(plan, "hires-strength")
    yield HIRES_RESIZE if "x" in plan.task.hires else OPTIONS["hires"].a1111, plan.task.hires
    yield from _settings(plan, "hires-steps")
    if isinstance(file := plan.task.hires_upscaler, File):
        yield OPTIONS["hires-upscaler"].a1111, file.path.stem
    else:
        yield from _settings(plan, "hires-upscaler")
    first, then = map(a1111_sampler_and_schedule, (plan.scheduler, second.plan.scheduler))
    yield OPTIONS["hires-scheduler"].a1111, then[0] if then[0] != first[0] else ""
    yield HIRES_SCHEDULE, then[1] or "Automatic" if then[1] != first[1] else ""
    if plan.task.hires_prompt:
        yield OPTIONS["hires-prompt"].a1111, _with_lora_tags(plan.task.hires_prompt, plan)
    yield from _settings(plan, "hires-negative", "hires-cfg")


def _settings(plan: Plan, *names: str) -> Iterator[tuple[str, str]]:
    """Options of the plan by that program's names and in its words."""
    for option in (OPTIONS[name] for name in names):
        value = option.value_in(plan)
        if value is not None:
            yield option.a1111, option.a1111_text(value)


def _has_unusual_eta(plan: Plan) -> bool:
    row = SCHEDULERS.get(plan.scheduler)
    return row is not None and row.solver.eta is not None and row.solver.eta != plan.eta


def _lora_hash(file: File) -> str:
    """What that program calls the LoRA's content: a hash of the tensors alone."""
    try:
        return hash_tensors(file.path)[:12]
    except SdcliError:  # the file has gone while its picture was being drawn
        return file.sha256[:12]


def _control_field(control: Control) -> str:
    return (
        f"Module: {control.preprocessor}, Model: {control.file.path.stem} [{control.file.sha256[:8]}], "
        f"Weight: {format_number(control.weight)}, Guidance Start: {format_number(control.start)}, "
        f"Guidance End: {format_number(control.end)}"
    )


def _join_hashes(named: Iterator[tuple[str, str]]) -> str:
    return ", ".join(f"{name}: {short}" for name, short in named)


def _without_unstorable(text: str) -> str:
    """Text that every container holds: no half surrogate pairs, no zero bytes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")
