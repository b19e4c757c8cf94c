"""An upscaler that draws: SD's x4 checkpoint, which sees the small picture and is told words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.options.table import change_request
from sdcli.plan import Plan
from sdcli.planning.enlarging import settle_enlarging
from sdcli.planning.resolve import make_plan
from sdcli.prompts.syntax import DEFAULT_SYNTAX, SYNTAXES
from sdcli.prompts.tags import escape_tags, extract_foreign_tags
from sdcli.request import Enlarge, Output, Request
from sdcli.upscale.drawing_wish import DrawingWish, read_carried_request
from sdcli.weights.checkpoint import Checkpoint, require_components


@dataclass(frozen=True)
class DrawingUpscaler:
    """SD's x4 upscaler, and what was said of how it is to draw."""

    model: Checkpoint
    said: DrawingWish

    @property
    def path(self) -> Path:
        """The checkpoint."""
        return self.model.path

    @property
    def scale(self) -> int:
        """How many times as large it draws: each pixel that it sees becomes a cell."""
        return self.model.family.cell

    def check(self, picture: Path) -> None:
        """Refuse what cannot be, before anything is loaded or drawn."""
        require_components(self.model, other_vae=False)
        settle_enlarging(self._request(picture, self.scale), self.model)

    def check_scale(self, scale: float) -> None:
        """Refuse to make pictures larger than it draws them."""
        if scale > self.scale:
            raise BadRequest(
                f"`{self.path.name}` draws pictures {self.scale} times as large, "
                f"and this is to become {scale:.4g} times as large",
                hint="enlarge what it draws once more",
            )

    def plan(self, picture: Path, scale: float, output: Output) -> Plan:
        """What draws a picture so many times as large."""
        self.check_scale(scale)
        request = self._request(picture, scale)
        return make_plan(replace(request, output=replace(output, path=None)))

    def _request(self, picture: Path, scale: float) -> Request:
        """The picture's words and seed, with what is said now in their place."""
        told = read_carried_request(picture) or Request(Enlarge(picture), "")
        prompt, negative = told.prompt, told.negative or ""
        if SYNTAXES[told.syntax or DEFAULT_SYNTAX].has_tags:  # of LoRAs, which fit another model
            prompt, negative = extract_foreign_tags(prompt)[0], escape_tags(negative)
        request = Request(
            Enlarge(picture, scale=float(scale)),
            prompt if self.said.prompt is None else self.said.prompt,
            negative=negative,
            syntax=told.syntax,
            emphasis=told.emphasis,
            seed=told.seed,
            model=str(self.path),
            device=self.said.device,
            count=1,
        )
        return change_request(request, self.said.values)


def make_drawing_upscaler(
    model: Checkpoint, said: DrawingWish, strength: float | None
) -> DrawingUpscaler:
    """The upscaler; BadRequest where what is said has no meaning for it."""
    if strength is not None:
        raise BadRequest(
            f"`--refine` paints over what an upscaler made, and `{model.path.name}` draws already",
            hint="paint over its picture: `sdcli img2img --image FILE --fused-tiles 512`",
        )
    for flag in ("--model", "--control"):
        if flag in said.flags:
            raise BadRequest(
                f"`{flag}` is for `--refine`, and `{model.path.name}` draws by itself",
                hint="leave it away",
            )
    if "model" in said.values:
        raise BadRequest("`model` is not for `--set` to say here", hint="`--with` names it")
    return DrawingUpscaler(model, said)
