"""Drawing from Python: the commands as functions, with the flags as keyword arguments.

    import sdcli

    picture = sdcli.txt2img("a red house by the sea at night", steps=20, seed=7)
    picture.save("house.png")

    with sdcli.Session() as session:  # keeps the model warm
        for seed in range(4):
            plan = sdcli.make_plan("a red house", seed=seed)
            for picture in session.run(plan):
                picture.image.show()

A picture drawn from Python is the picture that the command draws, to the bit, and `save` writes what
the command writes. Whatever is wrong is an `sdcli.SdcliError` with a `fact` and a `hint`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sdcli.engine import door
from sdcli.environment import leads_launch, read_environment
from sdcli.errors import BadRequest
from sdcli.events import SilentListener
from sdcli.options.adapter_values import ControlSpec, LoraSpec
from sdcli.options.presets import fill_from_presets, read_preset
from sdcli.options.table import ALL_OPTIONS, Option, change_request
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning import resolve
from sdcli.reproduce.as_preset import preset_from_picture
from sdcli.reproduce.recall import recall_picture
from sdcli.request import Draw, Edit, Outpaint, Redraw, Repaint, Request, Task
from sdcli.studies.training.run import train_quietly
from sdcli.text import suggest
from sdcli.training.options import EMBEDDING, LORA, OF_DRAWING, options_for
from sdcli.training.plan import TrainingRequest, draw_nothing, plan_training


def txt2img(prompt: str, **options: Any) -> Picture:
    """Draw a picture from words."""
    return _draw(make_request(prompt, **options))


def img2img(prompt: str, image: str | Path, **options: Any) -> Picture:
    """Redraw a picture from words."""
    return _draw(make_request(prompt, Redraw(Path(image)), **options))


def inpaint(prompt: str, image: str | Path, mask: str | Path, **options: Any) -> Picture:
    """Repaint the white of a mask; outside it every pixel stays as it was."""
    return _draw(make_request(prompt, Repaint(Path(image), Path(mask)), **options))


def outpaint(prompt: str, image: str | Path, **options: Any) -> Picture:
    """Make a picture larger, by `left`, `up`, `right`, `down` pixels, or `to="16:9"`."""
    return _draw(make_request(prompt, Outpaint(Path(image)), **options))


def edit(instruction: str, image: str | Path, **options: Any) -> Picture:
    """Follow an instruction about a picture, with an InstructPix2Pix checkpoint."""
    return _draw(make_request(instruction, Edit(Path(image)), **options))


def make_plan(prompt: str | Request, task: Task | None = None, **options: Any) -> Plan:
    """What would be done for a prompt and options, or for a whole `Request`: every question
    answered, every file found and hashed, the seed rolled. `Session.run` draws it."""
    if isinstance(prompt, Request):
        if task is not None or options:
            raise BadRequest("a request says everything itself", hint="change it, or say a prompt")
        return resolve.make_plan(prompt)
    return resolve.make_plan(make_request(prompt, task or Draw(), **options))


def draw_again(path: str | Path, *, exact: bool = False, **changes: Any) -> Picture:
    """Draw a picture again from what the file at `path` carries, with options changed or not;
    `exact` draws it on the device on which it was drawn."""
    recalled = recall_picture(Path(path))
    plan, _ = recalled.make_plan(_named_values(changes), exact=exact)
    with door.open_session() as session:
        return recalled.draw(session, plan, SilentListener(), exact=exact)


def train_lora(folder: str | Path, out: str | Path, **options: Any) -> Path:
    """Train a LoRA from a folder of pictures, and give the path of its file.

    The flags of `sdcli train lora` are keyword arguments; `regularisation` names a folder, `samples`
    prompts, `resume` and `force` are yes or no.
    """
    return _train(LORA, Path(folder), Path(out), "", options)


def train_embedding(
    folder: str | Path, word: str, out: str | Path | None = None, **options: Any
) -> Path:
    """Train a word (textual inversion) from a folder of pictures, as `train_lora` does a LoRA."""
    return _train(EMBEDDING, Path(folder), None if out is None else Path(out), word, options)


def _train(kind: str, folder: Path, out: Path | None, word: str, options: dict[str, Any]) -> Path:
    resume, force = bool(options.pop("resume", False)), bool(options.pop("force", False))
    beside, samples = options.pop("regularisation", None), options.pop("samples", ())
    rows = options_for(kind) | {name: ALL_OPTIONS[name] for name in OF_DRAWING}
    values = {
        row.name: row.check(value)
        for keyword, value in options.items()
        if (row := _find_keyword(keyword, rows)) and value is not None
    }
    drawing = {rows[name].field: values.pop(name) for name in OF_DRAWING if name in values}
    request = TrainingRequest(
        kind,
        folder,
        out,
        draw_nothing(**{"model": read_environment().model, **drawing}),
        values,
        word=word,
        regularisation=None if beside is None else Path(beside),
        samples=tuple(samples),
        force=force or resume,
    )
    plan, leads = plan_training(request), leads_launch()
    return train_quietly(plan, door.open_trainer, door.open_session, resume=resume, leads=leads)


def make_request(prompt: str, task: Task | None = None, **options: Any) -> Request:
    """The request of a prompt and of options named as the flags are, over `preset` and `like`."""
    sources = [
        *([read_preset(str(options.pop("preset")))] if options.get("preset") else []),
        *([preset_from_picture(Path(options.pop("like")))] if options.get("like") else []),
    ]
    request = change_request(Request(task or Draw(), prompt), _named_values(options))
    return fill_from_presets(
        request, sources, prompt_given=True, default_model=read_environment().model
    )


def _named_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments as values by option, texts read as the command line reads them."""
    values: dict[str, Any] = {}
    for keyword, value in options.items():
        option = _find_keyword(keyword, _SAID)
        if value is not None:
            values[option.name] = _read_keyword(option, value)
    return values


