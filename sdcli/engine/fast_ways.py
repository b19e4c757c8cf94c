"""The ways to be faster at work: on a model when it is loaded, and in each call of its U-Net."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sdcli.engine.denoise import Predict, call_unet
from sdcli.engine.device import Machine
from sdcli.engine.packed_convolutions import pack_convolutions
from sdcli.engine.packed_linear import pack_linear_layers
from sdcli.engine.packed_module import can_pack
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.step_cache import cache_steps
from sdcli.errors import BadRequest
from sdcli.options.fast_ways import FAST_WAYS, PACKED_LINEAR, STEP_CACHE
from sdcli.plan import Plan

OF_MODELS = (PACKED_LINEAR,)  # ways that change how a model is loaded, not how it is called


def check_machine(fast: Collection[str], machine: Machine) -> None:
    """Refuse what this machine cannot do."""
    if PACKED_LINEAR in fast and not (machine.device.type == "cpu" and can_pack()):
        raise BadRequest(
            f"`--fast {PACKED_LINEAR}` is for x86 CPUs, and this runs elsewhere",
            hint="leave it away, or see `sdcli doctor`",
        )


def make_ready(pipe: Pipeline, fast: Collection[str], machine: Machine) -> None:
    """The U-Net and the VAE as fast as this machine makes them, once they lie on their device."""
    if machine.device.type != "cpu":
        return
    pack_convolutions(pipe.unet)
    pack_convolutions(pipe.vae)
    if PACKED_LINEAR in fast:
        pack_linear_layers(pipe.unet)


def make_predict(pipe: Pipeline, plan: Plan) -> Predict:
    """The U-Net's call in the way that the plan asks for, for the pictures of one batch."""
    return cache_steps(pipe) if STEP_CACHE in plan.fast else call_unet(pipe)


def taken_ways(plan: Plan, machine: Machine) -> Iterator[str]:
    """The ways that were taken for a picture, each with its class, for the record."""
    own = ("packed-convolutions",) if machine.device.type == "cpu" and can_pack() else ()
    for name in (*own, *plan.fast):
        yield f"{name}: {FAST_WAYS[name].kind}"
