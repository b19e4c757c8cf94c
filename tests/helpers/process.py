"""`sdcli` in a process of its own, to be signalled and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(
    *words: object, before: Callable[[], object] = lambda: None, **more: object
) -> subprocess.Popen[str]:
    """The command begun, its streams to be read; `before` is called in its process, before it.

    It hears Ctrl-C even where the suite does not: what a shell starts with `&` begins deaf to it.
    """

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        before()

    return subprocess.Popen(
        [sys.executable, "-m", "sdcli", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if os.name == "nt" else prepare,
        **more,
    )
