"""Workers as actors of a Ray cluster: an existing one, or one of this machine for the run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import Any

from sdcli.batch.draw_shard import ShardDrawer
from sdcli.batch.messages import Broken, Died, Message, Noted, Ready, ShardTask, WorkerSettings
from sdcli.environment import silence_ray
from sdcli.errors import BadRequest, SdcliError
from sdcli.library.extras import import_extra
from sdcli.library.open_file import is_folder

ROOM = 60.0  # seconds after which it is said that a worker is still not there
STORE = 100_000_000  # bytes of Ray's own store: pictures do not go through it


class RayPlace:
    """Starts workers as actors: whoever is lost with its machine is started again on another."""

    def __init__(
        self, settings: WorkerSettings, address: str | None, gpus: float | None, cpus: int
    ) -> None:
        silence_ray()
        self._ray = import_extra("ray", "ray", "`--on ray`")
        self._settings, self._cpus = settings, cpus
        self._connect(address)
        known = self._ray.cluster_resources()
        self._gpus = (1.0 if known.get("GPU") else 0.0) if gpus is None else gpus
        if self._gpus and known.get("GPU", 0) < min(self._gpus, 1):
            self.close()
            raise BadRequest(
                "the cluster has no GPU for `--gpus-per-worker`", hint="leave it away, or say 0"
            )

    def _connect(self, address: str | None) -> None:
        words: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address is None:
            words |= {"include_dashboard": False, "object_store_memory": STORE}
        try:
            self._ray.init(address=address or "local", **words)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = str(error).strip().split("\n", 1)[0]
            raise SdcliError(
                f"no Ray cluster answers at `{address or 'this machine'}`: {first}",
                hint="`ray start --head` begins one; `--on ray=HOST:6379` names it",
            ) from None

    def workers_that_fit(self) -> int:
        """How many workers the cluster has room for."""
        known = self._ray.cluster_resources()
        if self._gpus:
            return max(1, int(known.get("GPU", 0) / self._gpus))
        return max(1, int(known.get("CPU", 1) / self._cpus))

    def start(self, number: int, tell: Callable[[int, Message], None]) -> RayWorker:
        """An actor; `tell` is called with its number and what it says, from another thread."""
        actor = self._ray.remote(ShardActor).options(
            num_cpus=0 if self._gpus else self._cpus,
            num_gpus=self._gpus,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )
        return RayWorker(self._ray, actor.remote(self._settings, Path.cwd()), number, tell)

    def close(self) -> None:
        """Leave the cluster, which ends where it was started for the run."""
        self._ray.shutdown()


class RayWorker:
    """One actor as the process that started it sees it."""

    def __init__(
        self, ray: Any, actor: Any, number: int, tell: Callable[[int, Message], None]
    ) -> None:
        self._ray, self._actor, self._number, self._tell_all = ray, actor, number, tell
        self._tasks: Queue[ShardTask | None] = Queue()
        threading.Thread(target=self._follow, daemon=True).start()

    def give(self, task: ShardTask) -> None:
        """Have a shard drawn."""
        self._tasks.put(task)

    def stop(self) -> None:
        """End it at once."""
        self._tasks.put(None)
        with suppress(Exception):  # it may be gone, and the cluster with it
            self._ray.kill(self._actor, no_restart=True)

    def _tell(self, message: Message) -> None:
        self._tell_all(self._number, message)

    def _follow(self) -> None:
        """Hand tasks on and tell what comes of them, until the actor is no more."""
        try:
            self._tell(self._wait_until_ready())
            while (task := self._tasks.get()) is not None:
                for reference in self._actor.draw.remote(task):
                    self._tell(self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            self._tell(Broken(f"a worker failed: {error.cause}", "this is a fault of sdcli"))
        except Exception as error:  # noqa: BLE001 - whatever Ray calls it, the actor is lost
            self._tell(Died(f"was lost ({type(error).__name__})"))

    def _wait_until_ready(self) -> Message:
        ready, began, said = self._actor.ready.remote(), time.monotonic(), False
        while True:
            try:
                return self._ray.get(ready, timeout=1.0)
            except self._ray.exceptions.GetTimeoutError:
                if not said and time.monotonic() - began > ROOM:
                    said = True
                    self._tell(
                        Noted(
                            f"worker {self._number} is not there yet: is there room in the cluster?"
                        )
                    )


class ShardActor:
    """The actor itself: a worker on some machine of the cluster."""

    def __init__(self, settings: WorkerSettings, folder: Path) -> None:
        if is_folder(folder):  # the same here as where the command was given
            os.chdir(folder)
        self._messages: Queue[Message | None] = Queue()
        self._failure: Message | None = None
        try:
            self._drawer = ShardDrawer(settings, self._messages.put)
        except SdcliError as error:
            self._failure = Broken(error.fact, error.hint)

    def ready(self) -> Message:
        """Whether it can draw, and where."""
        return self._failure or Ready(where_am_i(), os.getpid())

    def draw(self, task: ShardTask) -> Iterator[Message]:
        """Draw a shard; what happens is told as it happens."""
        thread = threading.Thread(target=self._draw, args=(task,), daemon=True)
        thread.start()
        while (message := self._messages.get()) is not None:
            yield message
        thread.join()

    def _draw(self, task: ShardTask) -> None:
        try:
            self._drawer.draw(task)
        except Exception as error:  # noqa: BLE001 - told, and the run ends
            fault = f"{type(error).__name__}: {error}"
            self._messages.put(Broken(fault, "this is a fault of sdcli"))
        finally:
            self._messages.put(None)


def where_am_i() -> str:
    """The machine of an actor, and its GPUs."""
    import ray  # pyright: ignore[reportMissingImports]  # there wherever an actor is

    context: Any = ray.get_runtime_context()
    gpus = ", ".join(map(str, context.get_accelerator_ids().get("GPU", [])))
    node = str(context.get_node_id())[:6]
    return f"node {node}" + (f", GPU {gpus}" if gpus else "")
