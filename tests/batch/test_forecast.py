"""What a batch will take, by what was drawn before."""

from __future__ import annotations

from sdcli.batch.forecast import make_forecast
from sdcli.batch.job_file import BatchJob, read_jobs
from sdcli.batch.run_file import RunFile
from sdcli.batch.shards import cut_into_shards, list_samples
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request
from sdcli.studies.time_estimate import remember_loading, remember_pace

BASE = Request(Draw(), "", steps=10, scheduler="euler", width=64, height=64)
RUN = RunFile("", 6, 2, "folder", "png", 1, 1, "", metadata=True)
LINES = ["a fox", '{"prompt": "an owl", "count": 3}', '{"prompt": "a cat", "steps": 20}', "a dog"]


def test_pace_and_price_make_hours_and_costs():
    jobs = [
        job for job in read_jobs((x.encode() for x in LINES), BASE) if isinstance(job, BatchJob)
    ]
    shards = cut_into_shards(list_samples(jobs), 2)
    unknown = make_forecast(shards, RUN, 2, 3.6)
    assert unknown.pictures == 6 and unknown.seconds is None and unknown.cost is None
    plan = make_plan(jobs[0].request)
    remember_pace(plan, 5.0, 10, "batch 1 threads 1")  # half a second an evaluation
    remember_loading(plan, 15.0)
    known = make_forecast(shards, RUN, 2, 3.6)
    assert [(kind.pictures, kind.seconds) for kind in known.kinds] == [(5, 5.0), (1, 10.0)]
    assert known.worker_seconds == 35.0 and known.seconds == 15 + 17.5
    assert round(known.cost or 0, 6) == round(3.6 * 32.5 * 2 / 3600, 6)
