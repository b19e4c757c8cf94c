"""What will be done. A plan has only answers: no `None`, every file hashed, every seed rolled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sdcli.request import Output


@dataclass(frozen=True)
class File:
    """A file by its place and its content: the place is a hint, the content is the name."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Draw:
    """A picture from words alone."""


@dataclass(frozen=True)
class Redraw:
    """Start from a picture: strength 0 keeps it, 1 ignores it."""

    image: File
    strength: float


@dataclass(frozen=True)
class Repaint:
    """Start from a picture, touch only the white of the mask, its edge `feather` pixels soft."""

    image: File
    mask: File
    strength: float
    feather: int


@dataclass(frozen=True)
class Edit:
    """Follow an instruction about a picture."""

    image: File
    image_cfg: float


Task = Draw | Redraw | Repaint | Edit


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
    canny: bool


@dataclass(frozen=True)
class Plan:
    """Everything that decides a picture. Equal plans draw equal pictures on one machine."""

    task: Task
    prompt: str
    negative: str
    syntax: str  # a1111, plain
    emphasis: str  # original, no-norm
    model: File
    family: str  # a row of families.FAMILIES
    vae: File  # the model's own where it is the same file
    prediction: str  # eps, v
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
    ensd: int = 0  # added to the seed for the solver's own noise, as A1111's setting of that name
    output: Output = field(default_factory=Output, compare=False)  # where it goes decides nothing
    sources: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)  # of values


def nth_picture(whole: Plan, index: int) -> Plan:
    """The plan of picture `index` of a run, to be drawn by itself."""
    return replace(whole, seed=whole.seed + index, count=1)
