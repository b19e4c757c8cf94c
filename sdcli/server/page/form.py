"""The form of the page, made from the table of options: grouped, the most used first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdcli import __version__
from sdcli.images.formats.table import FORMATS
from sdcli.images.upscalers import UPSCALERS
from sdcli.library.listed_only import listed_only
from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.parse import FilePath, Real, Switch, Text, Toggle, Whole, Word, spell_value
from sdcli.options.table import Option
from sdcli.planning.resolve import draft_plan
from sdcli.request import Draw, Request
from sdcli.schedulers.names import SCHEDULERS
from sdcli.server.http.model_list import list_all, list_checkpoints
from sdcli.server.http.read_request import client_options
from sdcli.server.http.settings import ServeSettings

GROUPS: Mapping[str, Sequence[str]] = {
    "Size, steps, seed": (
        "negative",
        "width",
        "height",
        "steps",
        "cfg",
        "seed",
        "count",
        "scheduler",
    ),
    "Larger, in a second pass": (
        "hires",
        "hires-upscaler",
        "hires-strength",
        "hires-steps",
        "hires-scheduler",
        "hires-cfg",
        "hires-prompt",
        "hires-negative",
    ),
    "Model and adapters": ("model", "lora", "embedding", "vae"),
    "Start from a picture": (
        "image",
        "mask",
        "strength",
        "feather",
        "grow",
        "only-masked",
        "image-cfg",
    ),
    "Make a picture larger": ("left", "up", "right", "down", "to", "fill"),
}
ELSEWHERE = (
    "prompt",
    "preset",
    "like",
)  # the prompt has a place of its own, pictures give settings
OTHERS = "More"
OF_MODEL = ("width", "height", "steps", "cfg", "scheduler")  # each model has its own

Choices = Mapping[str, Sequence[str]]


def describe_form(settings: ServeSettings, model: str | None = None) -> dict[str, Any]:
    """Everything that the page needs to ask for a picture, with the usual values of a model."""
    options, choices = client_options(), _choices(settings)
    usual = _usual_values(settings, model or settings.model)
    named = {name for names in GROUPS.values() for name in names}
    rest = [name for name in options if name not in named and name not in ELSEWHERE]
    groups = [
        {
            "title": title,
            "options": [
                described
                for name in names
                if (described := describe_option(options[name], choices, usual)) is not None
            ],
        }
        for title, names in {**GROUPS, OTHERS: rest}.items()
    ]
    return {"version": __version__, "model": settings.model, "groups": groups}


def _usual_values(settings: ServeSettings, model: str) -> dict[str, str]:
    """What is drawn with where nobody says anything else: the model, and what it answers itself."""
    request = Request(Draw(), "a picture", model=model)
    with listed_only(settings.more_models):
        plan = draft_plan(request)
    answered = {name: str(spell_value(getattr(plan, name))) for name in OF_MODEL}
    return {**answered, "model": settings.model}


def describe_option(
    option: Option, choices: Choices, usual: Mapping[str, str]
) -> dict[str, Any] | None:
    """One field of the form; None where a form has none for it: a ControlNet and its picture."""
    kind = _kind(option, choices)
    if kind is None:
        return None
    title = option.flag.removeprefix("--") or option.name
    return {
        "name": option.name,
        "title": title.replace("-", " "),
        "help": option.help,
        "start": option.needs_picture,
        "default": usual.get(option.name, option.default.shown),
        **kind,
    }


def _kind(option: Option, choices: Choices) -> dict[str, Any] | None:
    words = choices.get(option.name)
    if words is not None:
        weighed = isinstance(option.parse, LoraSpec)
        return {"kind": "many" if option.many else "choice", "words": words, "weighed": weighed}
    match option.parse:
        case Whole() | Real():
            return {"kind": "number", "whole": isinstance(option.parse, Whole)}
        case Word(words=words):
            return {"kind": "many" if option.many else "word", "words": list(words)}
        case Toggle():
            return {"kind": "word", "words": ["yes", "no"], "boolean": True}
        case Switch(value=value):
            return {"kind": "yes", "value": value}
        case FilePath():
            return {"kind": "file"}
        case ControlSpec():
            return None
        case _:
            return {"kind": "text", "long": isinstance(option.parse, Text)}


def _choices(settings: ServeSettings) -> Choices:
    """The names that can be said of what there is here."""
    kinds: dict[str, list[str]] = {}
    for model in list_all(settings):
        kinds.setdefault(model.kind, []).append(model.name)
    return {
        "model": [model.name for model in list_checkpoints(settings)],
        "lora": kinds.get("lora", []),
        "embedding": kinds.get("embedding", []),
        "vae": kinds.get("vae", []),
        "hires-upscaler": [*UPSCALERS, *kinds.get("upscaler", [])],
        "preview-vae": kinds.get("vae", []),
        "scheduler": list(SCHEDULERS),
        "hires-scheduler": list(SCHEDULERS),
        "format": list(FORMATS),
    }
