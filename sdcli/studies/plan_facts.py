"""A plan's facts as words for a page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sdcli.options.parse import spell_value
from sdcli.options.table import OPTIONS, Option
from sdcli.plan import Control, Draw, Embedding, File, Lora, Plan


def plan_facts(plan: Plan, without: Collection[str] = ()) -> dict[str, str]:
    """What decides the picture, by the names of the options; what is not in use is left out."""
    options = [option for option in OPTIONS.values() if option.decides and _in_use(option, plan)]
    facts = {option.name: _describe(option.value_in(plan)) for option in options}
    facts["family"] = plan.family
    return {name: text for name, text in facts.items() if text and name not in without}


def _in_use(option: Option, plan: Plan) -> bool:
    """Whether a plan says of an option what not every plan does."""
    value = option.value_in(plan)
    if isinstance(plan.task, Draw) and option.of == "task":
        return bool(plan.task.hires) and value is not None and value != option.default.value
    if option.of == "task":
        return value is not None
    if option.name == "vae":
        return plan.vae != plan.model
    if option.name == "eta":  # which is 0 where the solver takes none
        return bool(value)
    return value is not False and value != option.default.value


def _describe(value: Any) -> str:
    match value:
        case tuple():
            return ", ".join(map(_describe, value))  # pyright: ignore[reportUnknownArgumentType]
        case File():
            return describe_file(value)
        case Lora():
            return f"{describe_file(value.file)} at {value.unet:g}"
        case Embedding():
            return value.word
        case Control():
            return f"{describe_file(value.file)} on {value.image.path.name} at {value.weight:g}"
        case _:
            return str(spell_value(value))


def plan_summary(plan: Plan, without: Collection[str] = ()) -> str:
    """The facts that tell one study from another, on one line."""
    texts = {
        "model": plan.model.path.stem,
        "scheduler": plan.scheduler,
        "steps": f"{plan.steps} steps",
        "cfg": f"cfg {plan.cfg:g}",
        "seed": f"seed {plan.seed}",
        "size": "" if {"width", "height"} & {*without} else f"{plan.width} x {plan.height}",
    }
    return " · ".join(text for name, text in texts.items() if text and name not in without)


def describe_file(one: File) -> str:
    """A file by its name and the beginning of its hash."""
    return f"{one.path.name} ({one.sha256[:10]})"
