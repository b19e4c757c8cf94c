"""What a picture carries, made into a plan for this machine, and what is different from then.

Every file is found by its content. What is found goes through the same door as a request from the
keyboard, so that nothing a picture says can ask for more than a user could.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcli import __version__
from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener
from sdcli.images.load import picture_size
from sdcli.library.find import find_adapter, find_checkpoint
from sdcli.library.find_by_hash import find_by_short_hash
from sdcli.library.relocate import relocate_plan, with_known_places
from sdcli.metadata import readers
from sdcli.metadata.readers.draft import ForeignPicture
from sdcli.metadata.record import EmbeddedMetadata, read_picture_metadata
from sdcli.options.table import change_request
from sdcli.picture import Picture
from sdcli.plan import Plan, counted_seed, with_counted_seed
from sdcli.planning.plan_to_request import plan_to_request
from sdcli.planning.resolve import make_plan as resolved
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tags import escape_tags, extract_foreign_tags
from sdcli.reproduce.recall_hires import with_upscaler, without_second_tags
from sdcli.request import Request
from sdcli.weights.checkpoint import identify_checkpoint

if TYPE_CHECKING:
    from sdcli.engine.door import SessionLike


@dataclass(frozen=True)
class RecalledPicture:
    """A picture as it would be drawn now, and what is not as it was then."""

    path: Path
    program: str
    request: Request
    embedded: EmbeddedMetadata
    differences: tuple[str, ...]
    original_plan: Plan | None = None  # its plan, its files where they are now
    strength: float | None = None  # where it began as a picture that it does not carry
    missing_model: str = ""  # why there is no checkpoint to draw it with

    def make_plan(
        self, values: Mapping[str, Any], *, exact: bool = False
    ) -> tuple[Plan, tuple[str, ...]]:
        """What to draw, with these settings changed, and how it differs from what was drawn.

        It is drawn as this machine does best or, to be `exact`, on the device that it was drawn on.
        """
        if self.missing_model and "model" not in values:
            raise SdcliError(
                self.missing_model,
                hint="put it into the folder of models (see `sdcli models`); "
                "`--set model=NAME` draws with another",
            )
        if self.strength is not None and "image" in values:
            values = {"strength": self.strength, **values}
        asked = change_request(self._placed_request(exact), values)
        now = resolved(replace(asked, count=1))
        if self.original_plan is not None:
            now = _with_template_of(self.original_plan, now)
            if "embedding" not in values:
                now = replace(now, embeddings=self.original_plan.embeddings)  # by their old words
        if self.original_plan is None or values:
            return now, self.differences
        return now, (*self.differences, *_plan_differences(self.original_plan, now))

    def draw(
        self, session: SessionLike, plan: Plan, listener: Listener, *, exact: bool = False
    ) -> Picture:
        """The picture of a plan that `make_plan` made; to be `exact`, drawn beside those that it was
        once drawn with, since pictures in one call of the U-Net round in each other's company."""
        seeds = self.embedded.provenance.batch_seeds if self.embedded.provenance and exact else ()
        together = replace(plan, count=len(seeds), batch=len(seeds))
        whole = with_counted_seed(together, seeds[0]) if seeds else plan
        own = counted_seed(plan)
        pictures = session.run(whole, listener)
        return replace(next(each for each in pictures if counted_seed(each.plan) == own), index=0)

    def _placed_request(self, exact: bool) -> Request:
        made, device = self.embedded.provenance, self.request.device
        if exact and made is not None:
            return replace(self.request, device=made.device, dtype=made.dtype, offload="auto")
        # A CPU is everywhere; the accelerator of another machine may not be here.
        return replace(self.request, device="cpu" if device == "cpu" else "auto", offload="auto")


def recall_picture(path: Path) -> RecalledPicture:
    """What the picture at `path` says of itself; BadRequest where it says nothing."""
    embedded = read_picture_metadata(path)
    if embedded.plan is not None:
        return _recall_own(path, embedded, embedded.plan)
    foreign = readers.read_foreign_picture(embedded.texts, picture_size(path))
    if foreign is None:
        problem = embedded.problems[0] if embedded.problems else "it carries no plan"
        raise BadRequest(f"`{path}` cannot be drawn again: {problem}", hint="see `sdcli show`")
    return _recall_foreign(path, embedded, foreign)


def _recall_own(path: Path, embedded: EmbeddedMetadata, then: Plan) -> RecalledPicture:
    lacking: list[str] = []
    here, moved = relocate_plan(then, (path.parent, Path.cwd()), lacking)
    request = plan_to_request(here)
    if lacking:
        request = replace(request, model=None)
    later = [
        f"it says `{name}`, which this version does not know" for name in embedded.unknown_fields
    ]
    enlarged = [
        f"it was enlarged since, to {step.size} by `{step.upscaler.path.name}`: "
        "what is drawn again is the picture before"
        for step in embedded.enlarged
    ]
    versions = _version_differences(embedded)
    differences = (*moved, *versions, *later, *enlarged, *embedded.problems)
    return RecalledPicture(
        path, "sdcli", request, embedded, differences, here, missing_model="".join(lacking)
    )


