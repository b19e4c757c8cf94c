"""Names of files made from templates: `{scheduler}/{seed}.png`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from string import Formatter

from sdcli.errors import BadRequest
from sdcli.hires import drawn_size
from sdcli.plan import Plan

# What a template may name, and what that is for one picture of a plan.
FIELDS: Mapping[str, Callable[[Plan, int], str | int]] = {
    "seed": lambda plan, index: plan.seed,
    "index": lambda plan, index: index,
    "prompt": lambda plan, index: file_slug(plan.prompt) or "picture",
    "model": lambda plan, index: file_slug(plan.model.path.stem),
    "scheduler": lambda plan, index: plan.scheduler,
    "steps": lambda plan, index: plan.steps,
    "cfg": lambda plan, index: f"{plan.cfg:g}",
    "width": lambda plan, index: drawn_size(plan)[0],
    "height": lambda plan, index: drawn_size(plan)[1],
    "family": lambda plan, index: plan.family,
}
NUMBERS = {"seed", "index", "steps", "width", "height"}  # the others are texts


def fill_template(text: str, plan: Plan, index: int) -> str:
    """The name that a template makes for one picture of a plan."""
    return text.format_map({name: value_of(plan, index) for name, value_of in FIELDS.items()})


def named_fields(text: str) -> list[str]:
    """What a template names, in its order."""
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


def check_template(text: str) -> None:
    """Refuse a template that cannot be filled, or that would make a name without an end."""
    try:
        unknown = [name for name in named_fields(text) if name not in FIELDS]
        specs = [spec for _, _, spec, _ in Formatter().parse(text) if spec]
        if any(re.search(r"\d{4}|{", spec) for spec in specs):
            raise ValueError("it asks for a name of thousands of letters")
        text.format_map({name: 0 if name in NUMBERS else "x" for name in (*FIELDS, *unknown)})
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise BadRequest(
            f"`{text}` is not a template that can be filled: {error}",
            hint="a brace that is one is written twice: `{{`",
        ) from error
    if unknown:
        raise BadRequest(
            f"the template `{text}` names `{{{unknown[0]}}}`",
            hint="it may name " + ", ".join(f"{{{name}}}" for name in FIELDS),
        )


def file_slug(text: str) -> str:
    """Words of a prompt as a file name: "A red house, at night" makes a-red-house-at-night."""
    words = re.findall(r"\w+", text.lower())
    name = ""
    for word in words:
        if len(name) + len(word) > 47:
            break
        name = f"{name}-{word}" if name else word[:48]
    return name
