"""LoRAs and a ControlNet against stable-diffusion.cpp, in grey levels.

Wants what `sdcpp` wants: an interpreter with their package, and a random SD 1 checkpoint of full size.
The adapters are random too and are written beside the pictures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from safetensors.torch import save_file

from sdcli.engine.session import Studio
from sdcli.planning.resolve import make_plan
from sdcli.request import Control, Draw, Lora, Request
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint
from tests.bench.cases import Case, case
from tests.bench.sdcpp import Silent, apart, place
from tests.helpers import loras, tiny

WEIGHT, STRENGTH = 0.8, 0.7
UNKNOWN = ("conv_in", "conv_out")
ALPHAS = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Group:
    """Cases that their program loads in one way."""

    model: dict[str, Any]
    cases: tuple[Case, ...]


def main(words: list[str]) -> None:
    """Draw every case twice and print a table."""
    said = argparse.ArgumentParser(prog="python -m tests.bench adapters", description=__doc__)
    said.add_argument("model", type=Path)
    said.add_argument("--python", default="python", help="the interpreter that has their package")
    said.add_argument(
        "--keys", type=Path, help="a full-size ControlNet's names and shapes, as JSON"
    )
    said.add_argument("--folder", type=Path, default=Path("outputs/adapters"))
    said.add_argument("--side", type=int, default=128, help="of the pictures, in pixels")
    said.add_argument("--threads", type=int, default=1)
    asked = said.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(Silent())
    print("| case | mean grey levels apart | worst |\n|---|---|---|")
    for group in groups(asked):
        chosen = [each.sized(asked.side) for each in group.cases]
        theirs(asked, group, chosen)
        for each in chosen:
            request = Request(
                task=Draw(), model=str(asked.model), device="cpu", dtype="fp32", **each.ours
            )
            ours = next(iter(studio.draw(make_plan(request)))).image
            ours.save(place(asked.folder, each).with_suffix(".ours.png"))
            mean, worst = apart(ours, Image.open(place(asked.folder, each)))
            print(f"| {each.name} | {mean:.2f} | {worst} |", flush=True)


def theirs(asked: argparse.Namespace, group: Group, chosen: list[Case]) -> None:
    """Their pictures, by a process of their own."""
    usual = {
        "rng_type": "cpu",
        "sampler_rng_type": "cpu",
        "n_threads": asked.threads,
        "verbose": False,
    }
    job = {
        "model": {"model_path": str(asked.model), **usual, **group.model},
        "words": {},
        "jobs": [(str(place(asked.folder, each)), each.theirs) for each in chosen],
    }
    side = Path(__file__).with_name("sdcpp_side.py")
    subprocess.run([asked.python, str(side)], input=json.dumps(job), text=True, check=True)


def groups(asked: argparse.Namespace) -> Iterator[Group]:
    """The plain picture, LoRAs, a ControlNet."""
    model, folder = identify_checkpoint(asked.model), asked.folder.absolute()
    yield Group({}, (case("plain"),))
    worn = [
        lora(model, folder, "uniform-alpha", lambda _: 4.0),
        lora(model, folder, "alpha-of-each", lambda number: ALPHAS[number % len(ALPHAS)]),
        lora(model, folder, "convolutions", lambda _: 2.0, convs=True),
    ]
    yield Group({"lora_model_dir": str(folder)}, tuple(map(wearing, worn)))
    if asked.keys:
        yield Group(*control(asked.keys, folder, asked.side))


def lora(
    model: Checkpoint,
    folder: Path,
    name: str,
    alpha: Callable[[int], float],
    *,
    convs: bool = False,
) -> Path:
    """A random LoRA of every module, of an effect like a real one's."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        # Theirs leaves the U-Net's first and last layer as they are, and says so in its log alone.
        at = [one for one in loras.targets(model, convs=convs) if one.dotted not in UNKNOWN]
        tensors, _ = loras.lora(at, alpha=alpha)
        loras.write(path, {key: tensor.half() for key, tensor in tensors.items()})
    return path


def wearing(path: Path) -> Case:
    """A case that wears a LoRA."""
    made = case(f"LoRA, {path.stem}")
    ours = made.ours | {"loras": (Lora(str(path), WEIGHT, WEIGHT),)}
    tagged = f"{made.theirs['prompt']}<lora:{path.stem}:{WEIGHT}>"
    return Case(made.name, ours, made.theirs | {"prompt": tagged})


def control(keys: Path, folder: Path, side: int) -> tuple[dict[str, Any], tuple[Case, ...]]:
    """A random ControlNet, and a case that follows it."""
    path, image = folder / "control.safetensors", folder / "map.png"
    if not path.exists():
        save_file(tiny.filled(json.loads(keys.read_text()), seed=11), path)
    drawn = Image.linear_gradient("L").resize((side, side))
    Image.merge("RGB", [drawn, drawn.rotate(90), drawn.rotate(180)]).save(image)
    made = case("ControlNet", cfg=3.0)
    ours = made.ours | {"controls": (Control(str(path), image, STRENGTH),)}
    theirs_ = made.theirs | {"control_image": str(image), "control_strength": STRENGTH}
    return {"control_net_path": str(path)}, (Case(made.name, ours, theirs_),)
