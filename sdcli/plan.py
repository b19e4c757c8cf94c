"""What will be done. A plan has only answers: no `None`, every file hashed, every seed rolled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from sdcli.request import Output


@dataclass(frozen=True)
class File:
    """A file by its place and its content: the place is a hint, the content is the name."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Draw:
    """A picture from words alone; with `hires` made larger and denoised once more at that size.

    What is said of the second pass alone is 0 or empty where the first one has the same.
    """

    hires: str = ""  # by how much, "2", or to which size, "1024x1536"; "": there is no second pass
    hires_upscaler: str | File = "latent"  # a row of images/upscalers.py, or an upscaler
    hires_steps: int = 0
    hires_strength: float = 0.7
    hires_scheduler: str = ""
    hires_cfg: float = 0.0
    hires_prompt: str = ""
    hires_negative: str = ""


@dataclass(frozen=True)
class Redraw:
    """Start from a picture: strength 0 keeps it, 1 ignores it."""

    image: File
    strength: float
    rules: int = 1  # 1: the first version's, who kept only what the VAE gives back


@dataclass(frozen=True)
class Repaint:
    """Start from a picture, touch only the white of the mask, its edge `feather` pixels soft."""

    image: File
    mask: File
    strength: float
    feather: int
    rules: int = 1  # 1: the first version's, where the old picture shone through the soft edge
    only_masked: int = -1  # pixels around the mask that are drawn with it; -1: the whole picture
    grow: int = 0  # pixels that are drawn with it beyond the mask, unseen


@dataclass(frozen=True)
class Outpaint:
    """Draw so many pixels on around a picture; the new goes over into the old within `feather`."""

    image: File
    left: int
    up: int
    right: int
    down: int
    fill: str  # what the new part is filled with before it is drawn: a way of images/outpaint.py
    strength: float
    feather: int
    grow: int  # pixels that are drawn with it beyond that, unseen
    only_masked: int  # pixels around the new part that are drawn with it; -1: the whole picture


@dataclass(frozen=True)
class Edit:
    """Follow an instruction about a picture."""

    image: File
    image_cfg: float


@dataclass(frozen=True)
class Enlarge:
    """A picture drawn larger by a model that sees the small one (SD's x4 upscaler)."""

    image: File
    noise_level: int  # how much noise is laid over what it sees, which it is told
    scale: float  # times as large as the small one; what is drawn is scaled down to that


Task = Draw | Redraw | Repaint | Outpaint | Edit | Enlarge


@dataclass(frozen=True)
class Lora:
    """A LoRA to wear, and what share of its modules fits this model (1.0: all)."""

    file: File
    unet: float
    te: float
    share: float


@dataclass(frozen=True)
class Embedding:
    """A word learnt from a file: its name as written in prompts (lower case) and its vectors."""

    file: File
    word: str
    vectors: int


@dataclass(frozen=True)
class Control:
    """A ControlNet, the picture it looks at, and from which share of the steps to which."""

    file: File
    image: File
    weight: float
    start: float
    end: float
    preprocessor: str = field(  # a row of images/preprocessors.py
        metadata={
            "STORED_AS": ("preprocessor", "canny"),
            "OLD_VALUES": {True: "canny", False: "none"},
        }
    )


