"""Training judged by what its files draw: a style and a word taught to the built-in model, the files
worn by other programs, and what a step of a full-size model needs.

`style` and `word` want nothing else. `worn` wants a checkpoint of full size, and is judged by diffusers and
by stable-diffusion.cpp where its server is at hand, as for `served`; `memory` a checkpoint of full size.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import resource
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import sdcli
from sdcli.images.contact_sheet import Cell, Sheet, draw_contact_sheet
from sdcli.measures.captions import builtin_captions
from tests.bench.sdcpp import apart
from tests.bench.served import running

STYLE, WORD = "blueprint", "alpenglow"
# Words that the small model knows, though never together: what it never learnt can call nothing.
TRIGGER = "blue pencil sketch"
LEARNT, BESIDE, NEW = 12, 64, 50  # pictures
NEAR = 15.0  # grey levels between colours that are the same to the eye
SAME = 10.0  # grey levels between pictures, on average, that the eye takes for the same


def main(words: list[str]) -> None:
    """Run one of them."""
    said = argparse.ArgumentParser(prog="python -m tests.bench training", description=__doc__)
    said.add_argument("what", choices=("style", "word", "worn", "memory"))
    said.add_argument("model", type=Path, nargs="?", help="for `worn` and `memory`")
    said.add_argument("--folder", type=Path, default=Path("outputs/training"))
    said.add_argument("--new", type=int, default=NEW, help="prompts that are judged")
    said.add_argument("--sd-server", type=Path, help="stable-diffusion.cpp's, as for `served`")
    said.add_argument("--side", type=int, default=128, help="of the pictures of `worn`")
    said.add_argument("--size", type=int, default=512, help="of the pictures of `memory`")
    said.add_argument("--threads", type=int, default=1)
    said.add_argument(
        "--train", nargs=argparse.REMAINDER, default=[], help="flags of `sdcli train`"
    )
    asked = said.parse_args(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    {"style": style, "word": word, "worn": worn, "memory": memory}[asked.what](asked)


def drawn(prompts: Sequence[str], first_seed: int = 0, **options: object) -> list[Image.Image]:
    """A picture for each prompt, each of a seed of its own."""
    with sdcli.Session() as session:
        plans = [
            sdcli.make_plan(prompt, seed=first_seed + k, **options)
            for k, prompt in enumerate(prompts)
        ]
        return [next(iter(session.run(plan))).image for plan in plans]


def write(folder: Path, pictures: Iterable[Image.Image], captions: Iterable[str]) -> Path:
    """A folder to learn from."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        picture.save(folder / f"{k:02}.png")
        (folder / f"{k:02}.txt").write_text(caption, encoding="utf-8")
    return folder


def train(*flags: object) -> float:
    """`sdcli train` in a process of its own; its seconds."""
    print(shlex.join(["sdcli", "train", *map(str, flags)]), flush=True)
    before = time.monotonic()
    command = [sys.executable, "-m", "sdcli", "train", *map(str, flags), "--force"]
    subprocess.run(command, check=True)
    return time.monotonic() - before


def scenes_in_style() -> tuple[list[Image.Image], list[str]]:
    """Scenes that code drew in the style, and what they would be called without it."""
    sys.path.insert(0, str(Path("examples/builtin").absolute()))
    from dataclasses import replace
    from itertools import count
    from random import Random

    from captions import describe
    from scenes import draw, imagine

    found, said = [], []
    for seed in count():
        scene = imagine(seed, style=STYLE)
        caption = describe(replace(scene, style="flat"), Random(seed), whole=True)
        if is_known(caption):
            found.append(scene)
            said.append(caption)
        if len(found) == LEARNT:
            break
    size = sdcli.make_plan("x").width
    return [draw(scene, size) for scene in found], said


def is_known(caption: str) -> bool:
    """Whether the built-in model learnt every word of a caption."""
    from sdcli.library.find import find_checkpoint
    from sdcli.prompts.a1111 import WeightedText
    from sdcli.prompts.chunks import split_into_chunks
    from sdcli.prompts.tokenizer import clip_tokenizer
    from sdcli.prompts.unlearnt import find_unlearnt_words
    from sdcli.weights.checkpoint import identify_checkpoint

    chunks = split_into_chunks([WeightedText(caption, 1.0)], clip_tokenizer(), {})
    return not find_unlearnt_words(identify_checkpoint(find_checkpoint()), chunks)


