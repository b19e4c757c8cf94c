"""What LoRAs hold, LoRAs baked into checkpoints, LoRAs drawn out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import console, options
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.run import run_lora_job as baked
from sdcli.library.find import LORA, find_adapter, find_checkpoint
from sdcli.planning.lora_jobs import plan_extraction, plan_merge
from sdcli.show.fact_sheet import fact_lines, fact_record
from sdcli.show.lora import lora_facts
from sdcli.weights.checkpoint import identify_checkpoint
from sdcli.weights.read_header import read_header

app = typer.Typer(
    name="lora",
    help="LoRAs: what they hold; baked into a model, drawn out.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

File = Annotated[str, typer.Argument(metavar="FILE", help="The LoRA, by its path or name.")]
Against = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME or FILE",
        show_default=False,
        help="How much fits this model.",
    ),
]
New = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="The new .safetensors file.")
]
Tuned = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME or FILE", help="The fine-tuned checkpoint.")
]
Base = Annotated[
    str, typer.Option("--base", metavar="NAME or FILE", help="The checkpoint it began as.")
]
Rank = Annotated[
    int, typer.Option("--rank", min=1, max=4096, metavar="N", help="How fine: 16 to 128 is usual.")
]


@app.callback()
def lora(context: typer.Context) -> None:
    """LoRAs: what they hold; baked into a model, drawn out."""
    if context.invoked_subcommand is None:
        console.print_result(context.get_help())


@app.command()
def show(file: File, model: Against = None, json: options.Json = False) -> None:
    """Show what a LoRA holds, and what of it fits a model.

    Its kind, family, rank and words.
    """
    facts = lora_facts(
        read_header(find_adapter(file, LORA)),
        None if model is None else identify_checkpoint(find_checkpoint(model)),
    )
    if json:
        console.print_record(fact_record(facts))
        return
    for line in fact_lines(facts):
        console.print_result(console.escape_controls(line))


@app.command()
def merge(
    loras: options.Loras,
    out: New,
    model: options.Model = None,
    lora_partial: options.LoraPartial = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Bake LoRAs into a checkpoint. It keeps its layout and its types."""
    job = plan_merge(model, loras or (), out, partial=lora_partial, force=force)
    baked(job, OutputMode(quiet=quiet))


@app.command()
def extract(
    model: Tuned,
    base: Base,
    out: New,
    rank: Rank = 32,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw out of a fine-tuned checkpoint its LoRA."""
    baked(plan_extraction(model, base, rank, out, force=force), OutputMode(quiet=quiet))
