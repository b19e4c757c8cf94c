"""A plan from elsewhere with every file where it is now, found by its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sdcli import plan
from sdcli.errors import SdcliError
from sdcli.library import find_by_hash as whereabouts
from sdcli.plan import File, Plan


def located(then: Plan, near: tuple[Path, ...]) -> tuple[Plan, list[str]]:
    """The plan with every file where it is now, and news of those that have moved."""
    news: list[str] = []

    def find(file: File, what: str, *, weights: bool = True) -> File:
        place = whereabouts.model(file) if weights else whereabouts.picture(file, near)
        if place is None:
            raise SdcliError(
                f"the {what} `{file.path.name}` is nowhere (sha256 {file.sha256[:16]}...)",
                hint="put it into the folder of models; see `sdcli models`"
                if weights
                else "put it beside the picture",
            )
        if place.parts[-len(file.path.parts) :] != file.path.parts:
            news.append(f"the {what} is now `{place}`")
        return File(place, file.sha256)

    model = find(then.model, "model")
    vae = model if then.vae == then.model else find(then.vae, "VAE")
    here = replace(
        then,
        task=_task_here(then.task, partial(find, weights=False)),
        model=model,
        vae=vae,
        loras=tuple(replace(lora, file=find(lora.file, "LoRA")) for lora in then.loras),
        embeddings=tuple(replace(e, file=find(e.file, "embedding")) for e in then.embeddings),
        controls=tuple(
            replace(
                control,
                file=find(control.file, "ControlNet"),
                image=find(control.image, "control picture", weights=False),
            )
            for control in then.controls
        ),
    )
    return here, news


def with_known_places(then: Plan) -> Plan:
    """The plan with every file where it is, as far as that is known without a search."""
    return plan.map_files(
        then,
        lambda file, _: File(whereabouts.known_place(file) or file.path, file.sha256),
    )


def _task_here(task: plan.Task, find: Callable[[File, str], File]) -> plan.Task:
    match task:
        case plan.Draw():
            return task
        case plan.Repaint():
            image, mask = find(task.image, "picture to repaint"), find(task.mask, "mask")
            return replace(task, image=image, mask=mask)
        case plan.Redraw() | plan.Edit():
            return replace(task, image=find(task.image, "picture to start from"))
