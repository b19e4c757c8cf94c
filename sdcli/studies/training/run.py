"""A training from its first step to its last: watched, saved, and looked at on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdcli.errors import BadRequest, SdcliError
from sdcli.events import Listener, RunState, SilentListener
from sdcli.library.open_file import is_ordinary_file
from sdcli.outputs.atomic import new_file, write_file
from sdcli.outputs.study_folder import StudyFolder
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Lora, Request
from sdcli.training.estimate import remember_pace
from sdcli.training.interrupts import end_by, noted_signals
from sdcli.training.options import EMBEDDING
from sdcli.training.plan import TrainingPlan
from sdcli.training.progress import Event, FileSaved, SampleDrawn, StepTaken, log_text, read_log
from sdcli.training.record import check_same_training, own_record
from sdcli.training.trainer_like import TrainerLike
from sdcli.training.written_metadata import file_metadata

if TYPE_CHECKING:
    from sdcli.engine.door import SessionLike

STATE, LOG, RECORD = "state.pt", "log.csv", "training.json"
SMOOTH = 0.05  # of the running mean of the loss, what a step changes
FIRST = 5  # steps whose time says little of the others'


def find_state(plan: TrainingPlan) -> Path:
    """Where an interrupted training of this plan left its state; BadRequest where none did."""
    path = plan.place / STATE
    if not is_ordinary_file(path):
        raise BadRequest(
            f"there is nothing to resume in `{plan.place}`", hint="leave `--resume` away"
        )
    check_same_training(plan, plan.place / RECORD)
    return path


@dataclass
class TrainingRun:
    """A training under way, and what has been seen of it."""

    plan: TrainingPlan
    trainer: TrainerLike
    listener: Listener
    open_session: Callable[[], SessionLike]
    taken: list[StepTaken] = field(default_factory=list[StepTaken])
    samples: list[SampleDrawn] = field(default_factory=list[SampleDrawn])
    stopped_by: int = 0  # the signal that asked for it, Ctrl-C's for one
    until: int | None = None  # a step at which it ends, where that is not the last one
    leads: bool = True  # of several processes that train together one writes
    _saved: int = 0  # the step of the last file that is known to be good
    _began: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> StudyFolder:
        """The folder beside the file."""
        return StudyFolder(self.plan.place, "png")

    def resume(self) -> None:
        """Go on from where an interrupted training of this plan left its state."""
        self.trainer.read_state(find_state(self.plan))
        self._saved = self.trainer.step
        self.taken = [one for one in read_log(self.plan.place / LOG) if one.step <= self._saved]
        self.listener.on_note(f"going on after step {self._saved:,}")

    def run(self) -> Iterator[Event]:
        """Every step, file and sample, as they come. Asked to end, it saves, and stops."""
        steps = self.until or self.plan.settings.steps
        self.listener.on_stage("training")
        with noted_signals() as noted:
            while self.trainer.step < steps and not self.stopped_by:
                yield self._step()
                self.stopped_by = self.trainer.agree_on_end(noted.number)
                now = self.trainer.step
                ends = self.stopped_by or now == steps
                if self.leads and (ends or now % self.plan.settings.save_every == 0):
                    yield self._save()
                    yield from self._samples()

    def _step(self) -> StepTaken:
        rate, began = self.trainer.rate, time.monotonic()
        try:
            loss = self.trainer.take_step()
        except SdcliError as error:
            kept = (
                f"; `{self.plan.out}` is kept as it was after step {self._saved:,}"
                if self._saved
                else ""
            )
            raise SdcliError(f"{error.fact}{kept}", hint=error.hint) from error
        before = self.taken[-1].mean if self.taken else loss
        mean = before + (loss - before) * max(SMOOTH, 1 / (len(self.taken) + 1))
        done = StepTaken(self.trainer.step, loss, mean, rate, time.monotonic() - began)
        self.taken.append(done)
        self._tell(done)
        return done

    @property
    def pace(self) -> float | None:
        """Seconds of a step, by the last ones; None: not known yet."""
        late = [one.seconds for one in self.taken[FIRST:][-200:]]
        return sum(late) / len(late) if late else None

    def _tell(self, done: StepTaken) -> None:
        steps, pace = self.plan.settings.steps, self.pace
        left = None if pace is None else pace * (steps - done.step)
        speed = "" if pace is None else f", {pace:.2g} s a step"
        self.listener.on_run(
            RunState(
                title=f"loss {done.mean:.4f}{speed}",
                picture=0,
                pictures=None,
                step=done.step,
                steps=steps,
                share=done.step / steps,
                elapsed=time.monotonic() - self._began,
                left=left,
            )
        )

    def _save(self) -> FileSaved:
        """The file, then the state that goes with it, then the log."""
        step, place = self.trainer.step, self.plan.place
        metadata = file_metadata(self.plan, step, self.trainer.report())
        with new_file(self.plan.out, force=self.plan.force or self._saved > 0) as file:
            self.trainer.write_file(metadata, file)
        self._saved = step
        write_file(place / STATE, self.trainer.write_state)
        write_file(place / LOG, log_text(self.taken))
        write_file(place / RECORD, json.dumps(own_record(self.plan, 0, {}), indent=1) + "\n")
        if self.pace is not None:
            remember_pace(self.plan, self.pace)
        mean = self.taken[-1].mean
        self.listener.on_note(
            f"step {step:,} of {self.plan.settings.steps:,}: loss {mean:.4f}, saved as {self.plan.out}"
        )
        return FileSaved(step, self.plan.out)

    def _samples(self) -> Iterator[SampleDrawn]:
        """The samples of this step, drawn as any picture is, through the file that was saved."""
        if not self.plan.samples or self.stopped_by:
            return
        with self.open_session() as session:
            for number, prompt in enumerate(self.plan.samples, 1):
                plan = make_plan(self.sample_request(prompt))
                for picture in session.run(plan, SilentListener()):
                    name = f"step-{self.trainer.step:06}-{number}"
                    drawn = SampleDrawn(
                        self.trainer.step, prompt, self.folder.picture(picture, name), picture
                    )
                    self.samples.append(drawn)
                    yield drawn

    def sample_request(self, prompt: str) -> Request:
        """The request for a picture of this prompt with what is learnt so far."""
        drawing, file = self.plan.drawing, str(self.plan.out)
        vae = None if drawing.vae == drawing.model else str(drawing.vae.path)
        request = Request(
            Draw(),
            prompt,
            model=str(drawing.model.path),
            vae=vae,
            prediction=drawing.prediction,
            zero_snr=drawing.zero_snr,
            clip_skip=drawing.clip_skip,
            device=drawing.device,
            seed=self.plan.settings.seed,
            width=self.plan.settings.size,
            height=self.plan.settings.size,
        )
        if self.plan.kind == EMBEDDING:
            return replace(request, embeddings=(file,))
        return replace(request, loras=(Lora(file),))


def train_quietly(
    plan: TrainingPlan,
    open_trainer: Callable[[TrainingPlan, Listener], TrainerLike],
    open_session: Callable[[], SessionLike],
    *,
    resume: bool,
    leads: bool,
) -> Path:
    """Train a plan to its end, and give the path of its file; what happens is told to nobody."""
    if resume:
        find_state(plan)  # before anything is loaded
    listener = SilentListener()
    run = TrainingRun(plan, open_trainer(plan, listener), listener, open_session, leads=leads)
    if resume:
        run.resume()
    for _ in run.run():
        pass
    if run.stopped_by:
        end_by(run.stopped_by)
    return plan.out
