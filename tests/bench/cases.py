"""What both programs draw: each case in our words and in stable-diffusion.cpp's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from sdcli.request import Draw, Redraw, Repaint, Task
from sdcli.schedulers.names import SCHEDULERS
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.schedulers.table import SOLVERS, SPACINGS

STEPS, SEED = 5, 42
WORD = "zebrafox"
PROMPT = "a red fox in the snow, oil painting"
# Without commas: near the end of a chunk they move words to the next, as in A1111, not in theirs.
LONG = " ".join(
    f"{colour} {thing}"
    for colour in ("red", "green", "golden", "pale blue", "dark")
    for thing in ("fox", "river", "old house", "tree", "cloud", "mountain", "bird", "lantern")
)

# Our spacings that stable-diffusion.cpp 0.4.7 has too.
SPACED = {
    "uniform": "discrete",
    "karras": "karras",
    "exponential": "exponential",
    "ays": "ays",
    "sgm-uniform": "sgm_uniform",
    "simple": "simple",
    "kl-optimal": "kl_optimal",
    "lcm": "lcm",
}
# Newer than its Python package.
UNKNOWN = {"lms", "dpm++2m_sde"}


@dataclass(frozen=True)
class Case:
    """One picture: what we are asked, and what they are. Sizes are shares of a usual side."""

    name: str
    ours: dict[str, Any]
    theirs: dict[str, Any]
    task: Task = field(default_factory=Draw)
    within: tuple[int, int, int, int] | None = None  # only this part is compared

    def sized(self, side: int) -> Case:
        """The case with its sizes in pixels."""
        size = {name: int(self.ours[name] * side) for name in ("width", "height")}
        return replace(self, ours=self.ours | size, theirs=self.theirs | size)


def case(name: str, scheduler: str = "euler", task: Task | None = None, **changed: Any) -> Case:
    """A case by what is changed of the usual settings."""
    row = SCHEDULERS[scheduler]
    said = {"prompt": PROMPT, "negative": "", "cfg": 1.0, "width": 1, "height": 1} | changed
    sigmas = said.pop("sigmas", None)
    theirs = {
        "prompt": said["prompt"],
        "negative_prompt": said["negative"],
        "cfg_scale": said["cfg"],
        "clip_skip": said.get("clip_skip", -1),
        "sample_method": row.solver.sdcpp or "ddim_trailing",
        "scheduler": SPACED.get(row.spacing, "discrete"),
        "sample_steps": STEPS,
        "seed": SEED,
        "eta": row.solver.eta or row.solver.fixed_eta,
    }
    if sigmas:
        theirs["sigmas"] = ",".join(f"{sigma:.8f}" for sigma in sigmas)
    ours = said | {"scheduler": scheduler, "steps": STEPS, "seed": SEED}
    return Case(name, ours, theirs, task or Draw())


def grid() -> Iterator[Case]:
    """Every solver and every spacing that both have; with Euler all, with others the usual two."""
    for row in SCHEDULERS.values():
        known = row.solver.sdcpp and row.solver.sdcpp not in UNKNOWN
        usual = row.solver.name == "euler" or row.spacing in {row.solver.spacing, "karras"}
        if known and usual and row.spacing in SPACED:
            yield case(row.name, row.name)
    yield case("ddim-simple", "ddim-simple")


def given() -> Iterator[Case]:
    """The solvers over our own noise levels, handed to them as numbers."""
    for solver in SOLVERS.values():
        known = solver.sdcpp and solver.sdcpp not in UNKNOWN
        for spacing in ("", "-beta") if known else ():
            name = f"{solver.name}{spacing}"
            row = SCHEDULERS[name]
            if "a1111" in row.solver.discards_penultimate:
                *levels, _, last = SPACINGS[row.spacing].levels(make_noise_schedule(), STEPS + 1)
                yield case(f"{name}, our levels", name, sigmas=[*levels, last])
            elif spacing:
                levels = SPACINGS[row.spacing].levels(make_noise_schedule(), STEPS)
                yield case(f"{name}, our levels", name, sigmas=levels)
    levels = SPACINGS["leading"].levels(make_noise_schedule(), STEPS)
    yield case("ddim, our levels", "ddim", sigmas=levels)


def words() -> Iterator[Case]:
    """The prompt's language, guidance and sizes."""
    yield case("cfg 7", cfg=7.0)
    yield case("cfg 12", cfg=12.0)
    yield case("negative prompt", cfg=7.0, negative="blurry, watermark")
    yield case("weights", cfg=7.0, prompt="a (red:1.5) fox in the [snow], ((oil painting))")
    yield case("100 tokens", cfg=7.0, prompt=LONG, negative="blurry")
    yield case("clip skip 2", cfg=7.0, clip_skip=2)
    yield case("wider", cfg=7.0, width=2)
    yield case("higher", cfg=7.0, height=2)
    yield case("dpm++2m-karras, cfg 7", "dpm++2m-karras", cfg=7.0)
    yield case("euler-a, cfg 7", "euler-a", cfg=7.0)


def learnt(folder: Path) -> Iterator[Case]:
    """A word of three vectors, spread as the tokens of the random checkpoint are."""
    path = folder / f"{WORD}.safetensors"
    rows = torch.randn(3, 768, generator=torch.manual_seed(3)) / 2
    save_file({"emb_params": rows}, path)
    words = {"cfg": 7.0, "embeddings": (str(path),)}
    yield case("embedding", prompt=f"a {WORD} in the snow", **words)
    yield case("embedding, weighted", prompt=f"a ({WORD}:1.4) in the [snow]", **words)
    yield case("embedding, in the negative", negative=f"({WORD.upper()}:1.2), blurry", **words)


def pictures(folder: Path, side: int) -> Iterator[Case]:
    """Redrawn and repainted pictures."""
    image, mask = folder / "start.png", folder / "mask.png"
    drawn = Image.linear_gradient("L").resize((side, side))
    start = Image.merge("RGB", [drawn, drawn.rotate(90), drawn.rotate(180)])
    ImageDraw.Draw(start).ellipse((side // 4, side // 6, side // 2, side), fill=(200, 80, 30))
    start.save(image)
    hole = (side // 4, side // 4, side * 3 // 4, side)
    white = Image.new("L", (side, side), 0)
    white.paste(255, hole)
    white.save(mask)
    for name, strength in (("euler", 0.6), ("euler-a", 0.6), ("dpm++2m-karras", 0.8)):
        yield over(name, Redraw(image, strength))
    yield over("euler", Repaint(image, mask, 0.8, 0), within=hole)


def over(scheduler: str, task: Redraw | Repaint, **more: Any) -> Case:
    """A case that starts from a picture."""
    kind = "inpaint" if isinstance(task, Repaint) else "img2img"
    made = case(f"{kind} {scheduler} at {task.strength}", scheduler, task, cfg=7.0)
    theirs = {"init_image": str(task.image), "strength": task.strength}
    if isinstance(task, Repaint):
        theirs["mask_image"] = str(task.mask)
    return Case(made.name, made.ours, made.theirs | theirs, task, **more)
