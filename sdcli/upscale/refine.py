"""An enlarged picture painted over by a model that draws smaller ones: in tiles, fused at every step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sdcli.environment import read_environment
from sdcli.errors import BadRequest
from sdcli.images.load import load_whole_picture
from sdcli.library.find import find_checkpoint
from sdcli.options.adapter_values import LoraSpec
from sdcli.options.table import change_request
from sdcli.picture import Picture
from sdcli.plan import Plan
from sdcli.planning.fused_tiles import LEAST
from sdcli.planning.resolve import draft_plan, make_plan
from sdcli.request import Control, Output, Redraw, Request
from sdcli.upscale.drawing_wish import NOISE_LEVEL, DrawingWish, read_carried_request
from sdcli.weights.checkpoint import identify_checkpoint

# What is taken over of how a picture was drawn; where it began, how large it was and what it followed
# then is of no use for what is made of it now.
_TAKEN_OVER = (
    *("prompt", "negative", "syntax", "emphasis", "model", "vae", "prediction", "zero_snr"),
    *("scheduler", "steps", "cfg", "eta", "seed", "clip_skip", "rng", "empty_negative"),
    *("loras", "lora_partial", "embeddings"),
)
FUSED_TILES = "fused-tiles"


@dataclass(frozen=True)
class RefineWish:
    """How much is painted over, and what was said of it."""

    strength: float
    said: DrawingWish


def read_refine_wish(strength: float | None, said: DrawingWish) -> RefineWish | None:
    """What was said of `--refine`; BadRequest where something is said for it and not it itself."""
    if NOISE_LEVEL in said.values:
        raise BadRequest(
            f"`{NOISE_LEVEL}` is for an SD x4 upscaler, and what enlarges here is none",
            hint="leave it away, or `--with x4-upscaler-ema.safetensors`",
        )
    if strength is None:
        if said.flags:
            raise BadRequest(
                f"`{said.flags[0]}` is for `--refine`, and that is not said",
                hint="add `--refine 0.3`; with an SD x4 upscaler it says how that draws",
            )
        return None
    return RefineWish(strength, said)


def refine_plan(wish: RefineWish, picture: Path, enlarged: Path, output: Output) -> Plan:
    """What paints over `enlarged`, which was made of `picture`."""
    request = _request(wish, picture, enlarged)
    return make_plan(replace(request, output=replace(output, path=None)))


def check_refine(wish: RefineWish, picture: Path) -> None:
    """Refuse what of a wish cannot be, before anything is loaded or enlarged: a model that is not
    there, a setting that has no meaning for a picture painted over."""
    request = _request(wish, picture, picture)
    side = _tile_side(request)  # what the enlarged picture will come to, is another question
    draft_plan(replace(request, width=request.width or side, height=request.height or side))


def keep_transparency(picture: Picture, enlarged: Path, *, transparent: bool) -> Picture:
    """What was painted, as transparent as the enlarged picture was where its format can be that."""
    whole = load_whole_picture(enlarged)
    if whole.mode != "RGBA" or not transparent:
        return picture
    painted = picture.image.copy()
    painted.putalpha(whole.getchannel("A"))
    return replace(picture, image=painted)


def _request(wish: RefineWish, picture: Path, enlarged: Path) -> Request:
    """What a picture says of how it was drawn, with what is said now in its place, to paint over
    what it was enlarged to."""
    told, said = read_carried_request(picture), wish.said
    kept = {name: getattr(told, name) for name in _TAKEN_OVER} if told else {"prompt": ""}
    request = replace(
        Request(Redraw(enlarged, wish.strength), ""), **kept, count=1, device=said.device
    )
    model = said.model or request.model or read_environment().model
    prompt = request.prompt if said.prompt is None else said.prompt
    controls = () if said.control is None else (_control(said.control, enlarged),)
    request = replace(request, model=model, prompt=prompt, controls=controls)
    request = change_request(request, said.values)
    if FUSED_TILES in said.values:
        return request
    return replace(request, fused_tiles=_tile_side(request))


def _tile_side(request: Request) -> int:
    """The size that the request's model draws at, in whole cells of its deepest level."""
    return identify_checkpoint(find_checkpoint(request.model)).size // LEAST * LEAST


def _control(text: str, enlarged: Path) -> Control:
    """A ControlNet that looks at the picture itself: `FILE[:WEIGHT]`, as a LoRA is written."""
    named = LoraSpec()(text)
    return Control(named.name, enlarged, named.unet)
