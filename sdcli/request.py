"""What was asked. `None` means "the user did not say", and means nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Draw:
    """A picture from words alone; with `hires` made larger and denoised once more at that size."""

    hires: str | None = None  # "2", "1024x1536"; "" is no second pass
    hires_upscaler: str | None = None
    hires_steps: int | None = None
    hires_strength: float | None = None
    hires_scheduler: str | None = None
    hires_cfg: float | None = None
    hires_prompt: str | None = None
    hires_negative: str | None = None


@dataclass(frozen=True)
class Redraw:
    """Start from a picture: strength 0 keeps it, 1 ignores it."""

    image: Path
    strength: float | None = None
    rules: int | None = None


@dataclass(frozen=True)
class Repaint:
    """Start from a picture, and touch only the white of the mask."""

    image: Path
    mask: Path
    strength: float | None = None
    feather: int | None = None
    rules: int | None = None
    only_masked: int | None = None
    grow: int | None = None


@dataclass(frozen=True)
class Outpaint:
    """Make a picture larger: its borders are drawn on. A side that nobody says follows from `to`."""

    image: Path
    left: int | None = None
    up: int | None = None
    right: int | None = None
    down: int | None = None
    to: str | None = None
    fill: str | None = None
    strength: float | None = None
    feather: int | None = None
    grow: int | None = None
    only_masked: int | None = None


@dataclass(frozen=True)
class Edit:
    """Follow an instruction about a picture (InstructPix2Pix checkpoints)."""

    image: Path
    image_cfg: float | None = None


@dataclass(frozen=True)
class Enlarge:
    """A picture drawn larger by a model that sees the small one (SD's x4 upscaler)."""

    image: Path
    noise_level: int | None = None
    scale: float | None = None


Task = Draw | Redraw | Repaint | Outpaint | Edit | Enlarge


@dataclass(frozen=True)
class Lora:
    """A LoRA to wear: a file or a name, and its weight on the U-Net and on the text encoder."""

    name: str
    unet: float = 1.0
    te: float = 1.0


@dataclass(frozen=True)
class Control:
    """A ControlNet to follow: its file, the picture it looks at, how much, during which steps."""

    name: str
    image: Path
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocessor: str = "none"  # a row of images/preprocessors.py


@dataclass(frozen=True)
class Output:
    """Where pictures go: a folder, a file or a template, and what is written into them."""

    path: str | None = None
    format: str | None = None
    force: bool = False
    metadata: bool = True
    keep_maps: bool = False
    preview: Path | None = None
    preview_vae: str | None = None


@dataclass(frozen=True)
class Request:
    """Everything the user said, and nothing that they did not."""

    task: Task
    prompt: str
    negative: str | None = None
    choices: str | None = None
    wildcards: Path | None = None
    syntax: str | None = None
    emphasis: str | None = None
    model: str | None = None
    vae: str | None = None
    prediction: str | None = None
    zero_snr: bool | None = None
    scheduler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    eta: float | None = None
    seed: int | None = None
    variation_strength: float | None = None
    variation_seed: int | None = None
    seed_resize: str | None = None
    count: int | None = None
    batch: int | None = None
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    rng: str | None = None
    ensd: int | None = None
    empty_negative: str | None = None
    penultimate: str | None = None
    downcast_alphas: bool | None = None
    tiling: str | None = None
    fused_tiles: int | None = None
    loras: tuple[Lora, ...] = ()
    lora_partial: bool = False
    embeddings: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    device: str | None = None
    dtype: str | None = None
    offload: str | None = None
    fast: tuple[str, ...] = ()
    backend: str | None = None
    output: Output = field(default_factory=Output)
    # Where values come from that nobody said just now: a preset, by the name of the field.
    sources: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
