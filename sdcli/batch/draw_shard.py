"""One shard drawn: what a worker does, wherever it runs."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sdcli.batch.draw_group import GroupDrawer
from sdcli.batch.manifest import Manifest, read_manifest, times_name, write_manifest
from sdcli.batch.messages import (
    Broken,
    Drawn,
    Failed,
    Kept,
    Noted,
    ShardDone,
    ShardTask,
    Tell,
    WorkerSettings,
)
from sdcli.batch.models_from import ModelSource
from sdcli.batch.output_kinds.table import OUTPUT_KINDS
from sdcli.batch.run_file import RunFile
from sdcli.batch.sample_record import failed_row, picture_bytes, picture_row
from sdcli.batch.shards import Sample, Shard, together_key
from sdcli.batch.staging import Staging
from sdcli.batch.store import open_store, staging_folder
from sdcli.errors import SdcliError
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.studies.judging_wish import NO_WISH
from sdcli.studies.time_estimate import count_evaluations, remember_pace

if TYPE_CHECKING:
    from sdcli.studies.judged import JudgedStudy

MOST_TOGETHER = 64  # pictures, where a GPU's memory decides how many are drawn in one batch


class ShardDrawer:
    """Draws shard after shard with one session, so that a model stays in memory between them."""

    def __init__(self, settings: WorkerSettings, tell: Tell) -> None:
        self._settings, self._tell, self._run = settings, tell, settings.run
        self._store = open_store(settings.address)
        self._staging = staging_folder(settings.address, settings.run.jobs)
        session = settings.open_session(settings.run.threads)
        self._group_drawer = GroupDrawer(session, self._run.batch, tell)
        self._judged = self._open_measures()
        self._models = ModelSource(settings.models_from) if settings.models_from else None
        self._last: tuple[Plan, float, int] | None = None  # how fast: a plan, seconds, pictures

    def _open_measures(self) -> JudgedStudy | None:
        wish = self._settings.wish
        if wish == NO_WISH:
            return None
        from sdcli.studies.judged import needs_met, open_judged, plan_panel  # which need numpy

        return open_judged(plan_panel(wish, None, needs_met(0)), wish, self._settings.open_judges)

    def draw(self, task: ShardTask) -> None:
        """Draw what is missing of a shard and write it; tell of everything that happens."""
        shard = task.shard
        folder = self._staging / shard.name

        def say_waiting() -> None:
            self._tell(Noted(f"shard {shard.number} is being drawn by another run: waiting"))

        try:
            with Staging(folder, say_waiting) as staging:
                manifest = read_manifest(self._store, shard.number)
                if manifest is None or manifest.failed:
                    if self._models is not None:
                        self._models.fetch_for(shard.samples)
                    self._restore(manifest, staging)
                    manifest = self._finish(task, staging, self._draw_missing(task, staging))
                staging.remove()
            self._tell_done(manifest)  # last: whoever hears it may end this process
        except SdcliError as error:
            self._tell(Broken(error.fact, error.hint))

    def _restore(self, before: Manifest | None, staging: Staging) -> None:
        """Take back what was written of a shard whose manifest tells of failures: those are tried
        again, and nothing else."""
        if before is None:
            return
        rows = {row["key"]: row for row in before.drawn}
        read = OUTPUT_KINDS[self._run.to].read
        for key, data in read(self._store, [*before.objects]):
            if (row := rows.get(key)) and key not in staging.samples:
                staging.add(row, data, str(row["file"]).rpartition(".")[2], 0.0)

    def _draw_missing(self, task: ShardTask, staging: Staging) -> dict[str, str]:
        """Every picture that is not staged drawn; why some could not be."""
        failures: dict[str, str] = {}
        if staging.samples:
            self._tell(Kept(task.shard.number, len(staging.samples)))
        for group in self._groups(task):
            missing = [one for one in group if one.key not in staging.samples]
            # Pictures of one batch round in each other's company: it is drawn again as a whole.
            again = group if missing and self._run.batch > 1 else missing
            for sample, outcome in self._group_drawer.draw(again):
                if isinstance(outcome, SdcliError):
                    failures[sample.key] = outcome.fact
                    self._tell_failed(task.shard, sample, outcome)
                elif sample.key not in staging.samples:
                    self._stage(task.shard, sample, outcome, staging)
        for sample in task.shard.samples:
            if sample.key in task.set_aside:
                failures[sample.key] = task.set_aside[sample.key]
        return failures

    def _groups(self, task: ShardTask) -> Iterator[list[Sample]]:
        """The shard's pictures as they are drawn: those that go together, so many at a time."""
        drawn = [one for one in task.shard.samples if one.key not in task.set_aside]
        most = self._run.batch or MOST_TOGETHER
        for _, same in groupby(
            drawn, lambda one: (together_key(one.request), one.key in task.alone)
        ):
            members = [*same]
            size = 1 if members[0].key in task.alone else most
            for begin in range(0, len(members), size):
                yield members[begin : begin + size]

    def _stage(self, shard: Shard, sample: Sample, picture: Picture, staging: Staging) -> None:
        data = picture_bytes(picture, self._run.format)
        measured: Mapping[str, Any] = {}
        if self._judged is not None:
            measured = self._judged.look_at(picture.plan, picture.image)
        row = picture_row(sample, picture, data, self._run.format, measured)
        staging.add(row, data, self._run.format, picture.provenance.seconds)
        plan = picture.plan
        self._tell(
            Drawn(
                shard.number,
                sample.key,
                sample.line,
                plan.seed,
                plan.prompt,
                picture.provenance.seconds,
                row.get("measured", {}),
            )
        )
        self._add_to_pace(plan, picture.provenance.seconds)

    def _add_to_pace(self, plan: Plan, seconds: float) -> None:
        alike = replace(plan, prompt="", negative="", seed=0)
        before = self._last if self._last and self._last[0] == alike else (alike, 0.0, 0)
        self._last = alike, before[1] + seconds, before[2] + 1

    def _finish(self, task: ShardTask, staging: Staging, failures: Mapping[str, str]) -> Manifest:
        """The shard's files, then who drew it, and last its manifest."""
        number, samples = task.shard.number, task.shard.samples
        staged = [staging.samples[one.key] for one in samples if one.key in staging.samples]
        objects = OUTPUT_KINDS[self._run.to].write(self._store, task.shard.name, staged)
        rows = [
            staging.samples[one.key].row
            if one.key in staging.samples
            else failed_row(one, failures.get(one.key, "it was not drawn"))
            for one in samples
        ]
        times = {
            "host": platform.node(),
            "ended": round(time.time(), 3),
            "seconds": {one.key: one.seconds for one in staged},
        }
        self._store.put_bytes(times_name(number), (json.dumps(times) + "\n").encode())
        manifest = Manifest(number, objects, tuple(rows))
        write_manifest(self._store, manifest)
        self._remember_pace()
        return manifest

    def _remember_pace(self) -> None:
        """How fast the last plan of the shard was drawn, for whoever plans another run."""
        if self._last is not None:
            plan, seconds, pictures = self._last
            manner = pace_manner(self._run)
            remember_pace(plan, seconds, pictures * count_evaluations(plan), manner)
            self._last = None

    def _tell_done(self, manifest: Manifest) -> None:
        self._tell(
            ShardDone(
                manifest.shard, len(manifest.drawn), len(manifest.failed), tuple(manifest.objects)
            )
        )

    def _tell_failed(self, shard: Shard, sample: Sample, error: SdcliError) -> None:
        self._tell(Failed(shard.number, sample.key, sample.line, error.fact, error.hint))


def pace_manner(run: RunFile) -> str:
    """What of a run decides how fast its workers are."""
    return f"batch {run.batch} threads {run.threads}"
