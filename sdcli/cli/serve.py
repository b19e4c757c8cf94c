"""`sdcli serve`: pictures for programs and pages, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
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

NEEDED_BY_MCP = ("mcp",)
NEEDED = ("fastapi", "uvicorn", "python_multipart")
OF_HTTP = ("host", "port", "api_key_file", "allow_host", "allow_origin", "queue")
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
Mcp = Annotated[
    bool,
    typer.Option(
        "--mcp", help="Serve one assistant over stdin and stdout (MCP) instead, as its tools."
    ),
]
Pictures = Annotated[
    list[Path] | None,
    typer.Option(
        "--pictures",
        metavar="FOLDER",
        parser=FilePath(),
        help="With --mcp: a folder whose pictures may be seen, too (repeat).",
    ),
]


def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = USUAL_PORT,
    model: Model = None,
    api_key_file: KeyFile = None,
    allow_host: AllowHost = None,
    allow_origin: AllowOrigin = None,
    queue: Queue = 16,
    out: Out = None,
    mcp: Mcp = False,
    pictures: Pictures = None,
    quiet: Quiet = False,
) -> None:
    """Draw for other programs: OpenAI's image API, A1111's, and jobs of our own.

    It listens on this machine alone, unless `--host` says otherwise. In a browser it is a page.
    """
    if mcp:
        _check_flags(context, OF_HTTP, "with `--mcp` nothing listens on the network")
        raise typer.Exit(_serve_assistant(model, out, pictures or []))
    _check_flags(context, ("pictures",), "it is for `--mcp`")
    _check_installed(NEEDED, "serve")
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


def _serve_assistant(model: str | None, out: str | None, pictures: Sequence[Path]) -> int:
    """Be the tools of one assistant; the exit code."""
    _check_installed(NEEDED_BY_MCP, "mcp")
    from sdcli.server.http import start
    from sdcli.server.mcp_door import serve as assistant
    from sdcli.server.pictures import PictureFolders, check_folder, output_folder

    wanted = start.Wanted(host="localhost", model=model or read_environment().model, out=out)
    folders = PictureFolders((output_folder(out), *map(check_folder, pictures)))
    return assistant.serve(start.make_settings(wanted), folders)


def _check_flags(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse what would be said for nothing."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise BadRequest(f"`--{name.replace('_', '-')}`: {why}", hint="leave it away")


def _check_installed(needed: Sequence[str], extra: str) -> None:
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise BadRequest(
            f"this needs what is not installed: {', '.join(missing)}",
            hint=f'pip install "sdcli[{extra}]"',
        )
    if not has_unix_sockets():
        raise BadRequest(
            "`sdcli serve` needs Unix sockets, which this system does not have",
            hint="serve from Linux or macOS; in Windows, from WSL",
        )
