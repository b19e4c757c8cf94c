"""A worker in a process of its own on this machine, and the place where such workers are started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from queue import Queue

from sdcli.batch.draw_shard import ShardDrawer
from sdcli.batch.messages import Broken, Died, Message, Ready, ShardTask, WorkerSettings
from sdcli.environment import all_variables, become, use_gpu
from sdcli.errors import SdcliError

Context = ForkServerContext | SpawnContext
PATIENCE = 5.0  # seconds for a process that hung up to be gone


@dataclass(frozen=True)
class ProcessHome:
    """What a worker has from whoever starts it: one that is forked has another's."""

    folder: Path
    variables: Mapping[str, str]
    gpu: str | None

    def move_in(self) -> None:
        """Let this process have it."""
        os.chdir(self.folder)
        become(self.variables)
        if self.gpu is not None:
            use_gpu(self.gpu)


class ProcessPlace:
    """Starts workers on this machine, each on its own GPU where there are any.

    On a CPU they are forked from one process that has imported torch, so that another is there at
    once; a GPU is not to be had after a fork.
    """

    def __init__(
        self, settings: WorkerSettings, gpus: Sequence[str], preload: Sequence[str]
    ) -> None:
        self._settings, self._gpus = settings, gpus
        forks = not gpus and "forkserver" in multiprocessing.get_all_start_methods()
        self._context = _forking(preload) if forks else multiprocessing.get_context("spawn")

    def start(self, number: int, tell: Callable[[int, Message], None]) -> WorkerProcess:
        """A worker; `tell` is called with its number and what it says, from another thread."""
        gpu = self._gpus[number % len(self._gpus)] if self._gpus else None
        home = ProcessHome(Path.cwd(), all_variables(), gpu)
        return WorkerProcess(self._context, number, self._settings, home, tell)

    def close(self) -> None:
        """Nothing is left but the workers, which are stopped one by one."""


def _forking(preload: Sequence[str]) -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*preload])
    return context


class WorkerProcess:
    """One worker as the process that started it sees it."""

    def __init__(
        self,
        context: Context,
        number: int,
        settings: WorkerSettings,
        home: ProcessHome,
        tell: Callable[[int, Message], None],
    ) -> None:
        self.number, self._tell = number, tell
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, settings, home), daemon=True)
        self._process.start()
        theirs.close()
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, task: ShardTask) -> None:
        """Have a shard drawn. Whoever is dead says so elsewhere."""
        with suppress(OSError):
            self._ours.send(task)

    def stop(self) -> None:
        """End it at once: what it finished is kept, whenever that is."""
        self._process.kill()
        self._process.join(PATIENCE)

    def _listen(self) -> None:
        while True:
            try:
                message = self._ours.recv()
            except (EOFError, OSError):
                break
            self._tell(self.number, message)
        self._process.join(PATIENCE)
        self._tell(self.number, Died(_describe_end(self._process.exitcode)))


def _describe_end(code: int | None) -> str:
    if code is None:
        return "hung up"
    if code >= 0:
        return f"ended with code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def work(connection: Connection, settings: WorkerSettings, home: ProcessHome) -> None:
    """The worker's own process: shard after shard, until whoever started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to everybody; the first one decides
    home.move_in()
    tasks: Queue[ShardTask] = Queue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    try:
        drawer = ShardDrawer(settings, connection.send)
        connection.send(Ready("" if home.gpu is None else f"GPU {home.gpu}", os.getpid()))
        while True:
            drawer.draw(tasks.get())
    except SdcliError as error:
        connection.send(Broken(error.fact, error.hint))
    except OSError:  # nobody listens any more
        os._exit(1)


def _receive(connection: Connection, tasks: Queue[ShardTask]) -> None:
    """Take what comes; without anybody who gives tasks there is nothing to live for."""
    while True:
        try:
            tasks.put(connection.recv())
        except (EOFError, OSError):
            os._exit(1)
