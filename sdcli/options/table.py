"""What can be set of a request, by name and from text: for sweeps, presets and `--set`.

One table. A setting belongs to the request or to its task, and putting it on a request that has no
use for it (a strength, where there is no picture) is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.metadata.a1111_write import format_number
from sdcli.options import parse as spoken
from sdcli.request import Control, Draw, Edit, Lora, Redraw, Repaint, Request

Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Option:
    """One thing that can be set: its flag's name, its field, and how text becomes a value."""

    name: str
    field: str
    parse: Parse
    many: bool = False  # said several times, it makes a list
    of_task: bool = False
    kin: str = ""  # of those that share a field

    def value(self, text: str) -> Any:
        """The value in `text`, or BadRequest naming this setting."""
        try:
            return self.parse(text)
        except BadRequest as error:
            raise BadRequest(f"{self.name}: {error.fact}", hint=error.hint) from None

    def held(self, request: Request) -> Any:
        """What the request says of this; None, or nothing at all, where it says nothing."""
        if self.kin:
            return tuple(c for c in request.controls if c.canny == (self.kin == "canny"))
        return getattr(request.task if self.of_task else request, self.field, None)

    def unsaid(self, request: Request) -> bool:
        """Whether the request leaves this open."""
        held = self.held(request)
        return held is None or held == () or held is _DEFAULTS.get(self.field)

    def put(self, request: Request, value: Any) -> Request:
        """The request with this value; of a setting said several times, with all of them."""
        if self.of_task:
            return replace(request, task=self._task(request, value))
        if self.kin:
            others = [c for c in request.controls if c.canny != (self.kin == "canny")]
            value = (*others, *value)
        return replace(request, **{self.field: value})

    def _task(self, request: Request, value: Any) -> Any:
        task = request.task
        if self.field == "image" and isinstance(task, Draw):
            return Redraw(value)
        if self.field == "mask" and isinstance(task, Redraw):
            return Repaint(task.image, value, task.strength)
        if self.field not in {field.name for field in fields(task)}:
            raise BadRequest(
                f"`{self.name}` cannot apply to {_TASKS[type(task)]}",
                hint="name a picture to start from with `image`" if isinstance(task, Draw) else "",
            )
        return replace(task, **{self.field: value})


_DEFAULTS = {field.name: field.default for field in fields(Request)}
_TASKS = {
    Draw: "a picture drawn from words alone",
    Redraw: "a picture redrawn whole",
    Repaint: "a picture repainted inside a mask",
    Edit: "a picture that follows an instruction",
}


def whole(least: int, most: int, multiple: int = 1) -> Parse:
    """Reads a whole number within bounds."""

    def parse(text: str) -> int:
        try:
            value = int(text.strip())
        except ValueError:
            raise BadRequest(f"`{text}` is not a whole number") from None
        if not least <= value <= most or value % multiple:
            of = f", a multiple of {multiple}" if multiple > 1 else ""
            raise BadRequest(f"{text.strip()} is out of bounds", hint=f"{least} to {most}{of}")
        return value

    return parse


def real(least: float, most: float) -> Parse:
    """Reads a number within bounds."""

    def parse(text: str) -> float:
        value = spoken.parse_finite(text)
        if not least <= value <= most:
            raise BadRequest(f"{value:g} is out of bounds", hint=f"{least:g} to {most:g}")
        return value

    return parse


def parse_yes_or_no(text: str) -> bool:
    """Reads yes or no."""
    known = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if text.strip().lower() not in known:
        raise BadRequest(f"`{text}` is neither yes nor no")
    return known[text.strip().lower()]


def parse_name(text: str) -> str:
    """Reads a name: anything but nothing."""
    if not text.strip():
        raise BadRequest("an empty text names nothing")
    return text.strip()


def parse_path(text: str) -> Path:
    """Reads a path."""
    return Path(parse_name(text)).expanduser()


def _canny(text: str) -> Control:
    return replace(spoken.parse_control(text), canny=True)


