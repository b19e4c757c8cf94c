"""`sdcli warm`: the process that keeps models in memory between commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sdcli.cli import console
from sdcli.cli.options import Json
from sdcli.errors import BadRequest, SdcliError
from sdcli.options.parse import Stay
from sdcli.server import warm as resident
from sdcli.server.socket_place import has_unix_sockets
from sdcli.text import duration

app = typer.Typer(
    name="warm",
    help="A process that keeps models in memory, so that the next command is quick.",
    no_args_is_help=True,
)

For = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="TIME",
        parser=Stay(),
        help="How long it stays after its last use: 90s, 10m, 2h.",
        show_default="5m",
    ),
]


@app.command()
def start(stay: For = None) -> None:
    """Start it, unless it is there."""
    _need_sockets()
    seconds = resident.USUAL_STAY if stay is None else float(stay)
    resident.open_resident(seconds, console.Console()).close()
    status = resident.ask_status() or {}
    console.print_result(f"process {status.get('pid')}, for {duration(seconds)} after its last use")


@app.command()
def status(json: Json = False) -> None:
    """What it holds, and how long it will stay."""
    _need_sockets()
    facts = resident.ask_status()
    if facts is None:
        raise SdcliError("no warm process is there", hint="`sdcli warm start` starts one")
    del facts["is"]
    rows = [
        ("process", str(facts["pid"])),
        ("pictures", f"{facts['drawn']} drawn, {facts['waiting']} waiting"),
        ("models", ", ".join(facts["models"]) or "none"),
        ("memory", f"{facts['memory'] / 1e9:.2f} GB"),
        ("up for", duration(facts["up"])),
        ("stays", f"{duration(facts['left'])} more, unless it is used"),
    ]
    console.print_facts(facts, rows, as_json=json)


@app.command()
def stop() -> None:
    """End it, when what it draws is done."""
    _need_sockets()
    pid = resident.stop_process()
    if pid is None:
        raise SdcliError("no warm process is there", hint="nothing is to be stopped")
    console.print_result(f"process {pid} ends")


def _need_sockets() -> None:
    if not has_unix_sockets():
        raise BadRequest(
            "a warm process needs Unix sockets, which this system does not have",
            hint="every command loads its model itself here",
        )
