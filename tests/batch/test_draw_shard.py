"""One shard drawn by a worker, with a session that draws nothing: what is kept, tried again, given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sdcli.batch.draw_shard import ShardDrawer
from sdcli.batch.job_file import BatchJob, read_jobs
from sdcli.batch.messages import (
    Began,
    Broken,
    Drawn,
    Failed,
    Kept,
    Message,
    ShardDone,
    ShardTask,
    WorkerSettings,
)
from sdcli.batch.output_kinds.table import OUTPUT_KINDS
from sdcli.batch.run_file import RunFile
from sdcli.batch.shards import Shard, cut_into_shards, list_samples
from sdcli.batch.store import open_store
from sdcli.errors import SdcliError
from sdcli.events import Listener
from sdcli.picture import Picture, Provenance
from sdcli.plan import Plan
from sdcli.request import Draw, Request
from sdcli.studies.judging_wish import NO_WISH, JudgingWish

LINES = ["a fox", '{"prompt": "an owl", "count": 2}', "a cat"]
RUN = RunFile("0" * 64, 4, 1, "folder", "png", 1, 1, "", metadata=True)


class FakeSession:
    """Gives a small picture of each plan's seed; what it is asked for is remembered."""

    def __init__(self, fails: Callable[[Plan], bool]):
        self.fails, self.asked = fails, list[list[str]]()

    def run_together(
        self, plans: Sequence[Plan], batch: int, listener: Listener
    ) -> Iterator[Picture]:
        self.asked.append([plan.prompt for plan in plans])
        for plan in plans:
            if self.fails(plan):
                raise SdcliError("cannot be drawn", hint="draw another")
            image = Image.new("RGB", (8, 8), (plan.seed % 251, len(plan.prompt), 0))
            yield Picture(image, plan, Provenance("cpu", "fp32", 0.5))


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., tuple[list[Message], FakeSession]]:
    """Draw the shard: draw(task, to="webdataset", batch=2, fails=lambda plan: False)."""

    def run(task: ShardTask, fails=lambda plan: False, wish=NO_WISH, **of_run: Any):
        session, told = FakeSession(fails), list[Message]()
        settings = WorkerSettings(
            address=str(tmp_path / "out"),
            run=replace(RUN, **of_run),
            wish=wish,
            models_from=None,
            open_session=lambda threads: session,
            open_judges=lambda judges, asked: pytest.fail("nobody judges"),
        )
        ShardDrawer(settings, told.append).draw(task)
        return told, session

    return run


@pytest.fixture
def shard() -> Shard:
    base = Request(Draw(), "", steps=1, width=64, height=64)
    jobs = read_jobs((line.encode() for line in LINES), base)
    return cut_into_shards(list_samples(j for j in jobs if isinstance(j, BatchJob)), 1)[0]


def of(kind: type, told: list[Message]) -> list[Any]:
    return [one for one in told if isinstance(one, kind)]


def test_a_shard_is_drawn_written_and_told(draw, shard: Shard, tmp_path: Path):
    told, session = draw(ShardTask(shard))
    assert [one.key for one in of(Drawn, told)] == [one.key for one in shard.samples]
    (done,) = of(ShardDone, told)
    assert (done.pictures, done.failed) == (4, 0) and isinstance(told[-1], ShardDone)
    assert session.asked == [["a fox"], ["an owl"], ["an owl"], ["a cat"]]
    assert not (tmp_path / "out" / ".unfinished").exists()
    again, session = draw(ShardTask(shard))
    assert session.asked == [] and of(ShardDone, again) == [done]


