"""A batch cut into shards: so many pictures each, named by their content, in an order that spares models.

A shard can be drawn by any process, alone, and drawn again: the same names, the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sdcli.batch.job_file import BatchJob
from sdcli.errors import BadRequest
from sdcli.options.table import OPTIONS, default_of
from sdcli.prompts.choices.choose import count_pictures
from sdcli.prompts.syntax import SYNTAXES
from sdcli.request import Request

LARGEST_SHARD = 1_000  # pictures, where nobody says how many shards there are
USUAL_SHARDS = 32  # at least so many, of more than a few pictures
SMALLEST_SHARD = 8
_OF_EACH_PICTURE = {"prompt", "negative", "seed", "variation-seed", "count"}


@dataclass(frozen=True)
class Sample:
    """One picture of a job: what it is called wherever it is kept, and what it asks for."""

    key: str
    line: int
    index: int  # which picture of its job
    request: Request


@dataclass(frozen=True)
class Shard:
    """So many pictures that are drawn, written and done again together."""

    number: int  # from 0
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """What its files are called."""
        return shard_name(self.number)


@dataclass(frozen=True)
class Part:
    """`--shard 2/4`: the second of four equal parts of the shards."""

    number: int  # from 1
    of: int

    def take(self, shards: Sequence[Shard]) -> Sequence[Shard]:
        """This part of the shards."""
        return shards[
            (self.number - 1) * len(shards) // self.of : self.number * len(shards) // self.of
        ]


def shard_name(number: int) -> str:
    """What the files of a shard are called."""
    return f"{number:05d}"


def read_part(text: str) -> Part:
    """`2/4` as a part."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
    if match is None:
        raise BadRequest(f"`--shard {text}` names no part", hint="the second of four is `2/4`")
    part = Part(int(match[1]), int(match[2]))
    if not 1 <= part.number <= part.of:
        raise BadRequest(
            f"`--shard {text}`: there is no such part",
            hint=f"the parts are 1/{part.of} to {part.of}/{part.of}",
        )
    return part


def list_samples(jobs: Iterable[BatchJob]) -> list[Sample]:
    """Every picture of the jobs: those of one model in a row, within them those that can be drawn
    together, else in the order of the jobs."""
    all_jobs = list(jobs)
    models = {_model_of(job.request): k for k, job in reversed([*enumerate(all_jobs)])}
    groups = {together_key(job.request): k for k, job in reversed([*enumerate(all_jobs)])}
    ordered = sorted(
        all_jobs,
        key=lambda job: (models[_model_of(job.request)], groups[together_key(job.request)]),
    )
    return [sample for job in ordered for sample in _samples_of(job)]


def _samples_of(job: BatchJob) -> list[Sample]:
    count = count_pictures(job.request)
    if count == 1:
        return [Sample(job.name, job.line, 0, job.request)]
    digits = len(str(count - 1))
    return [
        Sample(f"{job.name}-{index:0{digits}d}", job.line, index, job.request)
        for index in range(count)
    ]


def _model_of(request: Request) -> Hashable:
    """What decides which weights are in memory."""
    return request.model, request.vae, request.device, request.dtype, request.backend


def together_key(request: Request) -> Hashable:
    """What requests must share for their pictures to be drawn in one batch: all that is set of them
    but the words, which may name other LoRAs, and the seeds."""
    syntax = SYNTAXES[request.syntax or default_of("prompt-syntax")]
    _, tagged = syntax.extract_tags(request.prompt)
    rest: list[Any] = [
        option.value_in(request) for name, option in OPTIONS.items() if name not in _OF_EACH_PICTURE
    ]
    return tagged, *map(str, rest), str(request.task)


def count_shards(pictures: int, workers: int) -> int:
    """How many shards there are where nobody says: enough for every worker to have several, none too
    large to be drawn again."""
    size = min(LARGEST_SHARD, max(SMALLEST_SHARD, pictures // USUAL_SHARDS))
    size = max(1, min(size, pictures // (4 * workers)))
    return max(1, -(-pictures // size))


def cut_into_shards(samples: Sequence[Sample], shards: int) -> list[Shard]:
    """The pictures in so many shards, as equal as can be."""
    ends = [number * len(samples) // shards for number in range(shards + 1)]
    return [
        Shard(number, tuple(samples[begin:end]))
        for number, (begin, end) in enumerate(zip(ends, ends[1:], strict=False))
    ]
