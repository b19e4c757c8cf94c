"""What was found in another program's picture: a request, and what cannot be matched."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, cast

from sdcli.errors import SdcliError
from sdcli.metadata import codec
from sdcli.options.parse import Real, Whole
from sdcli.options.table import OPTIONS
from sdcli.request import Draw, Lora, Request
from sdcli.schedulers.names import SCHEDULERS, find_sampler_with_schedule

PictureSize = tuple[int, int] | None


@dataclass(frozen=True)
class ForeignPicture:
    """A request as near to the picture as its texts allow, and why it may come out different.

    The request names files as the other program did; `hashes` says what identifies them: by
    "model", "vae", "lora:NAME" and "embedding:NAME", in whatever short form that program uses.
    `strength` is said where the picture began as another one, which no picture carries.
    """

    program: str
    request: Request
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    strength: float | None = None
    unmatched: tuple[str, ...] = ()


ForeignReader = Callable[[Mapping[str, str], PictureSize], ForeignPicture | None]

_OF_SECOND_PASS = {each.name for each in fields(Draw)}
_NUMBERS = {
    option.field: option.parse
    for option in OPTIONS.values()
    if (option.of == "request" or option.field in _OF_SECOND_PASS)
    and isinstance(option.parse, Whole | Real)
}
_LONGEST = 200_000


@dataclass(frozen=True)
class _Conventions:
    """What a program does otherwise without a word: whose solvers it has, and its rules for the
    noise level before the last and for an empty negative prompt."""

    solvers: str = ""
    penultimate: str = "a1111"
    empty_negative: str = "zeros"


_COMFYUI = _Conventions("ComfyUI", "comfyui", "encoded")
_DIFFUSERS = _Conventions("diffusers", "none")
_CONVENTIONS = {
    "AUTOMATIC1111": _Conventions("A1111"),
    "Forge": _Conventions("A1111"),
    "ComfyUI": _COMFYUI,
    "SwarmUI": _COMFYUI,
    "Fooocus": _COMFYUI,
    "InvokeAI": _DIFFUSERS,
    "SD.Next": _DIFFUSERS,
    "stable-diffusion.cpp": _Conventions("stable-diffusion.cpp", "none", "zero-states"),
}
_HEX = re.compile(r"(?:0x|sha256:)?([0-9a-f]{6,64})", re.I)


class ForeignPictureBuilder:
    """A picture's account in the making: takes texts and numbers as given, notes what is odd."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.values: dict[str, Any] = {}
        self.second: dict[str, Any] = {}  # of a second pass
        self.loras: list[Lora] = []
        self.embeddings: list[str] = []
        self.hashes: dict[str, str] = {}
        self.strength: float | None = None
        self.unmatched: list[str] = []

    def build(self) -> ForeignPicture:
        """The finished account."""
        self._follow_conventions()
        request = Request(
            task=Draw(**self.second),
            prompt=self.values.pop("prompt", ""),
            loras=tuple(self.loras),
            embeddings=tuple(dict.fromkeys(self.embeddings)),
            **self.values,
        )
        odd = tuple(dict.fromkeys(self.unmatched))
        return ForeignPicture(self.program, request, self.hashes, self.strength, odd)

    def _follow_conventions(self) -> None:
        """Its program's rules, where they make another picture of this one than ours."""
        rules = self._conventions
        if not self.values.get("negative") and rules.empty_negative != "zeros":
            self.values.setdefault("empty_negative", rules.empty_negative)
        row = SCHEDULERS.get(self.values.get("scheduler", ""))
        short = row.solver.discards_penultimate if row else ()
        if (rules.penultimate in short) != ("a1111" in short):
            self.values.setdefault("penultimate", rules.penultimate)

    @property
    def _conventions(self) -> _Conventions:
        return _CONVENTIONS.get(self.program, _Conventions(self.program))

    def note_difference(self, why: str) -> None:
        """Note something that keeps the picture from being the same."""
        if len(self.unmatched) < 200:
            self.unmatched.append(why[:400])

    def set_prompts(self, prompt: Any, negative: Any = "") -> None:
        """The two prompts."""
        self.values["prompt"] = as_text(prompt).strip()
        self.values["negative"] = as_text(negative).strip()

    def set_number(self, name: str, value: Any) -> None:
        """A number of the request, if it is one and within what makes sense."""
        parse = _NUMBERS[name]
        parsed = as_number(value)
        if parsed is None:
            return
        if not parse.least <= parsed <= parse.most:
            self.note_difference(
                f"its {name.replace('_', ' ')} is {as_text(value)[:40]}, which cannot be"
            )
        else:
            place = self.second if name in _OF_SECOND_PASS else self.values
            place[name] = int(parsed) if isinstance(parse, Whole) else float(parsed)

    def set_size(self, width: Any, height: Any) -> None:
        """Width and height, both or neither, down to whole cells as every program draws them."""
        across, down = as_number(width), as_number(height)
        if across is not None and down is not None:
            self.set_number("width", across // 8 * 8)
            self.set_number("height", down // 8 * 8)

    def set_sampler(self, sampler: Any, schedule: Any = "") -> None:
        """The scheduler that is the same as theirs, or the news that there is none."""
        theirs, spacing = as_text(sampler).strip(), as_text(schedule).strip()
        if not theirs:
            return
        try:
            name = find_sampler_with_schedule(theirs, spacing or None)
            self.values["scheduler"] = name
            how = SCHEDULERS[name].solver.differs
            if self._conventions.solvers in how.partition(", and this")[0]:
                self.note_difference(f"its sampler `{theirs}`: {how}")
        except SdcliError as error:
            label = f"{theirs} {spacing}".strip()
            self.note_difference(
                f"its sampler `{label}`: {error.fact}; the model's usual one instead"
            )

    def set_model(self, name: Any, short: Any = "", kind: str = "model") -> None:
        """The checkpoint or the VAE, by name and, where it is told, by hash."""
        if file := bare_name(name):
            self.values[kind] = file
        self.set_hash(kind, short)

    def add_lora(self, name: Any, unet: Any = 1.0, te: Any = None, short: Any = "") -> None:
        """A LoRA, by name, weights and hash."""
        file, strong = bare_name(name), as_number(unet)
        if not file or len(self.loras) >= 100:
            return
        weight = 1.0 if strong is None else float(strong)
        encoder = as_number(te)
        self.loras.append(Lora(file, weight, weight if encoder is None else float(encoder)))
        self.set_hash(f"lora:{file}", short)

    def add_embedding(self, name: str) -> None:
        """A word that an embedding of this name stands behind."""
        if name and len(self.embeddings) < 100:
            self.embeddings.append(name)

    def set_hash(self, what: str, short: Any) -> None:
        """What identifies one of the files."""
        if found := _HEX.fullmatch(as_text(short).strip()):
            self.hashes[what] = found[1].lower()

    def set_start_strength(self, strength: Any) -> None:
        """The picture began as another one, this much of which was redrawn."""
        share = as_number(strength)
        if share is None or not 0 <= share <= 1:
            return
        self.strength = float(share)
        self.note_difference(
            f"it began as another picture, redrawn with strength {share:g}, which it does not "
            "carry: `--set image=FILE` names it"
        )


def as_text(value: Any) -> str:
    """A value as text: texts and numbers as they are, anything else as nothing."""
    if isinstance(value, str):
        return value[:_LONGEST]
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value}" if numeric and abs(value) < 1e30 else ""


def as_number(value: Any) -> float | int | None:
    """A finite number, from a number or its text; whole ones keep every digit."""
    digits = as_text(value).strip()[:40]
    try:
        return int(digits)
    except ValueError:
        pass
    try:
        parsed = float(digits)
    except ValueError:
        return None
    if not math.isfinite(parsed):
        return None
    return int(parsed) if parsed.is_integer() else parsed


def bare_name(name: Any) -> str:
    """The bare name of a model, without folders (of either system) and without its ending."""
    file_name = PureWindowsPath(PurePosixPath(as_text(name).strip().replace("\0", "")).name).name
    return re.sub(r"\.(safetensors|ckpt|pt|pth|bin|sft|gguf)$", "", file_name, flags=re.I)[:200]


def parse_json_object(json_text: str | None) -> dict[str, Any] | None:
    """The JSON object in a text, or None where there is none."""
    if not json_text or json_text.lstrip()[:1] != "{":
        return None
    try:
        data = codec.from_json(json_text)
    except codec.BadData:
        return None
    return cast(dict[str, Any], data) if isinstance(data, dict) else None


def nested_value(data: Any, *names: str) -> Any:
    """What lies under these names, one inside the other; None where something else does."""
    for name in names:
        data = cast(dict[str, Any], data).get(name) if isinstance(data, dict) else None
    return data


def as_list(data: Any) -> list[Any]:
    """A list of at most 200, or nothing."""
    return cast(list[Any], data)[:200] if isinstance(data, list) else []