@pytest.mark.parametrize("to", ["folder", "webdataset"])
def test_what_failed_is_tried_again_and_nothing_else(draw, shard: Shard, to: str, tmp_path: Path):
    told, _ = draw(ShardTask(shard), lambda plan: plan.prompt == "a fox", to=to)
    (failed,), (done,) = of(Failed, told), of(ShardDone, told)
    assert failed.fact == "cannot be drawn" and (done.pictures, done.failed) == (3, 1)
    told, session = draw(ShardTask(shard), to=to)
    assert session.asked == [["a fox"]] and of(Kept, told)[0].pictures == 3
    assert (of(ShardDone, told)[0].pictures, of(ShardDone, told)[0].failed) == (4, 0)
    store = open_store(str(tmp_path / "out"))
    read = dict(OUTPUT_KINDS[to].read(store, of(ShardDone, told)[0].objects))
    assert set(read) == {one.key for one in shard.samples}


def test_what_is_set_aside_is_not_drawn_and_said_with_its_reason(
    draw, shard: Shard, tmp_path: Path
):
    key = shard.samples[1].key
    told, session = draw(ShardTask(shard, set_aside={key: "it killed three"}))
    assert ["an owl"] in session.asked and len(session.asked) == 3
    assert of(ShardDone, told)[0].failed == 1
    lines = (tmp_path / "out/_manifests/00000.jsonl").read_text().splitlines()
    assert [json.loads(line).get("failed") for line in lines[1:]] == [
        None,
        "it killed three",
        None,
        None,
    ]


def test_pictures_of_one_kind_are_drawn_together(draw, shard: Shard):
    _, session = draw(ShardTask(shard), batch=3)
    assert session.asked == [["a fox", "an owl", "an owl"], ["a cat"]]


def test_what_was_lost_with_a_worker_is_drawn_alone(draw, shard: Shard):
    suspect = frozenset({shard.samples[0].key})
    _, session = draw(ShardTask(shard, alone=suspect), batch=3)
    assert session.asked == [["a fox"], ["an owl", "an owl", "a cat"]]


def test_one_that_fails_costs_itself_among_those_it_is_drawn_with(draw, shard: Shard):
    told, session = draw(ShardTask(shard), lambda plan: plan.prompt == "an owl", batch=4)
    assert len(of(Failed, told)) == 2 and of(ShardDone, told)[0].pictures == 2
    assert {key for one in of(Began, told) for key in one.keys} == {
        one.key for one in shard.samples
    }


def test_a_full_disk_ends_the_run_and_loses_nothing(
    draw, shard: Shard, monkeypatch: pytest.MonkeyPatch
):
    written: list[Path] = []
    from sdcli.batch import staging

    def full(path: Path, *words: Any, **more: Any) -> Path:
        if len(written) == 2:
            raise SdcliError("no space left on device", hint="free some space")
        written.append(path)
        return whole(path, *words, **more)

    whole = staging.write_file
    with monkeypatch.context() as patch:
        patch.setattr(staging, "write_file", full)
        told, _ = draw(ShardTask(shard))
    (broken,) = of(Broken, told)
    assert "no space" in broken.fact and not of(ShardDone, told)
    told, session = draw(ShardTask(shard))
    assert of(Kept, told)[0].pictures == 2 and len(session.asked) == 2
    assert of(ShardDone, told)[0].pictures == 4


def test_what_is_measured_is_in_the_manifest(draw, shard: Shard, tmp_path: Path):
    draw(ShardTask(shard), wish=JudgingWish("sharpness"), to="imagefolder")
    lines = (tmp_path / "out/_manifests/00000.jsonl").read_text().splitlines()
    assert all(set(json.loads(line)["measured"]) == {"sharpness"} for line in lines[1:])
    first = (tmp_path / "out/00000/metadata.jsonl").read_text().splitlines()[0]
    assert "measured_sharpness" in json.loads(first)


def test_a_folder_of_parquet_is_read_as_one_table(draw, shard: Shard, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    draw(ShardTask(shard), to="parquet")
    table = parquet.read_table(tmp_path / "out")  # what is beside the pictures is passed over
    assert table.num_rows == 4 and table.column("text")[0].as_py() == "a fox"
