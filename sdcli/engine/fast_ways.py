"""The ways to be faster at work: on a model when it is loaded, and in each call of its U-Net."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from sdcli.engine.compiled_blocks import check_compiler, compile_blocks
from sdcli.engine.denoise import Predict, call_unet
from sdcli.engine.device import Machine
from sdcli.engine.kept_memory import pays_to_keep
from sdcli.engine.packed_convolutions import pack_convolutions
from sdcli.engine.packed_linear import pack_linear_layers
from sdcli.engine.packed_module import can_pack
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.step_cache import cache_steps
from sdcli.errors import BadRequest
from sdcli.options.fast_ways import (
    COMPILE,
    CUDA_GRAPHS,
    FAST_WAYS,
    KEPT_MEMORY,
    OPENVINO,
    PACKED_CONVOLUTIONS,
    PACKED_LINEAR,
    STEP_CACHE,
)
from sdcli.plan import Plan

OF_MODELS = (PACKED_LINEAR,)  # ways that change how a model is loaded, not how it is called


def check_machine(plan: Plan, machine: Machine) -> None:
    """Refuse what this machine cannot do."""
    fast = plan.fast
    if plan.backend == OPENVINO:
        _check_openvino(machine)
    if plan.backend == COMPILE:
        check_compiler(machine.device)
    if CUDA_GRAPHS in fast and machine.device.type != "cuda":
        raise BadRequest(
            f"`--fast {CUDA_GRAPHS}` is for NVIDIA GPUs, and this runs on {machine.device.type}",
            hint="leave it away, or see `sdcli doctor`",
        )
    if PACKED_LINEAR in fast and not (machine.device.type == "cpu" and can_pack()):
        raise BadRequest(
            f"`--fast {PACKED_LINEAR}` is for x86 CPUs, and this runs elsewhere",
            hint="leave it away, or see `sdcli doctor`",
        )


def _check_openvino(machine: Machine) -> None:
    if find_spec("openvino") is None:  # a plan from elsewhere
        raise BadRequest("OpenVINO is missing here", hint='pip install "sdcli[openvino]"')
    if machine.device.type != "cpu" or machine.dtype_name != "fp32":
        raise BadRequest(
            f"`--backend {OPENVINO}` computes in fp32 on the CPU, and this is"
            f" {machine.dtype_name} on {machine.device.type}",
            hint="add `--device cpu --dtype fp32`",
        )


def make_ready(pipe: Pipeline, plan: Plan, machine: Machine) -> None:
    """The U-Net and the VAE as fast as torch makes them here, once they lie on their device."""
    if plan.backend == COMPILE:
        compile_blocks(pipe.unet)
        return
    if machine.device.type != "cpu":
        return
    pack_convolutions(pipe.unet)
    pack_convolutions(pipe.vae)
    if PACKED_LINEAR in plan.fast:
        pack_linear_layers(pipe.unet)


def make_predict(pipe: Pipeline, plan: Plan) -> Predict:
    """The U-Net's call in the way that the plan asks for, for the pictures of one batch."""
    return cache_steps(pipe) if STEP_CACHE in plan.fast else call_unet(pipe)


def taken_ways(plan: Plan, machine: Machine, pipe: Pipeline, pictures: int) -> Iterator[str]:
    """The ways that were taken for pictures of one call, each with its class, for the record."""
    own = [] if plan.backend == "torch" else [plan.backend]
    if not own and machine.device.type == "cpu" and can_pack():
        own.append(PACKED_CONVOLUTIONS)
    if pays_to_keep(pipe, plan, pictures):
        own.append(KEPT_MEMORY)
    for name in (*own, *plan.fast):
        yield f"{name}: {FAST_WAYS[name].kind}"
