"""`sdcli batch` in shards: many workers, one conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sdcli.batch.dispatch import Dispatcher, WorkerPlace
from sdcli.batch.job_file import BatchJob, UnreadableLine
from sdcli.batch.job_sources import STDIN
from sdcli.batch.machine import count_cores, find_gpus, size_of, workers_that_fit
from sdcli.batch.messages import WorkerSettings
from sdcli.batch.progress import RunCount
from sdcli.batch.ray_place import RayPlace
from sdcli.batch.sharded import ShardedBatch, ShardWish, plan_sharded
from sdcli.batch.shards import Part, read_part
from sdcli.batch.worker_process import ProcessPlace
from sdcli.cli import console
from sdcli.cli.batch_forecast import print_forecast
from sdcli.cli.batch_options import ShardFlags, read_place, read_workers
from sdcli.cli.batch_report import ShardReport
from sdcli.cli.drawing_options import DrawingOptions
from sdcli.cli.output_mode import OutputMode
from sdcli.engine import door
from sdcli.environment import Launch, leave_launch, said_threads
from sdcli.errors import BadRequest
from sdcli.library.find import find_checkpoint
from sdcli.request import Request
from sdcli.studies.judging_wish import JudgingWish
from sdcli.text import count_of

ENGINE = ("sdcli.engine.session",)  # what workers that are forked find imported


@dataclass(frozen=True)
class Crew:
    """Who draws on this machine: how many, on which GPUs, with how many threads each."""

    workers: int
    gpus: tuple[str, ...]
    threads: int


def draw_in_shards(
    jobs: Iterable[BatchJob | UnreadableLine],
    base: Request,
    flags: ShardFlags,
    judging: JudgingWish,
    launch: Launch | None,
    mode: OutputMode,
) -> int:
    """Draw a batch in shards, or say what that will take; how many jobs failed."""
    on_ray, address = read_place(flags.on)
    asked = read_workers(flags.workers)
    crew = Crew(asked or 1, (), said_threads() or 1) if on_ray else find_crew(asked, base, launch)
    wish = ShardWish(
        shards=flags.shards,
        part=launch_part(read_part(flags.shard) if flags.shard else None, launch),
        workers=crew.workers,
        to=flags.to,
        batch=flags.together,
        threads=flags.threads,
        usual_threads=crew.threads,
    )
    batch = plan_sharded(jobs, base, wish, judging, write=not mode.dry_run)
    if mode.dry_run:
        return print_forecast(batch, crew.workers, flags.price, mode)
    leave_launch()
    settings = WorkerSettings(
        address=batch.store.place,
        run=batch.run,
        wish=judging,
        models_from=flags.models_from,
        open_session=door.open_worker_session,
        open_judges=door.open_judges,
    )
    if not on_ray:
        return draw_due(batch, ProcessPlace(settings, crew.gpus, ENGINE), crew.workers, mode)
    place = RayPlace(settings, address, flags.gpus_each, batch.run.threads)
    return draw_due(batch, place, asked or place.workers_that_fit(), mode)


def find_crew(asked: int | None, base: Request, launch: Launch | None) -> Crew:
    """The workers of this machine, or this process's share of them where many were started alike."""
    gpus = () if base.device == "cpu" else find_gpus(door.count_gpus)
    here = launch.local_world if launch else 1
    if launch and gpus:
        gpus = (gpus[launch.local_rank % len(gpus)],)
    workers = 1 if asked is None else asked or _as_many_as_fit(gpus, base, here)
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


def draw_due(batch: ShardedBatch, place: WorkerPlace, workers: int, mode: OutputMode) -> int:
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
