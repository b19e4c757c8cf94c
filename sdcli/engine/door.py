"""The one way into the engine for everything outside it: typed, and without torch until it is used.

Importing this module costs nothing. Each function imports what it needs when it is called; the first
one that is called takes some seconds, which `preload` can spend beside something else.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from sdcli.events import Listener
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.lora_jobs import Extraction, Merge

if TYPE_CHECKING:
    from sdcli.engine.session import Session
    from sdcli.engine.upscaler import LoadedUpscaler
    from sdcli.measures.benchmark import BenchmarkLike
    from sdcli.measures.judges import JudgeLike, Judges
    from sdcli.trace_result import TraceFocus, TraceResult
    from sdcli.training.plan import TrainingPlan
    from sdcli.training.trainer_like import TrainerLike


class SessionLike(Protocol):
    """Where plans are drawn: this process, or any other place that takes a plan and gives pictures.

    Whoever calls it plans before and saves after, so the pictures are the same wherever it is.
    """

    def run(self, plan: Plan, listener: Listener) -> Iterator[Picture]:
        """The plan's pictures in the order of their seeds, each as soon as it is finished."""
        ...

    def close(self) -> None:
        """Give back what is held: models in memory, a connection."""
        ...

    def __enter__(self) -> Self:
        """The session, closed when the block ends."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        ...


class WorkerSession(Protocol):
    """Where a worker of a batch draws."""

    def run_together(
        self, plans: Sequence[Plan], batch: int, listener: Listener
    ) -> Iterator[Picture]:
        """The one picture of each plan, in their order, those drawn together that can be."""
        ...


def preload() -> None:
    """Begin importing torch in another thread, and return at once."""
    threading.Thread(target=_import_engine, daemon=True).start()


def _import_engine() -> None:
    # Always this module first: two threads that import torch's libraries from two ends can each find
    # the other's half made.
    import_module("sdcli.engine.session")


def open_session() -> SessionLike:
    """A session in this process. It keeps the last model in memory."""
    _import_engine()
    from sdcli.engine.session import Session

    return Session()


def open_worker_session(threads: int) -> WorkerSession:
    """A session in this process that leaves other processes their share of the CPU."""
    _import_engine()
    from sdcli.engine.device import limit_threads
    from sdcli.engine.session import Session

    limit_threads(threads)
    return Session()


def count_gpus() -> int:
    """How many GPUs torch finds."""
    from sdcli.engine.device import count_gpus

    return count_gpus()


def open_shared_session() -> Session:
    """A session in this process for many callers, which keeps as many models as half the memory holds."""
    _import_engine()
    from sdcli.engine.session import Session

    return Session(keep_several=True)


def open_benchmark(plan: Plan, listener: Listener, session: Session | None = None) -> BenchmarkLike:
    """The plan's model and prompt, loaded once, on which schedulers are measured."""
    _import_engine()
    from sdcli.engine.benchmark import Benchmark

    return Benchmark(plan, listener, session)


def record_trace(
    plan: Plan, listener: Listener, focus: TraceFocus, session: Session | None = None
) -> TraceResult:
    """The plan's picture, or the one it starts from on its way into the noise, and what was seen."""
    _import_engine()
    from sdcli.engine import trace

    return trace.record_trace(plan, listener, focus, session)


def write_lora_job(job: Merge | Extraction, listener: Listener) -> None:
    """Write the file that a merge or an extraction makes."""
    _import_engine()
    from sdcli.engine.lora_extract import extract_lora
    from sdcli.engine.lora_merge import merge_loras

    listener.on_stage(f"writing {job.out.name}")
    if isinstance(job, Merge):
        merge_loras(job, listener)
    else:
        extract_lora(job, listener)


def open_judges(judges: Judges, asked: Collection[str], device: str = "auto") -> JudgeLike:
    """The judges that are `asked`, loaded and ready to look at pictures."""
    _import_engine()
    from sdcli.engine.judges import LoadedJudges

    return LoadedJudges(judges, asked, device)


def open_upscaler(path: Path, device: str, listener: Listener) -> LoadedUpscaler:
    """The upscaler in a file, loaded and ready to enlarge pictures."""
    _import_engine()
    from sdcli.engine.upscaler import LoadedUpscaler

    listener.on_stage(f"loading {path.name}")
    return LoadedUpscaler(path, device, listener=listener)


def open_trainer(plan: TrainingPlan, listener: Listener) -> TrainerLike:
    """The training of a plan, its model loaded and its pictures encoded, before its first step."""
    _import_engine()
    from sdcli.engine.training.trainer import Trainer

    return Trainer(plan, listener)


def report_device() -> dict[str, str]:
    """What torch finds on this machine: device, dtype, versions, by name."""
    from sdcli.engine.device import device_report

    return device_report()
