"""Where each value of a plan came from: said, preset, environment, model, family, or nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields

from sdcli.plan import Plan
from sdcli.request import Request
from sdcli.weights.checkpoint import Checkpoint

_OF_FAMILIES = {"steps": "steps", "cfg": "cfg", "scheduler": "scheduler", "width": "size"} | {
    "height": "size",
    "clip_skip": "clip_skip",
}
_OF_FILES = ("family", "prediction", "zero_snr", "vae")


def find_value_sources(asked: Request, model: Checkpoint) -> dict[str, str]:
    """For every field of a plan, in a word or two, who decided it."""
    return dict(_origins(asked, model))


def _origins(asked: Request, model: Checkpoint) -> Iterator[tuple[str, str]]:
    for field in fields(Plan):
        if not field.compare:
            continue
        name, held = field.name, getattr(asked, field.name, None)
        if name in asked.sources:
            yield name, asked.sources[name]
        elif held is not None and held != ():
            yield name, "said"
        else:
            yield name, _otherwise(name, model)


def _otherwise(name: str, model: Checkpoint) -> str:
    if name in _OF_FAMILIES:
        return (
            "model" if _OF_FAMILIES[name] in model.own_metadata else f"family {model.family.name}"
        )
    if name in _OF_FILES:
        return "model"
    if name == "model":
        return "environment" if os.environ.get("SDCLI_MODEL") else "default"
    return "random" if name == "seed" else "default"
