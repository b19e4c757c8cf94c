"""The `sdcli` command, which is `python -m sdcli` too."""

import _thread
import os
import signal
import sys
import time
from io import TextIOWrapper
from typing import Any


def run() -> None:
    """Run the words of the command line and leave with their exit code."""
    code = 130
    stops: list[int] = []

    def stop(number: int, _: object) -> None:  # a kill is as tidy as Ctrl-C
        stops.append(number)
        raise KeyboardInterrupt

    def stop_again(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        number = stops[0] if stops else signal.SIGINT
        _thread.start_new_thread(_signal_soon, (number, _thread.get_ident()))

    _open_streams()
    # Where Python can raise nothing (a destructor, the locks of an import) it drops an interrupt.
    sys.unraisablehook = stop_again
    try:
        signal.signal(signal.SIGTERM, stop)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            signal.signal(signal.SIGHUP, stop)  # the terminal is closed; `nohup` has it ignored
        from sdcli.cli.app import main  # Ctrl-C may come while this is imported

        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    sys.stderr.flush()
    # Straight out: tearing torch down takes half a second, and its import may still be under way.
    os._exit(128 + stops[0] if stops else code)


def _signal_soon(number: int, main_thread: int) -> None:
    time.sleep(0.02)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main_thread, number)  # which ends a wait, too
    else:
        _thread.interrupt_main(signal.Signals(number))


def _open_streams() -> None:
    """Streams that take every text, and go nowhere where they were closed before we began.

    A file that is opened later would otherwise get a closed stream's number, and its text.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    run()
