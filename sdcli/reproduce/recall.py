"""What a picture carries, made into a plan for this machine, and what is different from then.

Every file is found by its content. What is found goes through the same door as a request from the
keyboard, so that nothing a picture says can ask for more than a user could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sdcli import __version__, plan, request
from sdcli.errors import BadRequest, SdcliError
from sdcli.images import load as images
from sdcli.library import find as store
from sdcli.library import find_by_hash as whereabouts
from sdcli.library.relocate import located
from sdcli.metadata import readers
from sdcli.metadata import record as metadata
from sdcli.metadata.readers.draft import Found
from sdcli.metadata.record import Carried
from sdcli.options import table as settings
from sdcli.plan import Plan
from sdcli.planning.resolve import plan as resolved
from sdcli.prompts import syntax as prompt
from sdcli.request import Request
from sdcli.schedulers import names as schedulers
from sdcli.weights.checkpoint import identify


@dataclass(frozen=True)
class Recalled:
    """A picture as it would be drawn now, and what is not as it was then."""

    path: Path
    program: str
    request: Request
    carried: Carried
    differences: tuple[str, ...]
    then: Plan | None = None  # its plan, its files where they are now
    strength: float | None = None  # where it began as a picture that it does not carry
    lacks: str = ""  # why there is no checkpoint to draw it with

    def plan(
        self, values: Mapping[str, Any], *, exact: bool = False
    ) -> tuple[Plan, tuple[str, ...]]:
        """What to draw, with these settings changed, and how it differs from what was drawn.

        It is drawn as this machine does best or, to be `exact`, on the device that it was drawn on.
        """
        if self.lacks and "model" not in values:
            raise SdcliError(self.lacks, hint="`--set model=FILE` names another")
        if self.strength is not None and "image" in values:
            values = {"strength": self.strength, **values}
        asked = settings.changed(self._placed(exact), values)
        now = resolved(replace(asked, count=1))
        if self.then is not None and "embedding" not in values:
            now = replace(now, embeddings=self.then.embeddings)  # by the words they had
        if self.then is None or values:
            return now, self.differences
        return now, (*self.differences, *_apart(self.then, now))

    def _placed(self, exact: bool) -> Request:
        made, device = self.carried.made, self.request.device
        if exact and made is not None:
            return replace(self.request, device=made.device, dtype=made.dtype, offload="auto")
        # A CPU is everywhere; the accelerator of another machine may not be here.
        return replace(self.request, device="cpu" if device == "cpu" else "auto", offload="auto")


def recall(path: Path) -> Recalled:
    """What the picture at `path` says of itself; BadRequest where it says nothing."""
    carried = metadata.read(path)
    if carried.plan is not None:
        return _own(path, carried, carried.plan)
    found = readers.read(carried.texts, images.size(path))
    if found is None:
        problem = carried.problems[0] if carried.problems else "it carries no plan"
        raise BadRequest(f"`{path}` cannot be drawn again: {problem}", hint="see `sdcli show`")
    return _foreign(path, carried, found)


def _own(path: Path, carried: Carried, then: Plan) -> Recalled:
    here, moved = located(then, (path.parent, Path.cwd()))
    later = [f"it says `{name}`, which this version does not know" for name in carried.strange]
    differences = (*moved, *_versions(carried), *later, *carried.problems)
    return Recalled(path, "sdcli", asked(here), carried, differences, here)


def asked(here: Plan) -> Request:
    """The request that makes this plan: everything said, nothing left to a default."""
    row = schedulers.SCHEDULERS.get(here.scheduler)
    takes_eta = row is None or row.solver.eta is not None
    same = {field.name for field in fields(Request)} & {field.name for field in fields(Plan)}
    said = {name: getattr(here, name) for name in same}
    said |= {
        "task": _task_asked(here.task),
        "model": str(here.model.path),
        "vae": None if here.vae == here.model else str(here.vae.path),
        "eta": here.eta if takes_eta else None,
        "loras": tuple(request.Lora(str(n.file.path), n.unet, n.te) for n in here.loras),
        "embeddings": tuple(str(known.file.path) for known in here.embeddings),
        "controls": tuple(
            request.Control(str(c.file.path), c.image.path, c.weight, c.start, c.end, c.canny)
            for c in here.controls
        ),
        "lora_partial": any(lora.share < 1 for lora in here.loras),
    }
    return Request(**said)


def _task_asked(task: plan.Task) -> request.Task:
    match task:
        case plan.Draw():
            return request.Draw()
        case plan.Redraw():
            return request.Redraw(task.image.path, task.strength)
        case plan.Repaint():
            return request.Repaint(task.image.path, task.mask.path, task.strength, task.feather)
        case plan.Edit():
            return request.Edit(task.image.path, task.image_cfg)


# Where a picture is drawn is told when it has been: `verdict.made_apart`.
_PLACES = ("device", "dtype", "offload")


def _apart(then: Plan, now: Plan) -> Iterator[str]:
    for field in fields(Plan):
        before, after = getattr(then, field.name), getattr(now, field.name)
        if field.compare and before != after and field.name not in _PLACES:
            yield f"its {field.name.replace('_', ' ')} was {before}, and is {after} now"


def _versions(carried: Carried) -> Iterator[str]:
    then = dict(carried.made.versions) if carried.made else {}
    for name, before in then.items():
        now = __version__ if name == "sdcli" else installed(name)
        if before != now:
            yield f"drawn with {name} {before}; here is {now}"


def installed(name: str) -> str:
    """The version of a library that is installed here."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _foreign(path: Path, carried: Carried, found: Found) -> Recalled:
    news = list(found.unmatched)
    asking = found.request
    words, tags = prompt.tags(asking.prompt, asking.syntax or "a1111")
    model = _by_hash(found, "model", asking.model or "", news)
    vae = _by_hash(found, "vae", asking.vae, news) if asking.vae else None
    loras = tuple(
        replace(lora, name=_by_hash(found, f"lora:{lora.name}", lora.name, news) or lora.name)
        for lora in (*asking.loras, *tags)
    )
    embeddings = tuple(
        str(place)
        for what, short in found.hashes.items()
        if what.startswith("embedding:")
        and (place := whereabouts.by_hash(short, what.partition(":")[2]))
    )
    here = replace(asking, prompt=words, model=model, vae=vae, loras=loras, embeddings=embeddings)
    if found.program == "AUTOMATIC1111" and here.clip_skip and not _skips(model):
        here = replace(here, clip_skip=None)
    lacks = "" if model else _no_model(found)
    return Recalled(path, found.program, here, carried, tuple(news), None, found.strength, lacks)


