"""The `sdcli` command, which is `python -m sdcli` too."""

import os
import signal
import sys


def run() -> None:
    """Run the words of the command line and leave with their exit code."""
    code = 130
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill is as tidy as Ctrl-C
        from sdcli.cli.app import main  # Ctrl-C may come while this is imported

        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        pass
    sys.stderr.flush()
    # Straight out: tearing torch down takes half a second, and its import may still be under way.
    os._exit(code)


if __name__ == "__main__":
    run()