_SAID = {name: option for name, option in ALL_OPTIONS.items() if option.of != "run"}


def _find_keyword(keyword: str, rows: Mapping[str, Option]) -> Option:
    option = rows.get(keyword.replace("_", "-"))
    if option is None:
        known = {name.replace("-", "_") for name in rows}
        raise BadRequest(
            f"no option is called `{keyword}`",
            hint=f"{suggest(keyword, known)}one of {', '.join(sorted(known))}",
        )
    return option


def _read_keyword(option: Option, value: Any) -> Any:
    if not option.many:
        return option.check(value)
    several = isinstance(value, list | tuple)
    items = cast("Sequence[Any]", value) if several else [value]
    spoken = isinstance(option.parse, LoraSpec | ControlSpec)
    return option.check(
        [option.read(each) if spoken and isinstance(each, str) else each for each in items]
    )


def _draw(request: Request) -> Picture:
    plan = resolve.make_plan(request)
    if plan.count > 1:
        raise BadRequest(
            f"this draws one picture, and {plan.count} were asked for",
            hint="`for picture in session.run(sdcli.make_plan(...))` draws several",
        )
    with door.open_session() as session:
        (picture,) = session.run(plan, SilentListener())
    return picture


def _document(*functions: Any) -> None:
    """Put the table's help under each function's own sentence, so that `help()` tells it all."""
    rows = (
        f"    {name.replace('-', '_')}: {option.help}"
        + (f" Default: {option.default.shown}." if option.default.shown else "")
        for name, option in ALL_OPTIONS.items()
        if option.of in ("request", "output", "task") and name not in ("prompt", "image", "mask")
    )
    table = "\n".join(rows)
    for function in functions:
        function.__doc__ = f"{function.__doc__}\n\nOptions, all by keyword:\n\n{table}\n"


_document(txt2img, img2img, inpaint, outpaint, edit)
