"""Where each value of a plan came from: said, preset, environment, model, family, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from sdcli.options.table import ALL_OPTIONS
from sdcli.plan import Plan
from sdcli.request import Request
from sdcli.weights.checkpoint import Checkpoint

_OF_FAMILIES = {"scheduler": "scheduler", "width": "size", "height": "size"} | {
    option.field: option.default.of_model
    for option in ALL_OPTIONS.values()
    if option.default.of_model and option.default.shown == "the model's"
}
_OF_FILES = {"family", "vae"} | {
    option.field
    for option in ALL_OPTIONS.values()
    if option.default.of_model and option.default.shown != "the model's"
}


def find_value_sources(request: Request, model: Checkpoint) -> dict[str, str]:
    """For every field of a plan, in a word or two, who decided it."""
    return dict(_value_sources(request, model))


def _value_sources(request: Request, model: Checkpoint) -> Iterator[tuple[str, str]]:
    for field in fields(Plan):
        if not field.compare:
            continue
        name, value = field.name, getattr(request, field.name, None)
        if name in request.sources:
            yield name, request.sources[name]
        elif value is not None and value != ():
            yield name, "said"
        else:
            yield name, _default_source(name, model)


def _source_of_default(attribute: str, model: Checkpoint) -> str:
    if attribute in model.own_metadata:
        return "model"
    if model.recognised and getattr(model, attribute) != getattr(model.family, attribute):
        return f"looks like {model.recognised}"
    return f"family {model.family.name}"


def _default_source(name: str, model: Checkpoint) -> str:
    if name in _OF_FAMILIES:
        return _source_of_default(_OF_FAMILIES[name], model)
    if name in _OF_FILES:
        return "model"
    return "random" if name == "seed" else "default"