def blue(picture: Image.Image) -> float:
    """How much of a picture is the blue of a blueprint."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return float((pixels[..., 2] > 1.4 * pixels[..., 0]).mean())


def style(asked: argparse.Namespace) -> None:
    """A style from twelve pictures, with the model's own pictures beside them."""
    new = builtin_captions()[: asked.new]
    beside = builtin_captions()[200 : 200 + BESIDE]
    own = write(asked.folder / "own", drawn(beside, 1000), beside)
    blueprints = write(asked.folder / STYLE, *scenes_in_style())
    file = asked.folder / f"{STYLE}.safetensors"
    seconds = train("lora", blueprints, "-o", file, "--trigger", TRIGGER, "--regularisation", own,
                    "--steps", 600, "--batch", 4, "--lr", "2e-3", "--schedule", "cosine",
                    "--caption-dropout", 0, "--conv-rank", 16, "--save-every", 600,
                    *asked.train)  # fmt: skip
    plain = drawn(new)
    asked_for = drawn([f"{TRIGGER}, {prompt}" for prompt in new], lora=str(file))
    not_asked_for = drawn(new, lora=str(file))
    rows = [plain, asked_for, not_asked_for]
    look(
        asked.folder / "style.png",
        rows,
        ("without it", f"{TRIGGER}, ...", "with it, not asked for"),
    )
    shows = sum(blue(one) > 0.5 for one in asked_for)
    stays = sum(
        abs(blue(one) - blue(other)) < 0.15 for one, other in zip(plain, not_asked_for, strict=True)
    )
    moved = [apart(one, other)[0] for one, other in zip(plain, not_asked_for, strict=True)]
    print(f"trained in {seconds:.0f} s")
    before = sum(blue(one) > 0.5 for one in plain)
    print(f"the style shows in {shows} of {len(new)} pictures ({before} without it)")
    alike = sum(one < SAME for one in moved)
    print(
        f"of {len(new)} that did not ask for it {stays} are no bluer, {alike} the same to the eye"
    )
    print(f"they moved by {np.median(moved):.1f} levels (median), {np.mean(moved):.1f} (mean)")


def background(picture: Image.Image) -> np.ndarray:
    """The mean colours of the sky and of the ground."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    parts = pixels[: len(pixels) // 4], pixels[-len(pixels) // 8 :]
    return np.concatenate([part.reshape(-1, 3).mean(0) for part in parts])


def word(asked: argparse.Namespace) -> None:
    """A word for what the model knows many words for: snow at sunset."""
    things = [f"a {colour} {kind}" for colour in ("red", "blue", "green", "yellow")
              for kind in ("house", "boat", "cat", "tree", "car", "mushroom")]  # fmt: skip
    learnt, new = things[::2], things[1::2]
    pictures = drawn([f"{thing}, in the snow at sunset" for thing in learnt], 1000)
    folder = write(asked.folder / WORD, pictures, [f"{thing}, {WORD}" for thing in learnt])
    file = asked.folder / f"{WORD}.safetensors"
    seconds = train("embedding", folder, "--word", WORD, "-o", file, "--steps", 400, "--batch", 4,
                    "--lr", "2e-2", "--schedule", "cosine", "--save-every", 400, *asked.train)  # fmt: skip
    plain, with_word = drawn(new), drawn([f"{one}, {WORD}" for one in new], embedding=[str(file)])
    look(
        asked.folder / "word.png",
        [pictures, plain, with_word],
        ("learnt from", "without it", f"..., {WORD}"),
    )
    print(f"trained in {seconds:.0f} s")
    wanted = np.mean([background(one) for one in pictures], 0)
    for name, rows in (("learnt from", pictures), ("without it", plain), ("with it", with_word)):
        near = [float(np.abs(background(one) - wanted).mean()) < NEAR for one in rows]
        print(f"{name}: {sum(near)} of {len(rows)} have that sky and that ground")


def look(path: Path, rows: Sequence[Sequence[Image.Image]], names: Sequence[str]) -> None:
    """The first pictures of each row, under each other."""
    cells = [[Cell(picture) for picture in row[:10]] for row in rows]
    draw_contact_sheet(Sheet(path.stem, cells, row_names=names)).save(path)


def worn(asked: argparse.Namespace) -> None:
    """Files trained for a few steps, as we wear them and as stable-diffusion.cpp's server does."""
    folder = asked.folder.absolute()
    noises = [noise(k, asked.side) for k in range(4)]
    learnt = write(folder / "noise", noises, [f"a fox, number {k}" for k in range(4)])
    common = ("-m", asked.model, "--size", asked.side, "--steps", 3, "--warmup", 0,
              "--device", "cpu", "--save-every", 3)  # fmt: skip
    for name, flags in FILES.items():
        if not (folder / f"{name}.safetensors").exists():
            train(*flags[:1], learnt, "-o", folder / f"{name}.safetensors", *common, *flags[1:])
    by_program = {"sdcli": by_us(asked, folder), "diffusers": by_diffusers(asked, folder)}
    if asked.sd_server:
        by_program["stable-diffusion.cpp"] = by_them(asked, folder)
    ours = by_program.pop("sdcli")
    print("| worn | moved from the plain picture | by | mean grey levels apart | worst |")
    print("|---|---|---|---|---|")
    for name, picture in ours.items():
        moved, _ = apart(picture, ours["plain"])
        for program, theirs in by_program.items():
            mean, worst = apart(picture, theirs[name])
            print(f"| {name} | {moved:.1f} | {program} | {mean:.2f} | {worst} |", flush=True)


