"""An assistant's door: tools that draw and look, over the Model Context Protocol on stdin and stdout.

The drawing is done by the resident process. Pictures are named as they lie in the folders that the
command was told; nothing else is opened, and new ones are only ever added.
"""

from __future__ import annotations

import asyncio
import base64
import json
import traceback
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from sdcli import __version__
from sdcli.errors import BadRequest, SdcliError
from sdcli.events import SilentListener, Step
from sdcli.server.http.settings import ServeSettings
from sdcli.server.http.worker import Stopper, Worker
from sdcli.server.mcp_door.drawer import Drawer, Shown
from sdcli.server.mcp_door.tools import TOOLS
from sdcli.server.pictures import PictureFolders

INSTRUCTIONS = (
    "Draws pictures with Stable Diffusion on this machine. Each picture is saved as a file that carries"
    " how it was drawn; tools name pictures by their file's name. Drawing takes seconds to minutes."
)
Context = ServerRequestContext[Any]
T = TypeVar("T")


def serve(settings: ServeSettings, folders: PictureFolders) -> int:
    """Answer until the client closes the pipe; the exit code."""
    worker = Worker()
    try:
        asyncio.run(_Door(Drawer(settings, folders, worker)).run())
    finally:
        worker.close()
    return 0


class _Door:
    """The tools as the protocol has them: one drawing at a time."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer
        self._turn = asyncio.Lock()
        self._server: Server[Any] = Server(
            "sdcli",
            version=__version__,
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )

    async def run(self) -> None:
        """Answer what comes."""
        async with stdio_server() as (read, write):
            await self._server.run(read, write, self._server.create_initialization_options())

    async def _list_tools(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=tool.schema(),
                annotations=types.ToolAnnotations(
                    read_only_hint=not tool.draws, destructive_hint=False, open_world_hint=False
                ),
            )
            for tool in TOOLS.values()
        ])  # fmt: skip

    async def _call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        stopper = Stopper()
        listener = _Progress(context, asyncio.get_running_loop())
        try:
            tool = TOOLS.get(params.name)
            if tool is None:
                raise BadRequest(
                    f"no tool is called `{params.name[:60]}`", hint=f"there is {', '.join(TOOLS)}"
                )
            async with self._turn:
                work = asyncio.to_thread(
                    tool.use, self._drawer, params.arguments or {}, listener, stopper
                )
                return _answer(await _until_done(work, stopper))
        except SdcliError as error:
            return _refusal(error)
        except Exception:  # noqa: BLE001 - a fault of the program must not end the assistant's session
            traceback.print_exc()  # on stderr, which the client keeps as a log
            return _refusal(SdcliError("this failed by a fault of the program", hint="see its log"))


class _Progress(SilentListener):
    """Tells a client that wants to know how far a drawing is."""

    def __init__(self, context: Context, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    def on_step(self, step: Step) -> None:
        """A denoising step was taken."""
        done = step.picture_index * step.of + step.batch * (step.index + 1)
        of = step.picture_count * step.of
        text = f"picture {step.picture_index + 1} of {step.picture_count}"
        told = self._context.session.report_progress(done, of, text)
        asyncio.run_coroutine_threadsafe(told, self._loop)


async def _until_done(work: Coroutine[Any, Any, T], stopper: Stopper) -> T:
    """What the work gives. A call that the client takes back stops what is drawn for it, and ends when
    that has: the next drawing needs the same worker."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stopper.stop()
        with anyio.CancelScope(shield=True):
            await asyncio.wait((task,))
            task.exception()
        raise


def _answer(shown: Shown) -> types.CallToolResult:
    """A short text of facts, and the pictures."""
    content: list[types.ContentBlock] = [
        types.TextContent(text=json.dumps(shown.facts, ensure_ascii=False, indent=1))
    ]
    for jpeg in shown.pictures:
        data = base64.b64encode(jpeg).decode()
        content.append(types.ImageContent(data=data, mime_type="image/jpeg"))
    return types.CallToolResult(content=content, structured_content=dict(shown.facts))


def _refusal(error: SdcliError) -> types.CallToolResult:
    """A fact and a hint, by which an assistant can do better."""
    text = f"{error.fact}\nhint: {error.hint}" if error.hint else error.fact
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
