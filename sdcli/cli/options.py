"""Every flag, once: its type, its name, its bounds, its help. Commands repeat only the name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sdcli.cli import completion
from sdcli.options.parse import parse_control, parse_finite, parse_lora, parse_not_negative
from sdcli.request import Control, Lora


def _given(text: str) -> dict[str, Any]:
    return {"help": text, "show_default": False}


Sentence = Annotated[
    str, typer.Argument(metavar="PROMPT", help="The words; `-` reads them from stdin.")
]
Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="PROMPT", show_default=False, help="What to draw; `-` reads it from stdin."
    ),
]
Picture = Annotated[
    Path, typer.Option("--image", metavar="FILE", help="The picture to start from.")
]
Mask = Annotated[
    Path, typer.Option("--mask", metavar="FILE", help="White is repainted, black stays as it is.")
]
OptionalPicture = Annotated[
    Path | None, typer.Option("--image", metavar="FILE", **_given("The picture to start from."))
]
OptionalMask = Annotated[
    Path | None,
    typer.Option("--mask", metavar="FILE", **_given("White is repainted, black stays as it is.")),
]
Strength = Annotated[
    float | None,
    typer.Option(
        "--strength",
        min=0,
        max=1,
        metavar="X",
        show_default="0.75",
        help="0 keeps the picture, 1 ignores it.",
    ),
]
ImageCfg = Annotated[
    float | None,
    typer.Option(
        "--image-cfg",
        parser=parse_finite,
        metavar="X",
        show_default="1.5",
        help="How closely to keep to the picture, as `--cfg` is to the instruction.",
    ),
]
Feather = Annotated[
    int | None,
    typer.Option(
        "--feather",
        min=0,
        max=256,
        metavar="PIXELS",
        show_default="8",
        help="How softly the mask's edge blends, inward.",
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME or FILE",
        autocompletion=completion.models,
        show_default="$SDCLI_MODEL, else the built-in one",
        help="The checkpoint.",
    ),
]
Negative = Annotated[
    str | None,
    typer.Option("--negative", "-n", metavar="TEXT", **_given("What to steer away from.")),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps", min=1, max=1000, metavar="N", show_default="the model's", help="Denoising steps."
    ),
]
Cfg = Annotated[
    float | None,
    typer.Option(
        "--cfg",
        parser=parse_finite,
        metavar="X",
        show_default="the model's",
        help="How strongly to follow the prompt; 1 is no guidance.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="NAME",
        autocompletion=completion.schedulers,
        show_default="the model's",
        help="How to walk from noise to picture; see `sdcli schedulers`.",
    ),
]
Eta = Annotated[
    float | None,
    typer.Option(
        "--eta",
        parser=parse_not_negative,
        metavar="X",
        show_default="the solver's",
        help="Fresh noise at each step, where the solver can: 0 none, 1 as much as it removes.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        max=2**64 - 1,
        metavar="N",
        show_default="random, always recorded",
        help="The first picture's seed; the next has N+1.",
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        "--count",
        "-c",
        min=1,
        max=100_000,
        metavar="N",
        show_default="1",
        help="How many pictures.",
    ),
]
Width = Annotated[
    int | None,
    typer.Option(
        "--width", "-W", metavar="PIXELS", show_default="the model's", help="A multiple of 8."
    ),
]
Height = Annotated[
    int | None,
    typer.Option(
        "--height", "-H", metavar="PIXELS", show_default="the model's", help="A multiple of 8."
    ),
]
Loras = Annotated[
    list[Lora] | None,
    typer.Option(
        "--lora",
        parser=parse_lora,
        metavar="FILE[:WEIGHT]",
        autocompletion=completion.adapters,
        **_given("Wear a LoRA (repeat for more); `FILE:0.8,te=0.5` weighs the text encoder apart."),
    ),
]
LoraPartial = Annotated[
    bool,
    typer.Option("--lora-partial", help="Take a LoRA of which only a part fits the model."),
]
Embeddings = Annotated[
    list[str] | None,
    typer.Option(
        "--embedding", metavar="FILE", **_given("Know a new word, by the file's name (repeat).")
    ),
]
Controls = Annotated[
    list[Control] | None,
    typer.Option(
        "--control",
        parser=parse_control,
        metavar="FILE:IMAGE[:WEIGHT][@FROM-TO]",
        **_given("Follow a ControlNet's map (repeat)."),
    ),
]
Cannies = Annotated[
    list[Control] | None,
    typer.Option(
        "--control-canny",
        parser=parse_control,
        metavar="FILE:IMAGE[:WEIGHT][@FROM-TO]",
        **_given("Follow a ControlNet with the edges of a picture (repeat)."),
    ),
]
Vae = Annotated[
    str | None,
    typer.Option("--vae", metavar="FILE", show_default="the checkpoint's", help="Another VAE."),
]
ClipSkip = Annotated[
    int | None,
    typer.Option(
        "--clip-skip",
        min=1,
        max=24,
        metavar="N",
        show_default="the model's",
        help="Stop the text encoder N layers early; 1 is its last layer.",
    ),
]
Prediction = Annotated[
    str | None,
    typer.Option(
        "--prediction",
        metavar="eps|v",
        show_default="the checkpoint's",
        help="What the U-Net predicts, where the file does not tell.",
    ),
]
ZeroSnr = Annotated[
    bool | None,
    typer.Option(
        "--zero-snr/--no-zero-snr",
        show_default="the checkpoint's",
        help="Whether the last timestep is all noise, where the file does not tell.",
    ),
]
Syntax = Annotated[
    str | None,
    typer.Option(
        "--prompt-syntax",
        metavar="a1111|plain",
        show_default="a1111",
        help="Read weights and BREAK in prompts, or nothing of it.",
    ),
]
Emphasis = Annotated[
    str | None,
    typer.Option(
        "--emphasis",
        metavar="original|no-norm",
        show_default="original",
        help="Whether a weighted prompt is scaled back to its old mean.",
    ),
]
Rng = Annotated[
    str | None,
    typer.Option(
        "--rng",
        metavar="cpu|nv|gpu",
        show_default="cpu",
        help="Whose noise: the CPU's, an NVIDIA card's (computed here), this GPU's own.",
    ),
]
Ensd = Annotated[
    int | None,
    typer.Option(
        "--ensd",
        metavar="N",
        show_default="0",
        help="Added to the seed for the solver's own noise (A1111's setting of that name).",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME or FILE",
        **_given("Settings from a TOML file, or from the folder of presets."),
    ),
]
Like = Annotated[
    Path | None,
    typer.Option("--like", metavar="PICTURE", **_given("Settings from what a picture carries.")),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        metavar="PATH",
        show_default="outputs/",
        help="A folder, a file, or a template with {seed}, {index}, {scheduler}...",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="png|jpg|webp",
        show_default="by the name's ending, else png",
        help="The file format.",
    ),
]
KeepMaps = Annotated[
    bool, typer.Option("--keep-maps", help="Save the maps that ControlNets follow, too.")
]
Preview = Annotated[
    Path | None,
    typer.Option(
        "--preview",
        metavar="FILE",
        **_given("Keep one PNG refreshed with the picture as it is drawn."),
    ),
]
PreviewVae = Annotated[
    str | None,
    typer.Option(
        "--preview-vae",
        metavar="FILE",
        show_default="rough colours, at no cost",
        help="A TAESD to preview with.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
NoMetadata = Annotated[
    bool, typer.Option("--no-metadata", help="Leave the plan out of the pictures.")
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="auto|cpu|cuda|mps", show_default="auto", help="Where to compute."
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        "--dtype", metavar="auto|fp32|fp16|bf16", show_default="auto", help="How finely to compute."
    ),
]
Offload = Annotated[
    str | None,
    typer.Option(
        "--offload",
        metavar="auto|none|model|sequential",
        show_default="auto: only when memory runs out",
        help="What leaves the GPU while it is not needed.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and draw nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No conversation on stderr.")]
