"""`sdcli batch`: many pictures from a file of jobs, which stops and resumes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sdcli.batch.job_file import make_jobs
from sdcli.batch.job_sources import STDIN, read_rows
from sdcli.batch.selection import read_condition, select_jobs
from sdcli.batch.sharded import ShardWish, is_sharded_place, plan_sharded
from sdcli.batch.shards import read_part
from sdcli.cli.batch_in_turn import draw_in_turn
from sdcli.cli.batch_options import (
    BatchSeed,
    BatchSize,
    JobFile,
    Limit,
    ShardPart,
    Shards,
    Threads,
    To,
    Where,
    Workers,
    need_file,
    read_workers,
)
from sdcli.cli.batch_shards import (
    WorkersWish,
    check_sharded_options,
    draw_sharded,
    find_crew,
    launch_part,
    open_place,
)
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import Measures, With
from sdcli.environment import read_launch
from sdcli.errors import PartFailed
from sdcli.request import Draw
from sdcli.studies.judging_wish import JudgingWish
from sdcli.text import count_of

if TYPE_CHECKING:
    pass


@spread_options(Draw, without={"prompt", "batch"})
def batch(
    options: DrawingOptions,
    file: JobFile = None,
    seed: BatchSeed = None,
    limit: Limit = None,
    where: Where = None,
    workers: Workers = None,
    shards: Shards = None,
    shard: ShardPart = None,
    threads: Threads = None,
    together: BatchSize = None,
    to: To = None,
    measure: Measures = None,
    with_: With = None,
) -> None:
    """Draw many pictures from a file of jobs.

    Begun again, it goes on where it stopped. With --workers, --shards, --shard or --to it is drawn in
    shards, by any number of processes and machines: the same names, the same bytes.
    """
    base = replace(options.request(prompt=""), seed=seed)
    judging = JudgingWish(measure, tuple(with_ or ()))
    name = need_file(file)
    jobs = select_jobs(
        make_jobs(read_rows(name), base), [read_condition(each) for each in where or ()], limit
    )
    launch = read_launch()
    wish = WorkersWish(read_workers(workers), threads, launch)
    said = (workers, shards, shard, threads, together, to)
    wanted = any(each is not None for each in said) or launch or is_sharded_place(base.output)
    if wanted and not options.mode.dry_run:
        check_sharded_options(options, name, launch)
        crew = find_crew(wish, base)
        part = launch_part(read_part(shard) if shard else None, launch)
        sharded = ShardWish(shards, part, crew.workers, to, together, threads, crew.threads)
        planned = plan_sharded(jobs, base, sharded, judging)
        failures = draw_sharded(
            planned, open_place(planned, crew, judging), crew.workers, options.mode
        )
    else:
        failures = draw_in_turn(jobs, base, judging, options.mode, arriving=name == STDIN)
    if failures:
        raise PartFailed(
            f"{count_of(failures, 'job')} failed", hint="the same command tries them again"
        )