OPTIONS: Mapping[str, Option] = {
    setting.name: setting
    for setting in (
        Option("prompt", "prompt", str),
        Option("negative", "negative", str),
        Option("model", "model", parse_name),
        Option("vae", "vae", parse_name),
        Option("scheduler", "scheduler", parse_name),
        Option("steps", "steps", whole(1, 1_000)),
        Option("cfg", "cfg", real(-1_000, 1_000)),
        Option("eta", "eta", real(0, 100)),
        Option("seed", "seed", whole(0, 2**64 - 1)),
        Option("count", "count", whole(1, 100_000)),
        Option("width", "width", whole(8, 16_384, 8)),
        Option("height", "height", whole(8, 16_384, 8)),
        Option("clip-skip", "clip_skip", whole(1, 24)),
        Option("rng", "rng", parse_name),
        Option("ensd", "ensd", whole(-(2**63), 2**63)),
        Option("prompt-syntax", "syntax", parse_name),
        Option("emphasis", "emphasis", parse_name),
        Option("prediction", "prediction", parse_name),
        Option("zero-snr", "zero_snr", parse_yes_or_no),
        Option("lora", "loras", spoken.parse_lora, many=True),
        Option("lora-partial", "lora_partial", parse_yes_or_no),
        Option("embedding", "embeddings", parse_name, many=True),
        Option("control", "controls", spoken.parse_control, many=True, kin="map"),
        Option("control-canny", "controls", _canny, many=True, kin="canny"),
        Option("image", "image", parse_path, of_task=True),
        Option("mask", "mask", parse_path, of_task=True),
        Option("strength", "strength", real(0, 1), of_task=True),
        Option("feather", "feather", whole(0, 256), of_task=True),
        Option("image-cfg", "image_cfg", real(-1_000, 1_000), of_task=True),
        Option("device", "device", parse_name),
        Option("dtype", "dtype", parse_name),
        Option("offload", "offload", parse_name),
    )
}


def find_option(name: str) -> Option:
    """The setting of this name; flags' dashes and underscores are all the same."""
    wanted = name.strip().lower().lstrip("-").replace("_", "-")
    if wanted in OPTIONS:
        return OPTIONS[wanted]
    near = get_close_matches(wanted, OPTIONS, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise BadRequest(f"no setting is called `{name}`", hint=f"{hint}one of {', '.join(OPTIONS)}")


def parse_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """`steps=40`, `lora=a:0.5`... as values by setting; those said several times as tuples."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadRequest(f"`{pair}` sets nothing", hint="write NAME=VALUE, like steps=40")
        known = find_option(name)
        if known.many:
            # Nothing after the sign takes away what there is: `lora=` is no LoRA at all.
            values[known.name] = (
                *values.get(known.name, ()),
                *([known.value(text)] if text else []),
            )
        else:
            values[known.name] = known.value(text)
    return values


def change_request(request: Request, values: Mapping[str, Any]) -> Request:
    """The request with these values, the pictures to start from before what is said of them."""
    for name in (name for name in OPTIONS if name in values):
        request = OPTIONS[name].put(request, values[name])
    return request


def spell_value(value: Any) -> Any:
    """A value as it is written after its flag; several of them as a list of such texts."""
    match value:
        case Lora(name, unet, te):
            apart = f",te={format_number(te)}" if te != unet else ""
            return f"{name}:{format_number(unet)}{apart}"
        case Control(name, image, weight, start, end):
            during = (
                "" if (start, end) == (0, 1) else f"@{format_number(start)}-{format_number(end)}"
            )
            return f"{name}:{image}:{format_number(weight)}{during}"
        case tuple():
            return [spell_value(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case bool():
            return "yes" if value else "no"
        case float():
            return format_number(value)
        case _:
            return str(value)


def given_values(request: Request) -> dict[str, Any]:
    """Everything a request says, by the names of settings: what `changed` puts on another."""
    said: dict[str, Any] = {}
    for each in OPTIONS.values():
        if not each.unsaid(request):
            said[each.name] = each.held(request)
    return said


def with_start_picture(
    request: Request,
    image: Path | None,
    mask: Path | None = None,
    strength: float | None = None,
    feather: int | None = None,
) -> Request:
    """The request begun from a picture and a mask, as far as they are said."""
    told = {"image": image, "mask": mask, "strength": strength, "feather": feather}
    return change_request(
        request, {name: value for name, value in told.items() if value is not None}
    )
