"""A server from its socket to its end: what `sdcli serve` calls."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator
from enum import Enum, auto
from queue import SimpleQueue
from types import FrameType

import uvicorn

from sdcli.errors import SdcliError
from sdcli.server.http.app import make_app
from sdcli.server.http.jobs import Jobs
from sdcli.server.http.settings import ServeSettings

MOST_CONNECTIONS = 1_000
LAST_WORDS = 5  # seconds for the last answers to be taken


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens at this address; port 0 is any that is free."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(512)
    except OSError as error:
        raise SdcliError(
            f"nothing can be served at `{host}` port {port}: {error.strerror or error}",
            hint="name another with `--host` and `--port`",
        ) from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The address to call it by."""
    bound, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, str(bound))
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(settings: ServeSettings, listening: socket.socket, note: Callable[[str], object]) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit code. The first one lets the running job be finished,
    a second one ends it (130)."""
    jobs = Jobs(settings, note)
    heard = SimpleQueue[_Heard]()  # what signal handlers may write into
    with _signals_into(heard):
        running = _Running(settings, jobs, listening, heard)
        try:
            if heard.get() == _Heard.ENDED:
                return 1  # by itself, and has said why
            note("stopping: what is drawn is finished, what waits is refused; once more: at once")
            return running.stop(jobs)
        finally:
            jobs.close()


class _Heard(Enum):
    SIGNAL = auto()
    DRAWN = auto()  # the running job has ended
    ENDED = auto()  # the event loop has


@contextlib.contextmanager
def _signals_into(heard: SimpleQueue[_Heard]) -> Generator[None]:
    """Signals that end a process are written down for as long as the block lasts."""

    def note_down(number: int, frame: FrameType | None) -> None:
        heard.put(_Heard.SIGNAL)

    before = {
        number: signal.signal(number, note_down)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) != signal.SIG_IGN  # as a shell has it for what runs behind it
    }
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


class _Running:
    """The event loop, in a thread of its own: the main one hears signals."""

    def __init__(
        self,
        settings: ServeSettings,
        jobs: Jobs,
        listening: socket.socket,
        heard: SimpleQueue[_Heard],
    ) -> None:
        self._server = uvicorn.Server(_config(settings, jobs))
        self._loop = asyncio.new_event_loop()
        self._heard = heard
        self._thread = threading.Thread(target=self._run, args=(listening,))
        self._thread.start()

    def stop(self, jobs: Jobs) -> int:
        """Let the running job be finished, or not; then the answers be taken. The exit code."""
        drawn = asyncio.run_coroutine_threadsafe(jobs.stop(), self._loop)
        drawn.add_done_callback(lambda _: self._heard.put(_Heard.DRAWN))
        code = 130 if self._heard.get() == _Heard.SIGNAL else 0
        if code:
            self._loop.call_soon_threadsafe(jobs.stop_drawing)
        self._server.should_exit = True
        self._thread.join()
        return code

    def _run(self, listening: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._server.serve(sockets=[listening]))
        finally:
            self._heard.put(_Heard.ENDED)


def _config(settings: ServeSettings, jobs: Jobs) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(settings, jobs),
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,  # which would hold what was asked
        log_level="error",
        server_header=False,
        proxy_headers=False,  # nobody's word is taken for who asks
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=LAST_WORDS,
    )
