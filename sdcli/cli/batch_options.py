"""What `sdcli batch` can be told of how many draw, and of what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from sdcli.batch.output_kinds.table import OUTPUT_KINDS
from sdcli.cli.options import typer_option
from sdcli.errors import BadRequest

JobFile = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help="Prompts or JSON objects, one a line; CSV; Parquet; `-` is stdin, drawn while lines"
        " arrive.",
        show_default=False,
    ),
]
BatchSeed = Annotated[
    int | None,
    typer_option(
        "seed",
        about="The seed of every job whose line names none.",
        default="made from what the job says, so the same whenever it is drawn",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, metavar="N", help="The first N jobs.", show_default=False),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Only jobs of which this holds (repeat): steps>20, model=xl, prompt~fox, line<=100.",
        show_default=False,
    ),
]
Shards = Annotated[
    int | None,
    typer.Option(
        "--shards",
        min=1,
        max=99_999,
        metavar="N",
        help="Cut the batch into N shards, each drawn, written and done again as a whole.",
        show_default="some hundred pictures each",
    ),
]
ShardPart = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Draw the I-th of N equal parts of the shards: for SLURM arrays and the like.",
        show_default=False,
    ),
]
Workers = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="auto|N",
        help="Draw in N processes; `auto` is one for each GPU, or as many as CPU and memory allow.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=1024,
        metavar="N",
        help="CPU threads of each worker; another number may round otherwise.",
        show_default="the cores, divided",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="|".join(OUTPUT_KINDS),
        help="What a shard is written as: "
        + "; ".join(f"{row.name}: {row.about}" for row in OUTPUT_KINDS.values())
        + ".",
        show_default=False,
    ),
]
BatchSize = Annotated[
    int | None,
    typer_option(
        "batch",
        about="How many pictures of different jobs in one call of the U-Net; `auto` is as many as a"
        " GPU's memory holds.",
        default="1, which has the bits of a single command",
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray[=ADDRESS]",
        help="Draw on a Ray cluster: the one at ADDRESS (`auto` is the one of this machine), or one"
        " begun for the run.",
        show_default=False,
    ),
]
GpusEach = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-worker",
        min=0,
        max=64,
        metavar="X",
        help="What part of a GPU each worker on Ray takes; 0 draws on CPUs.",
        show_default="1, where the cluster has any",
    ),
]
ModelsFrom = Annotated[
    str | None,
    typer.Option(
        "--models-from",
        metavar="PATH or URL",
        help="Where models are that a worker's machine lacks: fetched once, by the SHA256SUMS there.",
        show_default=False,
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        "--price",
        min=0,
        metavar="X",
        help="What an hour of one worker costs; `--dry-run` then says what the batch will.",
        show_default=False,
    ),
]
Verify = Annotated[
    str | None,
    typer.Option(
        "--verify",
        metavar="FOLDER",
        help="Draw nothing: check a batch in shards for what is missing, double or damaged.",
        show_default=False,
    ),
]
RedrawSample = Annotated[
    int,
    typer.Option(
        "--sample",
        min=0,
        max=100_000,
        metavar="N",
        help="With --verify: draw N pictures again, and compare.",
    ),
]
AUTO = "auto"


@dataclass(frozen=True)
class ShardFlags:
    """What was said of a batch in shards, as it was said."""

    workers: str | None = None
    shards: int | None = None
    shard: str | None = None
    threads: int | None = None
    together: int | None = None
    to: str | None = None
    on: str | None = None
    gpus_each: float | None = None
    models_from: str | None = None
    price: float | None = None

    @property
    def are_said(self) -> bool:
        """Whether any of it was."""
        return self != ShardFlags()


def read_place(text: str | None) -> tuple[bool, str | None]:
    """Whether it is drawn on Ray, and at which address."""
    if text is None:
        return False, None
    name, _, address = text.partition("=")
    if name.strip().lower() != "ray":
        raise BadRequest(f"`--on {text}` is no place to draw", hint="`ray`, or `ray=ADDRESS`")
    return True, address.strip() or None


def read_workers(text: str | None) -> int | None:
    """How many workers were asked for: 0 is as many as fit, None nobody said."""
    if text is None:
        return None
    if text.strip().lower() == AUTO:
        return 0
    if text.strip().isdigit() and 1 <= int(text) <= 1024:
        return int(text)
    raise BadRequest(f"`--workers {text}` is no number of processes", hint="`auto`, or 1 to 1024")


def need_file(name: str | None) -> str:
    """The job file; BadRequest where none is named."""
    if name is None:
        raise BadRequest("no file of jobs is named", hint="`sdcli batch jobs.txt`; `-` is stdin")
    return name
