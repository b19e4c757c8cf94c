"""The whole recipe with one command: `python all.py --folder run --hours 2.5`. Killed at any
moment, it goes on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

SHARES = {
    "clip": 0.05,
    "vae": 0.22,
    "latents": 0.0,
    "unet": 0.63,
    "lora": 0.04,
    "embedding": 0.03,
    "judge": 0.03,
}
"""How the hours are divided. Encoding the latents takes what it takes."""


def run(folder: Path, hours: float, size: int) -> None:
    """Each stage in a process of its own, in order; those that are finished end at once."""
    here = Path(__file__).parent
    root = here.parents[1]
    paths = os.pathsep.join([str(here), str(root), os.environ.get("PYTHONPATH", "")])
    for stage, share in SHARES.items():
        if stage in (
            "lora",
            "judge",
        ):  # the file is needed from here on, and written again when it changes
            _call(here / "export.py", "--folder", folder, "--size", size, paths=paths)
        words = ["--folder", folder]
        words += [] if stage in ("judge",) else ["--size", size]
        words += ["--minutes", 60 * hours * share] if share else []
        _call(here / f"{stage}.py", *words, paths=paths)


def _call(script: Path, *words: object, paths: str) -> None:
    print(f"== {script.stem}", flush=True)
    subprocess.run(
        [sys.executable, script, *map(str, words)],
        check=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--hours", type=float, default=2.5)
    said.add_argument("--size", type=int, default=128, help="256 where there is a GPU")
    chosen = said.parse_args()
    run(chosen.folder.resolve(), chosen.hours, chosen.size)
