"""A request becomes a plan: questions answered, contradictions refused, nothing loaded."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import TypeVar, assert_never

from sdcli import request
from sdcli.errors import BadRequest
from sdcli.images import load as images
from sdcli.library import find as store
from sdcli.outputs import live_preview as preview
from sdcli.plan import Draw, Edit, Embedding, Plan, Redraw, Repaint, Task
from sdcli.planning import adapters
from sdcli.planning.value_sources import find_value_sources
from sdcli.prompts import syntax as prompt
from sdcli.prompts.scheduling import schedule_texts
from sdcli.request import Request
from sdcli.schedulers import names as schedulers
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.vae import check_vae

T = TypeVar("T")

STRENGTH = 0.75
FEATHER = 8
IMAGE_CFG = 1.5
LARGEST_SIDE = 16_384
SEEDS = 2**32  # a random seed is one that can be read aloud

WORDS = {
    "--prompt-syntax": ("a1111", "plain"),
    "--emphasis": ("original", "no-norm"),
    "--prediction": ("eps", "v"),
    "--rng": ("cpu", "nv", "gpu"),
    "--device": ("auto", "cpu", "cuda", "mps"),
    "--dtype": ("auto", "fp32", "fp16", "bf16"),
    "--offload": ("auto", "none", "model", "sequential"),
}


def given_or(value: T | None, otherwise: T) -> T:
    """The user's word if there was one. Zero is a word; `or` would lose it."""
    return otherwise if value is None else value


def make_plan(asked: Request, ready: Callable[[], None] = lambda: None) -> Plan:
    """Answer every question the request left open.

    `ready` is called once, when nothing is left to be refused and only whole files to be hashed.
    """
    scheduler = None if asked.scheduler is None else schedulers.find_scheduler(asked.scheduler)
    model = checkpoint.identify_checkpoint(store.find(asked.model))
    vae = check_vae(store.find_adapter(asked.vae), model) if asked.vae is not None else model.path
    _able(model, asked)
    syntax = check_word("--prompt-syntax", asked.syntax, "a1111")
    text, tagged = prompt.extract_lora_tags(asked.prompt, syntax)
    negative = given_or(asked.negative, "")
    steps = given_or(asked.steps, model.steps)
    _checked_words(asked.task, text, negative, syntax, steps)
    loras = adapters.find_loras((*asked.loras, *tagged), model, partial=asked.lora_partial)
    named = map(store.find_adapter, asked.embeddings)
    words = embedding.check_embeddings((*named, *adapters.loras_with_embeddings(loras)), model)
    controls = adapters.find_controls(asked.controls, model)
    solver = schedulers.find_scheduler(given_or(scheduler, model.scheduler))
    count, seed = given_or(asked.count, 1), given_or(asked.seed, secrets.randbelow(SEEDS))
    _counted(seed, count)
    width, height = _size(asked, model)
    answered = partial(
        Plan,
        prompt=text,
        negative=negative,
        syntax=syntax,
        emphasis=check_word("--emphasis", asked.emphasis, "original"),
        family=model.family.name,
        prediction=check_word("--prediction", asked.prediction, model.prediction),
        zero_snr=given_or(asked.zero_snr, model.zero_snr),
        scheduler=solver,
        steps=steps,
        cfg=given_or(asked.cfg, model.cfg),
        eta=_eta(solver, asked.eta),
        seed=seed,
        count=count,
        width=width,
        height=height,
        clip_skip=_clip_skip(asked, model),
        rng=check_word("--rng", asked.rng, "cpu"),
        ensd=given_or(asked.ensd, 0),
        device=check_word("--device", asked.device, "auto"),
        dtype=check_word("--dtype", asked.dtype, "auto"),
        offload=check_word("--offload", asked.offload, "auto"),
    )
    _checked_task(asked.task)
    preview.checked(asked.output)
    ready()
    return answered(
        task=_task(asked.task),
        model=store.file(model.path),
        vae=store.file(vae),
        loras=adapters.hash_loras(loras),
        embeddings=tuple(
            Embedding(store.file(found.path), found.word, found.vectors) for found in words
        ),
        controls=adapters.hash_controls(controls),
        output=asked.output,
        sources=find_value_sources(asked, model),
    )


