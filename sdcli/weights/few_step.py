"""Models and LoRAs that were distilled to draw in a few steps, known by their names.

No tensor tells them apart, and with a usual model's settings they draw burnt or grey pictures. So each
brings its settings along, as defaults that any flag overrides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sdcli.weights.safetensors import Header


@dataclass(frozen=True)
class FewStepKind:
    """How files of a kind are named, and how their makers draw with them."""

    title: str
    pattern: (
        str  # over the name in lower case, its words parted by `_`; `steps` where it tells them
    )
    scheduler: str
    steps: int
    cfg: float = 1.0
    size: int = 0  # pixels, where the family's is another
    checkpoints_only: bool = False  # a LoRA of such a name is about something else
    prediction: str = ""  # where it is another than its family's


_ROWS = (
    FewStepKind("SDXL-Lightning", r"sdxl_lightning_(?P<steps>[248])_?step", "euler-trailing", 4),
    FewStepKind("SDXL-Lightning of one step", r"sdxl_lightning_1_?step", "euler-trailing", 1,
                checkpoints_only=True, prediction="x0"),
    FewStepKind("Hyper-SD with guidance", r"hyper_?(sd\w*)_(?P<steps>\d+)_?steps?_cfg", "ddim-trailing",
                8, 6.0),
    FewStepKind("Hyper-SD for any number of steps", r"hyper_?(sd\w*)_1_?step", "tcd", 4),
    FewStepKind("Hyper-SD", r"hyper_?(sd\w*)_(?P<steps>\d+)_?steps?", "ddim-trailing", 4),
    FewStepKind("DMD2", r"dmd2_\w*4_?step|dmd2_sdxl_lora", "lcm-trailing", 4),
    FewStepKind("SDXL Turbo", r"sd_?xl_turbo_1_0|^sdxl_turbo", "euler-a-trailing", 4, size=512),
    FewStepKind("SD Turbo", r"^sd_turbo", "euler-trailing", 4, size=512),
    FewStepKind("PCM with guidance", r"pcm_sd\w*normalcfg_(?P<steps>\d+)_?step", "ddim-trailing", 8, 6.0),
    FewStepKind("PCM", r"pcm_sd\w*smallcfg_(?P<steps>\d+)_?step", "ddim-trailing", 4, 1.5),
    FewStepKind("PCM like LCM", r"pcm_sd\w*lcmlike", "lcm", 4),
    FewStepKind("TCD", r"(^|_)tcd_(sd\w*_)?lora|tcd_sd(xl|15)", "tcd", 4),
    FewStepKind("LCM", r"(^|_)lcm(_|$)", "lcm", 6),
    FewStepKind("the built-in model in few steps", r"^builtin_few$", "euler-trailing", 4),
    FewStepKind("a model merged with Lightning or Turbo", r"xl\w*(lightning|turbo)|(lightning|turbo)\w*xl",
                "dpm++sde-karras", 6, 2.0, checkpoints_only=True),
)  # fmt: skip


@dataclass(frozen=True)
class FewStepSettings:
    """What a file was recognised as, and what it is drawn with unless somebody says otherwise."""

    file: str
    title: str
    scheduler: str
    steps: int
    cfg: float
    size: int
    prediction: str

    def __str__(self) -> str:
        """The announcement."""
        return (
            f"`{self.file}` looks like {self.title}: {self.scheduler}, {self.steps} steps,"
            f" cfg {self.cfg:g} where nothing else is said"
        )


def recognise_few_step(header: Header, *, checkpoint: bool) -> FewStepSettings | None:
    """What a file's name or title tells of it; None where it is a usual one."""
    titles = (header.metadata.get(key, "") for key in ("modelspec.title", "ss_output_name"))
    for row in _ROWS:
        if row.checkpoints_only and not checkpoint:
            continue
        for name in (header.path.stem, *titles):
            found = re.search(row.pattern, re.sub(r"[\W_]+", "_", name.lower()))
            if found is not None:
                told = found.groupdict().get("steps")
                steps = int(told) if told else row.steps
                return FewStepSettings(
                    file=header.path.name,
                    title=row.title,
                    scheduler=row.scheduler,
                    steps=steps,
                    cfg=row.cfg,
                    size=row.size,
                    prediction=row.prediction,
                )
    return None


def first_few_step(loras: Iterable[Header]) -> FewStepSettings | None:
    """Of the LoRAs that a model wears, the settings of the first that is known."""
    found = (recognise_few_step(header, checkpoint=False) for header in loras)
    return next(filter(None, found), None)
