"""Ctrl-C, and whatever else ends a program, that waits for the end of a step."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ONE_PRESS = 1.0  # seconds in which a launcher passes on what the terminal has sent already


@dataclass
class NotedSignal:
    """The signal that asked for the end; 0: none did."""

    number: int = 0


@contextmanager
def noted_signals() -> Generator[NotedSignal]:
    """A signal to end is noted, so that a step is finished and saved; a second one stops at once."""
    noted, since = NotedSignal(), 0.0

    def note(number: int, _frame: object) -> None:
        nonlocal since
        if noted.number and time.monotonic() - since > ONE_PRESS:
            raise KeyboardInterrupt
        noted.number, since = number, since or time.monotonic()

    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {one: signal.getsignal(one) for one in ENDS}
    taken = [one for one, handler in before.items() if handler != signal.SIG_IGN]
    for one in taken:
        signal.signal(one, note)
    try:
        yield noted
    finally:
        for one in taken:
            signal.signal(one, before[one])


def end_by(number: int) -> NoReturn:
    """End as a program ends by this signal, now that everything is saved."""
    signal.raise_signal(number)
    raise KeyboardInterrupt
