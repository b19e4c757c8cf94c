"""Pictures that are drawn together, planned and drawn: what is wrong with one costs that one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sdcli.batch.messages import Began, Noted, Tell
from sdcli.batch.shards import Sample
from sdcli.errors import SdcliError
from sdcli.events import SilentListener
from sdcli.picture import Picture
from sdcli.plan import Plan, nth_picture
from sdcli.planning.resolve import make_plan

if TYPE_CHECKING:
    from sdcli.engine.door import WorkerSession

Outcome = tuple[Sample, Picture | SdcliError]


class NoteTeller(SilentListener):
    """Tells what the engine remarks, each remark once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def on_note(self, text: str) -> None:
        """Something the user should know."""
        if text not in self._told:
            self._told.add(text)
            self._tell(Noted(text))

    def on_fallback(self, text: str) -> None:
        """Something is done otherwise than planned."""
        self.on_note(text)


class GroupDrawer:
    """Draws groups of pictures with one session, so many in one call of the U-Net."""

    def __init__(self, session: WorkerSession, batch: int, tell: Tell) -> None:
        self._session, self._batch, self._tell = session, batch, tell
        self._listener = NoteTeller(tell)

    def draw(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """The pictures of a group, or what is wrong with each."""
        planned: list[tuple[Sample, Plan]] = []
        for sample in samples:
            try:
                planned.append((sample, nth_picture(make_plan(sample.request), sample.index)))
            except Exception as error:  # noqa: BLE001 - whatever a job does, the others go on
                yield sample, _as_error(error)
        if planned:
            self._tell(Began(tuple(sample.key for sample, _ in planned)))
            yield from self._draw_planned(planned)

    def _draw_planned(self, planned: Sequence[tuple[Sample, Plan]]) -> Iterator[Outcome]:
        done = 0
        plans = [plan for _, plan in planned]
        try:
            for picture in self._session.run_together(plans, self._batch, self._listener):
                yield planned[done][0], picture
                done += 1
        except Exception as error:  # noqa: BLE001 - whatever a job does, the others go on
            rest = planned[done:]
            if len(planned) == 1:
                yield rest[0][0], _as_error(error)
                return
            for one in rest:  # which of them it was is not known
                yield from self._draw_planned([one])


def _as_error(error: Exception) -> SdcliError:
    if isinstance(error, SdcliError):
        return error
    fact = f"{type(error).__name__}: {error}"
    return SdcliError(fact, hint="this is a fault of sdcli; the other jobs go on")
