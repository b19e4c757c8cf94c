"""What is said of a batch in shards while it is drawn."""

from __future__ import annotations

import time

from sdcli.batch.messages import Died, Failed, Message, Noted, ShardDone
from sdcli.batch.progress import WORKER_COLUMNS, RunCount, message_event
from sdcli.batch.sharded import ShardedBatch
from sdcli.cli import console
from sdcli.cli.output_mode import OutputMode
from sdcli.cli.progress_line import RunView
from sdcli.errors import SdcliError
from sdcli.text import duration

SAID_EVERY = 60.0  # seconds, where there is no terminal to draw a line on
MOST_NOTES = 20  # that are said of a run: every prompt may have one of its own


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