@dataclass(frozen=True)
class PictureWords:
    """The words of one picture of a run whose prompt has choices, and the LoRAs that they name."""

    prompt: str
    negative: str
    loras: tuple[Lora, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that decides a picture. Equal plans draw equal pictures on one machine."""

    task: Task
    prompt: str
    negative: str
    syntax: str  # a1111, plain
    emphasis: str  # original, no-norm, ignored
    model: File
    family: str  # a row of families.FAMILIES
    vae: File  # the model's own where it is the same file
    prediction: str  # eps, v, x0
    zero_snr: bool
    scheduler: str  # a row of schedulers.SCHEDULERS
    steps: int
    cfg: float
    eta: float
    seed: int
    count: int
    width: int
    height: int
    clip_skip: int
    rng: str  # cpu, nv, gpu
    loras: tuple[Lora, ...]
    embeddings: tuple[Embedding, ...]
    controls: tuple[Control, ...]
    device: str  # auto, cpu, cuda, mps
    dtype: str  # auto, fp32, fp16, bf16
    offload: str  # auto, none, model, sequential
    batch: int = (
        1  # pictures in one call of the U-Net, which round in each other's company; 0: auto
    )
    ensd: int = 0  # added to the seed for the solver's own noise, as A1111's setting of that name
    empty_negative: str = "zeros"  # zeros, zero-states, encoded, always-zeros
    penultimate: str = "a1111"  # whose solvers leave out the noise level before the last
    downcast_alphas: bool = False  # noise levels from half-precision alphas
    fast: tuple[str, ...] = ()  # ways to be faster that may make another picture, by their names
    backend: str = "torch"  # what computes the U-Net and the VAE: torch, openvino
    variation_strength: float = 0.0  # how much of another seed's noise is mixed in
    variation_seed: int = 1_000_000  # that other seed
    seed_resize: str = ""  # the size at which the seed lays out the picture; "": its own
    tiling: str = "none"  # along which axes the picture repeats without a seam: none, x, y, xy
    words: tuple[PictureWords, ...] = ()  # of each picture of the run, where they have their own
    template: str = ""  # what the prompt was chosen from; "": nothing was chosen
    negative_template: str = ""
    fused_tiles: int = 0  # side in pixels of the tiles that the U-Net sees; 0: all at once
    output: Output = field(default_factory=Output, compare=False)  # where it goes decides nothing
    sources: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)  # of values


def nth_picture(whole: Plan, index: int) -> Plan:
    """The plan of picture `index` of a run, to be drawn by itself."""
    return pictures_from(whole, index, 1)


def pictures_from(whole: Plan, index: int, count: int) -> Plan:
    """The plan of so many pictures of a run from `index` on."""
    words = whole.words[index : index + count]
    part = with_counted_seed(replace(whole, count=count), counted_seed(whole) + index)
    return with_words(part, words) if words else part


def with_words(plan: Plan, words: tuple[PictureWords, ...]) -> Plan:
    """The plan with these words for its pictures, one after another."""
    first = words[0]
    return replace(
        plan,
        prompt=first.prompt,
        negative=first.negative,
        loras=first.loras,
        words=() if len(set(words)) == 1 else words,
    )


def drawn_together(plan: Plan) -> Iterator[range]:
    """The pictures of a run, in stretches that have the same words. Where there are several, none
    goes over the end of a batch, so that a run begun again in between makes the same ones."""
    batch = plan.batch or plan.count
    start = 0
    for end in range(1, plan.count + 1):
        whole = end == plan.count or (bool(plan.words) and end % batch == 0)
        if whole or plan.words[end - 1 : end] != plan.words[end : end + 1]:
            yield range(start, end)
            start = end


def counted_seed(plan: Plan) -> int:
    """The seed that goes on from picture to picture of a run: of variations it is the other one."""
    return plan.variation_seed if plan.variation_strength else plan.seed


def with_counted_seed(plan: Plan, seed: int) -> Plan:
    """The plan with another number where its run counts."""
    if plan.variation_strength:
        return replace(plan, variation_seed=seed)
    return replace(plan, seed=seed)


FileChange = Callable[[File, str], File]  # a file and what it is in the plan: "model", "mask"...


def map_files(plan: Plan, change: FileChange) -> Plan:
    """The plan with every file that it names changed; the model's own VAE stays the model's."""
    model = change(plan.model, "model")
    return replace(
        plan,
        task=_map_task_files(plan.task, change),
        model=model,
        vae=model if plan.vae == plan.model else change(plan.vae, "VAE"),
        loras=_map_lora_files(plan.loras, change),
        words=tuple(replace(one, loras=_map_lora_files(one.loras, change)) for one in plan.words),
        embeddings=tuple(
            replace(one, file=change(one.file, "embedding")) for one in plan.embeddings
        ),
        controls=tuple(
            replace(
                one,
                file=change(one.file, "ControlNet"),
                image=change(one.image, "control picture"),
            )
            for one in plan.controls
        ),
    )


def _map_lora_files(loras: tuple[Lora, ...], change: FileChange) -> tuple[Lora, ...]:
    return tuple(replace(one, file=change(one.file, "LoRA")) for one in loras)


def _map_task_files(task: Task, change: FileChange) -> Task:
    match task:
        case Draw():
            return _map_drawing_files(task, change)
        case Repaint(image, mask):
            return replace(
                task, image=change(image, "picture to repaint"), mask=change(mask, "mask")
            )
        case Redraw(image) | Outpaint(image) | Edit(image) | Enlarge(image):
            return replace(task, image=change(image, "picture to start from"))
        case _:
            assert_never(task)


def _map_drawing_files(task: Draw, change: FileChange) -> Draw:
    if not isinstance(task.hires_upscaler, File):
        return task
    return replace(task, hires_upscaler=change(task.hires_upscaler, "upscaler"))


def files_of(plan: Plan) -> Iterator[tuple[File, str]]:
    """Every file that a plan names, once, and what it is there."""
    seen: dict[File, str] = {}

    def note(file: File, what: str) -> File:
        seen.setdefault(file, what)
        return file

    map_files(plan, note)
    yield from seen.items()
