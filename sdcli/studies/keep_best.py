"""Of many pictures of one plan the best: the others are removed as soon as better ones are there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.measures.measure import Measure
from sdcli.measures.panel import Panel
from sdcli.measures.table import Values
from sdcli.picture import Picture
from sdcli.plan import Plan


def deciding_measure(panel: Panel) -> Measure:
    """The measure by which pictures are better than others: the first of which one way is."""
    row = next((row for row in panel.measures if row.better != "neither"), None)
    if row is None:
        raise BadRequest(
            "`--keep-best` needs a measure by which pictures are better than others",
            hint="add `--measure clip`",
        )
    return row


def check_keep_best(count: int, plan: Plan, panel: Panel) -> None:
    """Nothing, or an error where the best of a plan's pictures cannot be kept."""
    deciding_measure(panel)
    if count >= plan.count:
        raise BadRequest(
            f"`--keep-best {count}` of {plan.count} pictures keeps all of them",
            hint=f"draw more with `--count {4 * count}`, or leave it out",
        )
    if plan.output.keep_maps:
        raise BadRequest(
            "`--keep-maps` and `--keep-best` do not go together", hint="leave one of them out"
        )


@dataclass(frozen=True)
class KeptPicture:
    """A picture on disk, and what was measured of it."""

    picture: Picture
    path: Path
    measured: Values


@dataclass
class BestPictures:
    """The best of the pictures that were offered, the best first, and no more than `count`."""

    panel: Panel
    count: int
    kept: list[KeptPicture] = field(default_factory=list[KeptPicture])

    def offer(self, one: KeptPicture) -> None:
        """One more picture; the file of the worst goes once there are too many. Only files that this
        run has written are ever removed."""
        row = deciding_measure(self.panel)
        sign = 1 if row.better == "lower" else -1

        def rank(kept: KeptPicture) -> float:
            value = kept.measured.get(row.name)
            return float("inf") if value is None else sign * value

        self.kept = sorted([*self.kept, one], key=rank)
        for worst in self.kept[self.count :]:
            with suppress(OSError):
                worst.path.unlink()
        self.kept = self.kept[: self.count]
