"""`sdcli batch` in shards: many workers, one conversation."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sdcli.batch.dispatch import Dispatcher, WorkerPlace
from sdcli.batch.job_sources import STDIN
from sdcli.batch.machine import count_cores, find_gpus, size_of, workers_that_fit
from sdcli.batch.messages import Died, Failed, Message, Noted, ShardDone, WorkerSettings
from sdcli.batch.progress import WORKER_COLUMNS, RunCount, message_event
from sdcli.batch.sharded import ShardedBatch
from sdcli.batch.shards import Part
from sdcli.batch.worker_process import ProcessPlace
from sdcli.cli import console
from sdcli.cli.drawing_options import DrawingOptions
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.progress_line import RunView
from sdcli.engine import door
from sdcli.environment import Launch, leave_launch, said_threads
from sdcli.errors import BadRequest, SdcliError
from sdcli.library.find import find_checkpoint
from sdcli.request import Request
from sdcli.studies.judging_wish import JudgingWish
from sdcli.text import count_of, duration

MOST_NOTES = 20  # that are said of a run: every prompt may have one of its own
SAID_EVERY = 60.0  # seconds, where there is no terminal to draw a line on
ENGINE = ("sdcli.engine.session",)  # what workers that are forked find imported


@dataclass(frozen=True)
class WorkersWish:
    """How many workers were asked for, and where."""

    workers: int | None  # 0: as many as fit
    threads: int | None
    launch: Launch | None


@dataclass(frozen=True)
class Crew:
    """Who draws: how many, on which GPUs, with how many threads each."""

    workers: int
    gpus: tuple[str, ...]
    threads: int


def find_crew(wish: WorkersWish, base: Request) -> Crew:
    """The workers of this machine, or this process's share of them where many were started alike."""
    gpus = () if base.device == "cpu" else find_gpus(door.count_gpus)
    here = wish.launch.local_world if wish.launch else 1
    if wish.launch and gpus:
        gpus = (gpus[wish.launch.local_rank % len(gpus)],)
    workers = 1 if wish.workers is None else wish.workers or _as_many_as_fit(gpus, base, here)
    return Crew(workers, gpus, said_threads() or max(1, count_cores() // (workers * here)))


def _as_many_as_fit(gpus: tuple[str, ...], base: Request, here: int) -> int:
    if gpus:
        return len(gpus)
    return max(1, workers_that_fit(size_of(find_checkpoint(base.model))) // here)


def launch_part(part: Part | None, launch: Launch | None) -> Part | None:
    """The part of the shards that is this process's, of those that it was to draw with all others."""
    if launch is None:
        return part
    whole = part or Part(1, 1)
    return Part((whole.number - 1) * launch.world + launch.rank + 1, whole.of * launch.world)


_NOT_IN_SHARDS = {
    "warm": "workers keep their models by themselves",
    "preview": "there are many pictures at once",
    "keep-maps": "a shard holds pictures alone",
    "force": "files are replaced only by the same ones",
}


def check_sharded_options(options: DrawingOptions, file: str, launch: Launch | None) -> None:
    """Refuse what a batch in shards cannot follow."""
    for name, why in _NOT_IN_SHARDS.items():
        if options.values.get(name):
            raise BadRequest(f"a batch in shards takes no `--{name}`: {why}", hint="leave it away")
    if launch and file == STDIN:
        raise BadRequest(
            "only one of the processes that were started alike has a stdin", hint="name a file"
        )


def draw_sharded(batch: ShardedBatch, place: WorkerPlace, workers: int, mode: OutputMode) -> int:
    """Draw what is due, with a line on stdout for every file that is finished; how many jobs failed."""
    talk = console.Console(quiet=mode.quiet)
    for failed in batch.failed_lines:
        console.print_error(failed.error)
    talk.on_note(
        f"{count_of(batch.pictures, 'picture')} to draw in {count_of(len(batch.due), 'shard')},"
        f" {batch.finished_before:,} finished before"
    )
    report = ShardReport(RunCount(batch.pictures), batch, mode, talk)
    dispatcher = Dispatcher(batch.due, place, workers, report.hear)
    with talk.live():
        try:
            dispatcher.run()
        except BaseException:
            talk.on_note(report.stopped())
            raise
    if batch.due:
        report.say_done()
    return len(report.count.failures) + len(batch.failed_lines)


class ShardReport:
    """What is said of a run while it goes on."""

    def __init__(
        self, count: RunCount, batch: ShardedBatch, mode: OutputMode, talk: console.Console
    ) -> None:
        self.count, self._batch, self._mode, self._talk = count, batch, mode, talk
        self._last_said = time.monotonic()
        self._notes: set[str] = set()

    def hear(self, number: int, message: Message) -> None:
        """Say what a worker tells, as far as it is for anybody."""
        again = isinstance(message, Failed) and message.key in self.count.failures
        self.count.hear(number, message)
        if again:
            return
        if self._mode.json and (event := message_event(number, message, self.count)):
            console.print_record(event)
        self._say(number, message)
        self._show()

    def _say(self, number: int, message: Message) -> None:
        match message:
            case Failed(line=line, fact=fact, hint=hint):
                console.print_error(SdcliError(f"line {line}: {fact}", hint=hint))
            case Noted(text) if text not in self._notes and len(self._notes) < MOST_NOTES:
                self._notes.add(text)
                self._talk.on_note(text)
            case Died(reason):
                self._talk.on_note(f"worker {number} {reason}: another takes its place")
            case ShardDone(objects=objects) if not self._mode.json:
                for name in objects:
                    console.print_result(f"{self._batch.store.address.rstrip('/')}/{name}")
            case _:
                return

    def _show(self) -> None:
        """The line of a terminal; without one a note now and then."""
        count = self.count
        which = f"{count.done:,} of {count.pictures:,} pictures"
        self._talk.show(RunView(count.in_words(), which, "", count.share, count.left))
        if not self._talk.is_live and time.monotonic() - self._last_said >= SAID_EVERY:
            self._last_said = time.monotonic()
            left = "" if count.left is None else f", about {duration(count.left)} left"
            self._talk.on_note(f"{which}, {count.in_words()}{left}")

    def stopped(self) -> str:
        """What is said of a run that was stopped."""
        summary = self.count.summary(self._batch.store.address)
        return f"{summary}; the same command goes on from there"

    def say_done(self) -> None:
        """What was done, and by whom."""
        count = self.count
        if self._mode.json:
            console.print_record(
                {
                    "event": "end",
                    "pictures": count.drawn,
                    "failures": len(count.failures),
                    "seconds": round(count.seconds, 3),
                    "pace": count.pace,
                }
            )
        if len(count.workers) > 1:
            self._talk.table(WORKER_COLUMNS, count.worker_rows())
        self._talk.on_note(count.summary(self._batch.store.address))


def open_place(batch: ShardedBatch, crew: Crew, judging: JudgingWish) -> WorkerPlace:
    """Where its workers are started."""
    leave_launch()
    settings = WorkerSettings(
        address=batch.store.address,
        staging=None,
        run=batch.run,
        wish=judging,
        models_from=None,
        open_session=door.open_worker_session,
        open_judges=door.open_judges,
    )
    return ProcessPlace(settings, crew.gpus, ENGINE)