def check_word(flag: str, value: str | None, otherwise: str) -> str:
    """One of the words a flag knows, or a refusal that lists them."""
    if value is None:
        return otherwise
    known = WORDS[flag]
    if value.lower() in known:
        return value.lower()
    near = get_close_matches(value.lower(), known, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise BadRequest(f"`{flag}` knows no `{value}`", hint=f"{hint}one of {', '.join(known)}")


def _able(model: Checkpoint, asked: Request) -> None:
    """Refuse what this kind of model cannot do, and what its file lacks."""
    name, task = f"`{model.path.name}`", asked.task
    editing = isinstance(task, request.Edit)
    if editing and model.family.task != "edit":
        raise BadRequest(
            f"{name} follows no instructions: it is {model.family.title}",
            hint="`sdcli edit` needs an InstructPix2Pix checkpoint (`-m`)",
        )
    if not editing and model.family.task == "edit":
        raise BadRequest(
            f"{name} only follows instructions about a picture (InstructPix2Pix)",
            hint='`sdcli edit "make it snow" --image FILE`',
        )
    if not model.family.begins_pictures and isinstance(task, request.Draw):
        raise BadRequest(
            f"{name} is a refiner, which finishes pictures and begins none",
            hint="`sdcli img2img` with `--strength 0.3`",
        )
    checkpoint.require_components(model, other_vae=asked.vae is not None)


def _eta(name: str, asked: float | None) -> float:
    solver = schedulers.SCHEDULERS[name].solver
    if solver.eta is not None:
        return given_or(asked, solver.eta)
    if asked is not None:
        raise BadRequest(
            f"`{name}` takes no `--eta`: it adds no fresh noise", hint="see `sdcli schedulers`"
        )
    return solver.fixed_eta


def _checked_words(task: request.Task, text: str, negative: str, syntax: str, steps: int) -> None:
    """Read the prompts once, so that what cannot be read is refused before a model is loaded."""
    joined = prompt.split_at_and(text, syntax)
    if isinstance(task, request.Edit) and len(joined) > 1:
        raise BadRequest(
            "an instruction cannot be joined with `AND`",
            hint="write `and` for the word: capitals read the same",
        )
    for each in (*(part.text for part in joined), negative):
        for stretch in schedule_texts(each, syntax, steps):
            prompt.parse_weights(stretch.text, syntax)


def _clip_skip(asked: Request, model: Checkpoint) -> int:
    """Which layer is read, counted from the last: one that every text encoder has."""
    layer = given_or(asked.clip_skip, model.clip_skip)
    layers = min(embedding.encoder_layers(model).values())
    if not 1 <= layer <= layers:
        raise BadRequest(
            f"`--clip-skip {layer}` cannot be: the text encoder has {layers} layers",
            hint="1 is its last layer, 2 the one before it",
        )
    return layer


def _counted(seed: int, count: int) -> None:
    if not 0 <= seed < 2**64:
        raise BadRequest(f"the seed {seed} is out of bounds", hint="0 to 18446744073709551615")
    if seed + count > 2**64:
        raise BadRequest(
            f"seed {seed} and {count} pictures run past the last seed",
            hint="begin with a lower one",
        )


def _size(asked: Request, model: Checkpoint) -> tuple[int, int]:
    """The picture's size: as said, else as the picture handed in, else the model's."""
    for flag, side in (("--width", asked.width), ("--height", asked.height)):
        if side is not None:
            _checked_side(flag, side)
    if isinstance(asked.task, request.Draw):
        return given_or(asked.width, model.size), given_or(asked.height, model.size)
    width, height = images.size(asked.task.image)
    if asked.width is None and asked.height is None:
        return _within(images.rounded_up(width)), _within(images.rounded_up(height))
    if asked.width is None and asked.height is not None:
        return _near(width * asked.height / height), asked.height
    if asked.height is None and asked.width is not None:
        return asked.width, _near(height * asked.width / width)
    return given_or(asked.width, 0), given_or(asked.height, 0)


def _near(pixels: float) -> int:
    return max(images.CELL, round(pixels / images.CELL) * images.CELL)


def _within(side: int) -> int:
    if side > LARGEST_SIDE:
        raise BadRequest(f"a side of {side} pixels is too long", hint=f"at most {LARGEST_SIDE}")
    return side


def _checked_side(flag: str, side: int) -> None:
    if side % images.CELL == 0 and images.CELL <= side <= LARGEST_SIDE:
        return
    if side < images.CELL or side > LARGEST_SIDE:
        raise BadRequest(f"`{flag} {side}` is out of bounds", hint=f"8 to {LARGEST_SIDE} pixels")
    below = side // images.CELL * images.CELL
    raise BadRequest(
        f"`{flag} {side}` is no multiple of 8", hint=f"{below} or {below + images.CELL}"
    )


def _checked_task(task: request.Task) -> None:
    """Look at the pictures handed in: whether they are any, and whether the mask can be meant."""
    match task:
        case request.Draw():
            return
        case request.Redraw() | request.Edit():
            images.picture(task.image)
        case request.Repaint():
            images.picture(task.image)
            images.checked_mask(task.mask, task.image)
        case _:
            assert_never(task)


def _task(task: request.Task) -> Task:
    match task:
        case request.Draw():
            return Draw()
        case request.Redraw(image, strength):
            return Redraw(store.file(image), given_or(strength, STRENGTH))
        case request.Repaint(image, mask, strength, feather):
            files = store.file(image), store.file(mask)
            return Repaint(*files, given_or(strength, STRENGTH), given_or(feather, FEATHER))
        case request.Edit(image, image_cfg):
            return Edit(store.file(image), given_or(image_cfg, IMAGE_CFG))
        case _:
            assert_never(task)
