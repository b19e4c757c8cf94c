"""What was asked to be measured of pictures that are to be drawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class JudgingWish:
    """What `--measure` and `--with` said."""

    measures: str | None = None
    judges: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The same as flags."""
        if self.measures is None:
            return ()
        return ("--measure", self.measures, *(w for name in self.judges for w in ("--with", name)))

    def without(self, names: Collection[str]) -> JudgingWish:
        """The same without what a study measures anyway."""
        if self.measures is None:
            return self
        kept = [name for name in self.measures.split(",") if name.strip().lower() not in names]
        return replace(self, measures=",".join(kept) or None) if kept else NO_WISH


NO_WISH = JudgingWish()
