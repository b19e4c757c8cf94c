"""A plan as the text that AUTOMATIC1111 would have written for the same picture."""

from __future__ import annotations

from collections.abc import Iterator

from sdcli import __version__
from sdcli.errors import SdcliError
from sdcli.library.hashes import hash_tensors
from sdcli.metadata.a1111_format import Infotext, compose_infotext
from sdcli.plan import Control, Draw, Edit, File, Plan, Redraw, Repaint
from sdcli.schedulers.names import SCHEDULERS, a1111_sampler_and_schedule
from sdcli.text import format_number


def write_infotext(plan: Plan) -> str:
    """The `parameters` of a picture: prompts, and every setting that program has a name for."""
    fields = {name: value for name, value in _plan_fields(plan) if value}
    infotext_of_plan = Infotext(_prompt_with_lora_tags(plan), plan.negative, fields)
    return _without_unstorable(compose_infotext(infotext_of_plan))


def _prompt_with_lora_tags(plan: Plan) -> str:
    """The prompt with its LoRAs written into it, which is where that program looks for them."""
    tags = (
        f"<lora:{lora.file.path.stem}:{format_number(lora.te)}"
        + (f":{format_number(lora.unet)}>" if lora.unet != lora.te else ">")
        for lora in plan.loras
    )
    return " ".join([plan.prompt, *tags]).strip()


def _plan_fields(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "Steps", str(plan.steps)
    sampler, schedule = a1111_sampler_and_schedule(plan.scheduler)
    yield "Sampler", sampler
    yield "Schedule type", schedule
    yield "CFG scale", format_number(plan.cfg)
    yield from _task_fields(plan.task)
    yield "Seed", str(plan.seed)
    yield "Size", f"{plan.width}x{plan.height}"
    yield "Model hash", plan.model.sha256[:10]
    yield "Model", plan.model.path.stem
    if plan.vae.sha256 != plan.model.sha256:
        yield "VAE hash", plan.vae.sha256[:10]
        yield "VAE", plan.vae.path.name
    yield "Clip skip", str(plan.clip_skip) if plan.clip_skip > 1 else ""
    yield "ENSD", str(plan.ensd) if plan.ensd else ""
    yield "RNG", {"cpu": "CPU", "nv": "NV"}.get(plan.rng, "")
    yield "Eta", format_number(plan.eta) if _has_unusual_eta(plan) else ""
    for n, control in enumerate(plan.controls):
        yield f"ControlNet {n}", _control_field(control)
    yield (
        "Lora hashes",
        _join_hashes((lora.file.path.stem, _lora_hash(lora.file)) for lora in plan.loras),
    )
    yield "TI hashes", _join_hashes((e.word, e.file.sha256[:12]) for e in plan.embeddings)
    yield "Emphasis", {"no-norm": "No norm"}.get(plan.emphasis, "")
    yield "Version", f"sdcli {__version__}"


def _has_unusual_eta(plan: Plan) -> bool:
    row = SCHEDULERS.get(plan.scheduler)
    return row is not None and row.solver.eta is not None and row.solver.eta != plan.eta


def _lora_hash(file: File) -> str:
    """What that program calls the LoRA's content: a hash of the tensors alone."""
    try:
        return hash_tensors(file.path)[:12]
    except SdcliError:  # the file has gone while its picture was being drawn
        return file.sha256[:12]


def _task_fields(task: Draw | Redraw | Repaint | Edit) -> Iterator[tuple[str, str]]:
    match task:
        case Draw():
            pass
        case Edit(image_cfg=image_cfg):
            yield "Image CFG scale", format_number(image_cfg)
        case Redraw(strength=strength):
            yield "Denoising strength", format_number(strength)
        case Repaint(strength=strength, feather=feather):
            yield "Denoising strength", format_number(strength)
            yield "Mask blur", str(feather)


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
