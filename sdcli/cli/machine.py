"""What there is and what this machine can do: schedulers, models, doctor."""

from __future__ import annotations

from sdcli import console, store
from sdcli.cli import options, perform
from sdcli.schedulers import SOLVERS, SPACINGS


def schedulers(json: options.Json = False) -> None:
    """The schedulers: what each is good for, what a step costs, other programs' names for it."""
    console.listing(
        ("name", "evaluations", "eta", "about", "also called"),
        [
            (row.name, row.evaluations, "-" if row.eta is None else row.eta, row.about, row.names)
            for row in SOLVERS.values()
        ],
        as_json=json,
    )
    if not json:
        console.result("")
    console.listing(
        ("spacing", "about", "not with"),
        [(name, about, without(name)) for name, about in SPACINGS.items()],
        as_json=json,
    )
    console.Conversation(quiet=json).note("a solver over a spacing: `--scheduler euler-karras`")


def without(spacing: str) -> tuple[str, ...]:
    """The solvers that do not take a spacing."""
    return tuple(row.name for row in SOLVERS.values() if spacing not in row.spacings)


def models(json: options.Json = False) -> None:
    """The models at hand: the built-in one and those in the folder of models."""
    console.listing(store.HEADS, store.listed(), as_json=json)
    console.Conversation(quiet=json).note(f"models are looked for in {store.folder()}")


def doctor(json: options.Json = False) -> None:
    """What this machine draws with, and what is in its way."""
    console.listing(("what", "found"), perform.examined(), as_json=json)