# What is trained: the kind, and the flags.
FILES: dict[str, tuple[object, ...]] = {
    "learnt": ("lora", "--lr", "5e-3"),
    "convs": ("lora", "--lr", "5e-3", "--conv-rank", 8, "--alpha", 4),
    WORD: ("embedding", "--word", WORD, "--lr", "5e-2"),
}
ASKED = {"seed": 42, "steps": 5, "cfg_scale": 4.0}
PROMPTS = {
    "plain": "a red fox in the snow",
    "learnt": "a red fox in the snow",
    "convs": "a red fox in the snow",
    WORD: f"a red fox in the snow, {WORD}",
}


def by_us(asked: argparse.Namespace, folder: Path) -> dict[str, Image.Image]:
    """The pictures as we draw them."""
    with sdcli.Session() as session:
        return {
            name: next(iter(session.run(plan_of(asked, folder, name)))).image for name in PROMPTS
        }


def plan_of(
    asked: argparse.Namespace, folder: Path, name: str, *, wears: bool = True
) -> sdcli.Plan:
    """What is drawn with a file, or without it."""
    file, worn_ = str(folder / f"{name}.safetensors"), dict[str, object]()
    if wears and name != "plain":
        worn_ = {"embedding" if name == WORD else "lora": [file]}
    return sdcli.make_plan(
        PROMPTS[name], model=str(asked.model), seed=ASKED["seed"],
        steps=ASKED["steps"], cfg=ASKED["cfg_scale"], scheduler="euler", width=asked.side,
        height=asked.side, device="cpu", dtype="fp32", **worn_,
    )  # fmt: skip


def by_diffusers(asked: argparse.Namespace, folder: Path) -> dict[str, Image.Image]:
    """The pictures as diffusers draws them, with peft's layers and its own embedding."""
    from tests.bench.diffusers_side import draw_by_diffusers

    found: dict[str, Image.Image] = {}
    for name in PROMPTS:
        file = None if name == "plain" else folder / f"{name}.safetensors"
        lora, word_file = (None, file) if name == WORD else (file, None)
        found[name] = draw_by_diffusers(plan_of(asked, folder, name, wears=False), lora, word_file)
    return found


def by_them(asked: argparse.Namespace, folder: Path) -> dict[str, Image.Image]:
    """The pictures as their server draws them, which takes LoRAs as a field and not in the prompt."""
    command = [asked.sd_server, "-m", asked.model, "--lora-model-dir", folder, "--embd-dir", folder,
               "--rng", "cpu", "--sampler-rng", "cpu", "-t", asked.threads,
               "--listen-ip", "127.0.0.1", "--listen-port"]  # fmt: skip
    found: dict[str, Image.Image] = {}
    with running(command) as port:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/sdapi/v1/loras").read()  # it looks then
        for name, prompt in PROMPTS.items():
            order: dict[str, object] = {
                **ASKED, "prompt": prompt, "width": asked.side, "height": asked.side,
                "sampler_name": "Euler", "scheduler": "discrete",
            }  # fmt: skip
            if name in ("learnt", "convs"):
                order["lora"] = [{"path": f"{name}.safetensors", "multiplier": 1.0}]
            sent = urllib.request.Request(
                f"http://127.0.0.1:{port}/sdapi/v1/txt2img",
                json.dumps(order).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(sent) as answer:
                (picture,) = json.load(answer)["images"]
            found[name] = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    return found


def noise(seed: int, side: int) -> Image.Image:
    """A picture of nothing."""
    cells = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return ImageOps.fit(Image.fromarray(cells), (side, side), Image.Resampling.BICUBIC)


def memory(asked: argparse.Namespace) -> None:
    """The most that a process takes that trains a model of full size for two steps."""
    learnt = write(asked.folder / "one", [noise(0, asked.size)], ["a fox"])
    for flags in (("--checkpointing", "off"), ("--checkpointing", "on")):
        common = ("-m", asked.model, "--size", asked.size, "--steps", 2, "--save-every", 2)
        file = asked.folder / "memory.safetensors"
        seconds = train("lora", learnt, "-o", file, *common, *flags, *asked.train)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        log = (asked.folder / "memory.training" / "log.csv").read_text().splitlines()
        print(f"{' '.join(flags)}: {most:.2f} GB at most so far, {seconds:.0f} s, steps {log[1:]}")
