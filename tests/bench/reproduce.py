"""Everything drawn and drawn again: every scheduler, task, adapter and format, to the bit.

    python -m tests.bench.reproduce

Draws in this process, moves and renames all models and pictures, draws again in another process
and compares. The suite does the same with a few schedulers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers import again


def main() -> int:
    """Draw, move, draw again; what came out another, a line each."""
    from sdcli.cli.app import main as sdcli
    from sdcli.schedulers.names import SCHEDULERS

    folder = Path(tempfile.mkdtemp(prefix="sdcli-again-"))
    models = folder / "models"
    models.mkdir()
    os.environ |= {"SDCLI_MODELS": str(models), "SDCLI_CACHE": str(folder / "cache")}
    os.chdir(folder)
    given = again.props(folder / "first")
    began = time.perf_counter()
    drawn: list[str] = []
    for name, words in again.all_jobs(given, SCHEDULERS, ("png", "jpg", "webp")):
        if sdcli([*map(str, words), "-q", "-o", name]) == 0:
            drawn.append(name)
        else:
            print(f"{name} could not be drawn")
    again.move(given, models / "elsewhere", folder)
    code, told, said = again.again(drawn, folder / "again")
    off = [one for one in told if one["verdict"] != "identical"]
    for one in off:
        print(
            f"{one['picture']}: {one['verdict']}, {one['mean']} on average, {one['largest']} at most"
        )
    seconds = time.perf_counter() - began
    print(f"{len(drawn)} pictures, {len(told)} drawn again, {len(off)} another, in {seconds:.0f} s")
    if code and not off:
        print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
