"""Train a LoRA, or a word, from a folder of pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import console
from sdcli.cli.run_training import show_training, train_plan
from sdcli.cli.training_options import TrainingFlags, spread_training_options
from sdcli.library.find import find_adapter
from sdcli.training.options import EMBEDDING, LORA
from sdcli.training.plan import TrainingRequest, plan_training
from sdcli.training.settings_of_file import settings_of_file

app = typer.Typer(
    name="train",
    help="A LoRA or a word from a folder of pictures.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        help="Pictures, their words in `.txt` files beside them, in `metadata.jsonl`, or in the"
        " names of folders like `10_sks fox`.",
    ),
]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="The new .safetensors file.")
]
WordOut = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", show_default="WORD.safetensors", help="The new file."
    ),
]
Word = Annotated[str, typer.Option("--word", metavar="WORD", help="The new word.")]
Regularisation = Annotated[
    Path | None,
    typer.Option(
        "--regularisation",
        metavar="FOLDER",
        show_default=False,
        help="Pictures of what should stay as it is, such as other foxes.",
    ),
]
Samples = Annotated[
    list[str] | None,
    typer.Option(
        "--sample",
        metavar="PROMPT",
        show_default=False,
        help="Draw this with each file that is saved (repeat for more).",
    ),
]
Like = Annotated[
    str | None,
    typer.Option(
        "--like", metavar="FILE", show_default=False, help="Settings from a trained file."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where a training of this file was interrupted.")
]


@app.callback()
def train(context: typer.Context) -> None:
    """A LoRA or a word from a folder of pictures."""
    if context.invoked_subcommand is None:
        console.print_result(context.get_help())


@app.command("lora")
@spread_training_options(LORA)
def lora(
    flags: TrainingFlags,
    folder: Folder,
    out: Out,
    regularisation: Regularisation = None,
    sample: Samples = None,
    like: Like = None,
    resume: Resume = False,
) -> None:
    """Train a LoRA from a folder of pictures.

    Ctrl-C saves what is learnt so far.
    """
    request = _request(LORA, flags, folder, out, regularisation, sample, resume=resume)
    _train(request, like, flags, resume=resume)


@app.command("embedding")
@spread_training_options(EMBEDDING)
def embedding(
    flags: TrainingFlags,
    folder: Folder,
    word: Word,
    out: WordOut = None,
    regularisation: Regularisation = None,
    sample: Samples = None,
    like: Like = None,
    resume: Resume = False,
) -> None:
    """Train a word (textual inversion) from a folder of pictures.

    Ctrl-C saves what is learnt so far.
    """
    request = _request(EMBEDDING, flags, folder, out, regularisation, sample, resume=resume)
    _train(replace(request, word=word), like, flags, resume=resume)


def _request(
    kind: str,
    flags: TrainingFlags,
    folder: Path,
    out: Path | None,
    regularisation: Path | None,
    samples: list[str] | None,
    *,
    resume: bool,
) -> TrainingRequest:
    return TrainingRequest(
        kind,
        folder,
        out,
        flags.request(),
        flags.values,
        regularisation=regularisation,
        samples=tuple(samples or ()),
        force=flags.force or resume,
    )


def _train(
    request: TrainingRequest, like: str | None, flags: TrainingFlags, *, resume: bool
) -> None:
    if like is not None:
        found = settings_of_file(find_adapter(like), request.kind)
        request = replace(request, values={**found, **request.values})
    plan = plan_training(request)
    if flags.mode.dry_run:
        show_training(plan, flags.mode)
    else:
        train_plan(plan, flags.mode, resume=resume)
