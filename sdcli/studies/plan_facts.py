"""A plan's facts as words for a page."""

from __future__ import annotations

from sdcli.plan import Control, File, Lora, Plan, Redraw, Repaint


def plan_facts(plan: Plan, without: tuple[str, ...] = ()) -> dict[str, str]:
    """What decides the picture, named as the flags are; what is not in use is left out."""
    texts = {
        "prompt": plan.prompt,
        "negative": plan.negative,
        "model": describe_file(plan.model),
        "family": plan.family,
        "vae": "" if plan.vae == plan.model else describe_file(plan.vae),
        "image": describe_file(plan.task.image) if isinstance(plan.task, Redraw | Repaint) else "",
        "scheduler": plan.scheduler,
        "steps": str(plan.steps),
        "cfg": f"{plan.cfg:g}",
        "eta": f"{plan.eta:g}" if plan.eta else "",
        "seed": str(plan.seed),
        "size": f"{plan.width} x {plan.height}",
        "clip skip": str(plan.clip_skip),
        "prediction": plan.prediction + (" (zero SNR)" if plan.zero_snr else ""),
        "noise": plan.rng,
        "LoRAs": ", ".join(map(_lora, plan.loras)),
        "embeddings": ", ".join(one.word for one in plan.embeddings),
        "controls": ", ".join(map(_control, plan.controls)),
    }
    return {name: text for name, text in texts.items() if text and name not in without}


def plan_summary(plan: Plan, without: tuple[str, ...] = ()) -> str:
    """The facts that tell one study from another, on one line."""
    texts = {
        "model": plan.model.path.stem,
        "scheduler": plan.scheduler,
        "steps": f"{plan.steps} steps",
        "cfg": f"cfg {plan.cfg:g}",
        "seed": f"seed {plan.seed}",
        "size": f"{plan.width} x {plan.height}",
    }
    return " · ".join(text for name, text in texts.items() if name not in without)


def describe_file(one: File) -> str:
    """A file by its name and the beginning of its hash."""
    return f"{one.path.name} ({one.sha256[:10]})"


def _lora(lora: Lora) -> str:
    return f"{describe_file(lora.file)} at {lora.unet:g}"


def _control(control: Control) -> str:
    return f"{describe_file(control.file)} on {control.image.path.name} at {control.weight:g}"