def _with_template_of(then: Plan, now: Plan) -> Plan:
    """The plan with what its words were chosen from, as long as they are the same words."""
    if (now.prompt, now.negative) != (then.prompt, then.negative):
        return now
    return replace(now, template=then.template, negative_template=then.negative_template)


# Where a picture is drawn is told when it has been: `verdict.made_apart`.
_DEVICE_FIELDS = ("device", "dtype", "offload")


def _plan_differences(then: Plan, now: Plan) -> Iterator[str]:
    for field in fields(Plan):
        before, after = getattr(then, field.name), getattr(now, field.name)
        if field.compare and before != after and field.name not in _DEVICE_FIELDS:
            yield f"its {field.name.replace('_', ' ')} was {before}, and is {after} now"


def _version_differences(carried: EmbeddedMetadata) -> Iterator[str]:
    then = dict(carried.provenance.versions) if carried.provenance else {}
    for name, before in then.items():
        now = __version__ if name == "sdcli" else installed_version(name)
        if before != now:
            yield f"drawn with {name} {before}; here is {now}"


def installed_version(name: str) -> str:
    """The version of a library that is installed here."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _recall_foreign(
    path: Path, embedded: EmbeddedMetadata, foreign: ForeignPicture
) -> RecalledPicture:
    news = [*foreign.unmatched, *embedded.problems]
    asking = foreign.request
    words, negative, tags, task = (
        asking.prompt,
        asking.negative,
        (),
        with_upscaler(asking.task, news),
    )
    if SYNTAXES[asking.syntax or "a1111"].has_tags:
        words, tags, remarks = extract_foreign_tags(words)
        negative = escape_tags(negative or "")  # there they are words
        news += remarks
        task = without_second_tags(task, tags, news)
    model = _find_file(foreign, "model", asking.model or "", news)
    vae = _find_file(foreign, "vae", asking.vae, news) if asking.vae else None
    loras = tuple(
        replace(lora, name=_find_file(foreign, f"lora:{lora.name}", lora.name, news) or lora.name)
        for lora in (*asking.loras, *tags)
    )
    embeddings = (*_embeddings_by_hash(foreign), *_embeddings_by_name(asking.embeddings, news))
    here = replace(
        asking,
        task=task,
        prompt=words,
        negative=negative,
        model=model,
        vae=vae,
        loras=loras,
        embeddings=embeddings,
    )
    if foreign.program == "AUTOMATIC1111" and here.clip_skip and not _heeds_clip_skip(model):
        here = replace(here, clip_skip=None)
    lacks = "" if model else _explain_missing_model(foreign)
    return RecalledPicture(
        path, foreign.program, here, embedded, tuple(news), None, foreign.strength, lacks
    )


def _embeddings_by_hash(foreign: ForeignPicture) -> Iterator[str]:
    for what, short in foreign.hashes.items():
        kind, _, name = what.partition(":")
        if kind == "embedding" and (place := find_by_short_hash(short, name)):
            yield str(place)


def _embeddings_by_name(names: Iterable[str], news: list[str]) -> Iterator[str]:
    for name in names:
        try:
            yield str(find_adapter(name))
            news.append(f"its embedding `{name}` is known by name only")
        except SdcliError:
            news.append(f"its embedding `{name}` is not here: the word is taken as a word")


def _heeds_clip_skip(model: str | None) -> bool:
    """Whether that program heeds its clip skip with this model: with SD 1 alone."""
    try:
        return identify_checkpoint(find_checkpoint(model)).family.clip_skip == 1
    except SdcliError:
        return True


def _explain_missing_model(found: ForeignPicture) -> str:
    short = found.hashes.get("model")
    return f"no checkpoint here has the hash {short}" if short else "its checkpoint is not recorded"


def _find_file(found: ForeignPicture, what: str, name: str | None, news: list[str]) -> str | None:
    """The file of this hash, else of this name, as a name that the store understands."""
    short = found.hashes.get(what, "")
    kind = what.partition(":")[0]
    place = find_by_short_hash(short, name or "") if short else None
    if place is not None:
        return str(place)
    if short:
        known = f"; `{name}` is taken by its name" if name else ""
        news.append(f"no {kind} here has the hash {short}{known}")
    elif name:
        news.append(f"its {kind} `{name}` is known by name only")
    return name or None


def read_request(path: Path) -> Request:
    """What a picture says of how it was drawn, its files where they are, or as it names them."""
    embedded = read_picture_metadata(path)
    if embedded.plan is not None:
        return plan_to_request(with_known_places(embedded.plan))
    foreign = readers.read_foreign_picture(embedded.texts, picture_size(path))
    if foreign is None:
        raise BadRequest(f"`{path}` says nothing about how it was drawn", hint="see `sdcli show`")
    return foreign.request