def _skips(model: str | None) -> bool:
    """Whether that program heeds its clip skip with this model: with SD 1 alone."""
    try:
        return identify(store.find(model)).family.clip_skip == 1
    except SdcliError:
        return True


def _no_model(found: Found) -> str:
    short = found.hashes.get("model")
    return f"no checkpoint here has the hash {short}" if short else "its checkpoint is not recorded"


def _by_hash(found: Found, what: str, name: str | None, news: list[str]) -> str | None:
    """The file of this hash, else of this name, as a name that the store understands."""
    short = found.hashes.get(what, "")
    kind = what.partition(":")[0]
    place = whereabouts.by_hash(short, name or "") if short else None
    if place is not None:
        return str(place)
    if short:
        known = f"; `{name}` is taken by its name" if name else ""
        news.append(f"no {kind} here has the hash {short}{known}")
    elif name:
        news.append(f"its {kind} `{name}` is known by name only")
    return name or None


def said(path: Path) -> Request:
    """What a picture says of how it was drawn, its files as they were named then."""
    carried = metadata.read(path)
    if carried.plan is not None:
        return asked(carried.plan)
    found = readers.read(carried.texts, images.size(path))
    if found is None:
        raise BadRequest(f"`{path}` says nothing about how it was drawn", hint="see `sdcli show`")
    return found.request
