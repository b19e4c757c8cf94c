"""`sdcli serve`: pictures for programs and pages, over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sdcli.cli import console
from sdcli.cli.options import Model, Quiet
from sdcli.environment import read_environment
from sdcli.errors import BadRequest
from sdcli.options.parse import FilePath
from sdcli.server.socket_place import has_unix_sockets

NEEDED = ("fastapi", "uvicorn", "python_multipart")
USUAL_PORT = 7860  # where clients of A1111's API look first

Host = Annotated[
    str,
    typer.Option(
        "--host", metavar="ADDRESS", help="Where to listen. Others than this machine need a key."
    ),
]
Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65_535, help="0 is any that is free.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        parser=FilePath(),
        help="Let in only those who send the key in this file.",
        show_default="$SDCLI_API_KEY, else none",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", metavar="NAME", help="Another name that it may be called by (repeat)."
    ),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin", metavar="URL", help="A web page's origin that may ask, too (repeat)."
    ),
]
Queue = Annotated[
    int,
    typer.Option("--queue", metavar="N", min=1, max=10_000, help="How many jobs may wait."),
]
Out = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--out",
        metavar="FOLDER",
        help="Where pictures are saved that clients want saved.",
        show_default="outputs/",
    ),
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = USUAL_PORT,
    model: Model = None,
    api_key_file: KeyFile = None,
    allow_host: AllowHost = None,
    allow_origin: AllowOrigin = None,
    queue: Queue = 16,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Draw for other programs: OpenAI's image API, A1111's, and jobs of our own.

    It listens on this machine alone, unless `--host` says otherwise.
    """
    _check_installed()
    from sdcli.server.http import run, start

    settings = start.make_settings(
        start.Wanted(
            host=host,
            model=model or read_environment().model,
            key=start.read_key(api_key_file, read_environment().api_key),
            hosts=tuple(allow_host or ()),
            origins=tuple(allow_origin or ()),
            queue=queue,
            out=out,
        )
    )
    listening = run.bind(host, port)
    console.print_result(run.address_of(listening))
    talk = console.Console(quiet=quiet)
    raise typer.Exit(run.serve(settings, listening, talk.on_note))


def _check_installed() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BadRequest(
            f"`sdcli serve` needs {', '.join(missing)}, which is missing",
            hint='pip install "sdcli[serve]"',
        )
    if not has_unix_sockets():
        raise BadRequest(
            "`sdcli serve` needs Unix sockets, which this system does not have",
            hint="serve from Linux or macOS; in Windows, from WSL",
        )
