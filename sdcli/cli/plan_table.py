"""A plan before it is performed: each answer, and where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, cast

from sdcli.plan import File, Plan
from sdcli.reproduce.command_line import command_for_plan

PLAN_COLUMNS = ("what", "value", "from")


def plan_rows(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Name, value and origin of everything that decides the picture; then the command for it."""
    for field in fields(plan):
        if field.compare:
            name = field.name.replace("_", " ")
            yield name, describe_value(getattr(plan, field.name)), plan.sources.get(field.name, "")
    yield "command", command_for_plan(plan), ""


def describe_value(value: Any) -> str:
    """A value in a few words; of something of several parts those that are not as usual."""
    if isinstance(value, File):
        return f"{value.path} ({value.sha256[:10]})"
    if isinstance(value, tuple):
        return "; ".join(map(describe_value, cast("tuple[Any, ...]", value))) or "none"
    if is_dataclass(value):
        parts = [(part, getattr(value, part.name)) for part in fields(value)]
        inside = (f"{p.name} {describe_value(own)}" for p, own in parts if own != p.default)
        return " ".join([type(value).__name__.lower(), *inside])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split()) or "none"
