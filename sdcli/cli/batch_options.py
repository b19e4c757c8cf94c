"""What `sdcli batch` can be told of how many draw, and of what comes out."""

from __future__ import annotations

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
AUTO = "auto"


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
