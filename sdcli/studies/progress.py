"""What is said before and while a study draws: how many pictures, about how long."""

from __future__ import annotations

from collections.abc import Sequence

from sdcli.cli import console
from sdcli.plan import Plan
from sdcli.studies import time_estimate as pace
from sdcli.text import duration


class StudyProgress:
    """Tells at the start, and again after the first picture where the start could only guess."""

    def __init__(self, plans: Sequence[Plan], talk: console.Console) -> None:
        self._plans, self._talk, self._done = plans, talk, 0
        about = pace.estimate_seconds(plans)
        self._known = about is not None
        asked = sum(map(pace.count_evaluations, plans))
        pictures = f"{len(plans)} pictures" if len(plans) > 1 else "1 picture"
        time = "" if about is None else f", about {duration(about)}"
        talk.on_note(f"{pictures}, {asked} model evaluations{time}")

    def picture_done(self, plan: Plan, seconds: float) -> None:
        """One more picture is done, and took so long."""
        pace.remember_pace(plan, seconds)
        self._done += 1
        left = pace.estimate_seconds(self._plans[self._done :])
        if not self._known and left:
            self._known = True
            self._talk.on_note(f"about {duration(left)} left, by the first picture")
