"""`sdcli batch`: many pictures from a file of jobs, which stops and resumes."""

from __future__ import annotations

from dataclasses import replace

from sdcli.batch.job_file import make_jobs
from sdcli.batch.job_sources import STDIN, read_rows
from sdcli.batch.selection import read_condition, select_jobs
from sdcli.batch.sharded import is_sharded_place
from sdcli.cli.batch_in_turn import draw_in_turn
from sdcli.cli.batch_options import (
    BatchSeed,
    BatchSize,
    GpusEach,
    JobFile,
    Limit,
    ModelsFrom,
    On,
    Price,
    RedrawSample,
    ShardFlags,
    ShardPart,
    Shards,
    Threads,
    To,
    Verify,
    Where,
    Workers,
    need_file,
)
from sdcli.cli.batch_shards import check_sharded_options, draw_in_shards
from sdcli.cli.batch_verify import verify_batch
from sdcli.cli.drawing_options import DrawingOptions, spread_options
from sdcli.cli.measure_options import spread_measures
from sdcli.environment import read_launch
from sdcli.errors import PartFailed
from sdcli.request import Draw
from sdcli.studies.judging_wish import NO_WISH, JudgingWish
from sdcli.text import count_of


@spread_options(Draw, without={"prompt", "batch"})
@spread_measures
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
    on: On = None,
    gpus_each: GpusEach = None,
    models_from: ModelsFrom = None,
    price: Price = None,
    verify: Verify = None,
    sample: RedrawSample = 2,
    wish: JudgingWish = NO_WISH,
) -> None:
    """Draw many pictures from a file of jobs.

    Begun again, it goes on where it stopped. With --workers, --shards, --shard, --to or --on it is
    drawn in shards, by any number of processes and machines: the same names, the same bytes.
    """
    if verify is not None:
        verify_batch(verify, file, sample, options.mode)
        return
    base = replace(options.request(prompt=""), seed=seed)
    conditions = [read_condition(each) for each in where or ()]
    name = need_file(file)
    jobs = select_jobs(make_jobs(read_rows(name), base), conditions, limit)
    flags = ShardFlags(
        workers, shards, shard, threads, together, to, on, gpus_each, models_from, price
    )
    launch = read_launch()
    if flags.are_said or launch or is_sharded_place(base.output):
        check_sharded_options(options, name, launch)
        failures = draw_in_shards(jobs, base, flags, wish, launch, options.mode)
    else:
        failures = draw_in_turn(jobs, base, wish, options.mode, arriving=name == STDIN)
    if failures:
        raise PartFailed(
            f"{count_of(failures, 'job')} failed", hint="the same command tries them again"
        )
