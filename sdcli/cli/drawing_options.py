"""What every drawing command can be told, declared once and spread into each signature."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from sdcli.cli import options
from sdcli.cli.console import Console
from sdcli.cli.run import OutputMode
from sdcli.errors import BadRequest
from sdcli.options import presets
from sdcli.request import Control, Output, Request, Task


@dataclass(frozen=True)
class DrawingOptions:
    """The words and flags of one drawing command."""

    prompt: options.Prompt = None
    model: options.Model = None
    negative: options.Negative = None
    steps: options.Steps = None
    cfg: options.Cfg = None
    scheduler: options.Scheduler = None
    eta: options.Eta = None
    seed: options.Seed = None
    count: options.Count = None
    width: options.Width = None
    height: options.Height = None
    loras: options.Loras = None
    lora_partial: options.LoraPartial = False
    embeddings: options.Embeddings = None
    controls: options.Controls = None
    cannies: options.Cannies = None
    vae: options.Vae = None
    clip_skip: options.ClipSkip = None
    prediction: options.Prediction = None
    zero_snr: options.ZeroSnr = None
    syntax: options.Syntax = None
    emphasis: options.Emphasis = None
    rng: options.Rng = None
    ensd: options.Ensd = None
    preset: options.Preset = None
    like: options.Like = None
    out: options.Out = None
    format: options.Format = None
    force: options.Force = False
    no_metadata: options.NoMetadata = False
    keep_maps: options.KeepMaps = False
    preview: options.Preview = None
    preview_vae: options.PreviewVae = None
    device: options.Device = None
    dtype: options.Dtype = None
    offload: options.Offload = None
    json: options.Json = False
    dry_run: options.DryRun = False
    quiet: options.Quiet = False

    @property
    def manner(self) -> OutputMode:
        """How the run is to talk."""
        return OutputMode(self.json, self.dry_run, self.quiet)

    def request(self, task: Task) -> Request:
        """The request of these words, for a task, over what presets fill in."""
        asked = Request(
            task=task,
            prompt="" if self.prompt is None else read_prompt(self.prompt),
            negative=self.negative,
            syntax=self.syntax,
            emphasis=self.emphasis,
            model=self.model,
            vae=self.vae,
            prediction=self.prediction,
            zero_snr=self.zero_snr,
            scheduler=self.scheduler,
            steps=self.steps,
            cfg=self.cfg,
            eta=self.eta,
            seed=self.seed,
            count=self.count,
            width=self.width,
            height=self.height,
            clip_skip=self.clip_skip,
            rng=self.rng,
            ensd=self.ensd,
            loras=tuple(self.loras or ()),
            lora_partial=self.lora_partial,
            embeddings=tuple(self.embeddings or ()),
            controls=(*(self.controls or ()), *map(_edges, self.cannies or ())),
            device=self.device,
            dtype=self.dtype,
            offload=self.offload,
            output=Output(
                self.out,
                self.format,
                self.force,
                metadata=not self.no_metadata,
                keep_maps=self.keep_maps,
                preview=self.preview,
                preview_vae=self.preview_vae,
            ),
        )
        return presets.fill_from_presets(
            asked, self._presets(), prompt_said=self.prompt is not None
        )

    def _presets(self) -> tuple[presets.Preset, ...]:
        kept = (presets.read_preset(self.preset),) if self.preset else ()
        like = (presets.preset_from_picture(self.like),) if self.like else ()
        talk = Console(quiet=self.quiet)
        for preset in like:
            for line in preset.differences:
                talk.on_note(f"{preset.source}: {line}")
        return (*kept, *like)


def spread_options(
    command: Callable[..., None], without: Collection[str] = ()
) -> Callable[..., None]:
    """The command with its first parameter, a `Said`, spread into one flag for each field, but for
    those that the command declares itself and those `without` a meaning for it."""
    first, *own = inspect.signature(command, eval_str=True).parameters.values()
    hints = get_type_hints(DrawingOptions, include_extras=True)
    flags = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(DrawingOptions)
        if field.name not in without
    ]
    named = {parameter.name for parameter in own}
    prompt, *shared = (flag for flag in flags if flag.name not in named)
    kept = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]

    @functools.wraps(command)
    def spread_out(**words: Any) -> None:
        mine = {name: words.pop(name) for name in named}
        command(DrawingOptions(**words), **mine)

    signature = inspect.Signature([prompt, *kept, *shared])
    spread_out.__signature__ = signature  # type: ignore[attr-defined]
    spread_out.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    del first
    return spread_out


def spread_options_without(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `spread`, for a command that has no use for some of the flags."""
    return functools.partial(spread_options, without=names)


def read_prompt(prompt: str) -> str:
    """The prompt; `-` is what stdin says, read to its end."""
    if prompt != "-":
        return prompt
    text = sys.stdin.read().strip()
    if not text:
        raise BadRequest("stdin held no prompt", hint='echo "a fox" | sdcli txt2img -')
    return text


def _edges(control: Control) -> Control:
    from dataclasses import replace

    return replace(control, canny=True)
