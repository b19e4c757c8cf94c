"""The same pictures by stable-diffusion.cpp, and how far apart they are, in grey levels.

Wants an interpreter with `stable-diffusion-cpp-python` 0.4.7 (`--python`) and a random checkpoint of
full size, as `python -m tests.bench.full_size` writes it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from sdcli.engine.session import Session
from sdcli.planning.resolve import make_plan
from sdcli.request import Request
from tests.bench import cases
from tests.bench.cases import Case


def main(words: list[str]) -> None:
    """Draw every case twice and print a table."""
    said = argparse.ArgumentParser(prog="python -m tests.bench sdcpp", description=__doc__)
    said.add_argument("model", type=Path)
    said.add_argument("--python", default="python", help="the interpreter that has their package")
    said.add_argument("--folder", type=Path, default=Path("outputs/sdcpp"))
    said.add_argument("--only", default="", help="a regular expression over the cases' names")
    said.add_argument("--side", type=int, default=128, help="of the pictures, in pixels")
    said.add_argument("--dtype", default="fp32", help="ours; theirs is the file's")
    said.add_argument("--threads", type=int, default=1)
    asked = said.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    pictures = cases.pictures(asked.folder, asked.side)
    learnt = cases.learnt(asked.folder)
    every = [*cases.grid(), *cases.given(), *cases.words(), *learnt, *pictures]
    chosen = [case.sized(asked.side) for case in every if re.search(asked.only, case.name)]
    theirs(asked, chosen)
    compare(asked, chosen)


def place(folder: Path, case: Case) -> Path:
    """Where their picture of a case is kept, so that it is drawn once."""
    key = hashlib.sha256(json.dumps(case.theirs, sort_keys=True).encode()).hexdigest()[:10]
    return folder / f"{re.sub('[^a-z0-9.+-]+', '-', case.name)}-{key}.png"


def theirs(asked: argparse.Namespace, chosen: Iterable[Case]) -> None:
    """Their pictures, by a process of their own."""
    job = {
        "model": {
            "model_path": str(asked.model),
            "rng_type": "cpu",
            "sampler_rng_type": "cpu",
            "n_threads": asked.threads,
            "verbose": False,
        },
        "words": {cases.WORD: str(asked.folder / f"{cases.WORD}.safetensors")},
        "jobs": [(str(place(asked.folder, case)), case.theirs) for case in chosen],
    }
    side = Path(__file__).with_name("sdcpp_side.py")
    subprocess.run([asked.python, str(side)], input=json.dumps(job), text=True, check=True)


def compare(asked: argparse.Namespace, chosen: Iterable[Case]) -> None:
    """Ours, and how far each is from theirs."""
    session = Session()
    print("| case | mean grey levels apart | worst |\n|---|---|---|")
    for case in chosen:
        request = Request(
            task=case.task, model=str(asked.model), device="cpu", dtype=asked.dtype, **case.ours
        )
        ours = next(iter(session.run(make_plan(request)))).image
        ours.save(place(asked.folder, case).with_suffix(".ours.png"))
        mean, worst = apart(ours, Image.open(place(asked.folder, case)), case.within)
        print(f"| {case.name} | {mean:.2f} | {worst} |", flush=True)


def apart(
    one: Image.Image, other: Image.Image, within: tuple[int, int, int, int] | None = None
) -> tuple[float, int]:
    """The mean difference over all channels, and the largest."""
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    found = ImageStat.Stat(difference.crop(within) if within else difference)
    return sum(found.mean) / 3, int(max(high for _, high in found.extrema))
