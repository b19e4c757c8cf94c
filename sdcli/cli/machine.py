"""What there is and what this machine can do: schedulers, models, doctor."""

from __future__ import annotations

from sdcli import console, store
from sdcli.cli import options, perform
from sdcli.schedulers import SOLVERS, names


def schedulers(json: options.Json = False) -> None:
    """The schedulers: what each is good for, what a step costs, other programs' names for it."""
    heads = ("name", "evaluations", "deterministic", "eta", "about", "also")
    rows = [
        (
            row.name,
            row.evaluations,
            not row.rolls,
            "-" if row.eta is None else row.eta,
            row.about,
            names(row),
        )
        for row in SOLVERS.values()
    ]
    console.listing(heads, rows, as_json=json)


def models(json: options.Json = False) -> None:
    """The models at hand: the built-in one and those in the folder of models."""
    console.listing(store.HEADS, store.listed(), as_json=json)
    console.Conversation(quiet=json).note(f"models are looked for in {store.folder()}")


def doctor(json: options.Json = False) -> None:
    """What this machine draws with, and what is in its way."""
    console.listing(("what", "found"), perform.examined(), as_json=json)
