"""What is said before and while a study draws: how many pictures, about how long."""

from __future__ import annotations

from collections.abc import Sequence

from sdcli.events import Listener
from sdcli.plan import Plan
from sdcli.studies.time_estimate import count_evaluations, estimate_seconds, remember_pace
from sdcli.text import count_of, duration


class StudyProgress:
    """Tells at the start, and again after the first picture where the start could only guess."""

    def __init__(self, plans: Sequence[Plan], listener: Listener) -> None:
        self._plans, self._listener, self._done = plans, listener, 0
        about = estimate_seconds(plans)
        self._known = about is not None
        evaluations = sum(map(count_evaluations, plans))
        time = "" if about is None else f", about {duration(about)}"
        pictures = count_of(len(plans), "picture")
        listener.on_note(f"{pictures}, {count_of(evaluations, 'model evaluation')}{time}")

    def picture_done(self, plan: Plan, seconds: float) -> None:
        """One more picture is done, and took so long."""
        remember_pace(plan, seconds)
        self._done += 1
        left = estimate_seconds(self._plans[self._done :])
        if not self._known and left:
            self._known = True
            self._listener.on_note(f"about {duration(left)} left, by the first picture")
