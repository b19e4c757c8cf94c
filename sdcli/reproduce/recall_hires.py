"""The second pass of another program's picture: its upscaler found, its words without their tags."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sdcli.errors import SdcliError
from sdcli.images.upscalers import A1111_FILES, UPSCALERS
from sdcli.library.find import find_adapter
from sdcli.prompts.tags import escape_tags, extract_foreign_tags
from sdcli.request import Draw, Lora, Task
from sdcli.weights.upscaler import read_upscaler


def without_second_tags(task: Task, worn: Sequence[Lora], news: list[str]) -> Task:
    """The task with the words alone of its second pass, which wears the LoRAs of the first here."""
    if not isinstance(task, Draw) or not task.hires_prompt:
        return task
    words, tags, _ = extract_foreign_tags(task.hires_prompt)
    if set(tags) != set(worn):
        news.append("its second pass wore other LoRAs than the first, and wears the same here")
    return replace(task, hires_prompt=words, hires_negative=escape_tags(task.hires_negative or ""))


def with_upscaler(task: Task, news: list[str]) -> Task:
    """The task with the file of its second pass's upscaler, which is known by its name alone; by
    Lanczos where that is not here."""
    name = task.hires_upscaler if isinstance(task, Draw) else None
    if name is None or name in UPSCALERS:
        return task
    for known in dict.fromkeys((name, A1111_FILES.get(name, name))):
        with suppress(SdcliError):
            read_upscaler(find_adapter(known))
            news.append(f"its upscaler `{name}` is known by name only")
            return replace(task, hires_upscaler=known)
    news.append(
        f"its upscaler `{name}` is not here, and Lanczos takes its place: "
        "`--set hires-upscaler=FILE` names it"
    )
    return replace(task, hires_upscaler="lanczos")
