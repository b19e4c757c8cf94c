"""The ways to be faster that a request names: refused where they cannot apply, never passed over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sdcli import folders
from sdcli.errors import BadRequest
from sdcli.library.find import find_adapter
from sdcli.options.fast_ways import (
    COMPILE,
    CUDA_GRAPHS,
    GUIDANCE_INTERVAL,
    OPENVINO,
    PACKED_LINEAR,
    STEP_CACHE,
    TAESD,
    sort_ways,
)
from sdcli.prompts.syntax import SYNTAXES
from sdcli.request import Edit, Request
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.components import is_taesd
from sdcli.weights.vae import check_vae, find_vae

ONE_OF_TWO = "leave one of the two away"


def check_fast_ways(request: Request, prompt: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in the table's order, each one of use to this picture; `values` are the plan's."""
    if values["tiling"] != "none" and values["backend"] != "torch":
        raise BadRequest(
            f"`--backend {values['backend']}` joins no edges, as `--tiling` asks",
            hint=ONE_OF_TWO,
        )
    if GUIDANCE_INTERVAL in request.fast:
        _check_guidance(request, prompt, values)
    if request.backend == OPENVINO:
        _check_openvino(request)
    if request.backend == COMPILE:
        _check_compile(request)
    if CUDA_GRAPHS in request.fast:
        _check_cuda_graphs(request)
    return sort_ways(request.fast)


def _check_openvino(request: Request) -> None:
    flag = f"`--backend {OPENVINO}`"
    if find_spec("openvino") is None:
        raise BadRequest(
            f"{flag} needs OpenVINO, which is missing", hint='pip install "sdcli[openvino]"'
        )
    if request.controls:
        raise BadRequest(f"{flag} computes no ControlNets", hint=ONE_OF_TWO)
    _refuse_with(request, (PACKED_LINEAR, STEP_CACHE), f"{flag} computes without it")
    if request.device not in (None, "auto", "cpu") or request.dtype not in (None, "auto", "fp32"):
        raise BadRequest(
            f"{flag} computes in fp32 on the CPU alone", hint="leave the other flag away"
        )


def _check_compile(request: Request) -> None:
    flag = f"`--backend {COMPILE}`"
    _refuse_with(request, (PACKED_LINEAR, STEP_CACHE), f"{flag} compiles what torch computes")
    _refuse_offload(request, flag)


def _check_cuda_graphs(request: Request) -> None:
    flag = f"`--fast {CUDA_GRAPHS}`"
    _refuse_with(request, (STEP_CACHE,), f"{flag} records one call of the U-Net")
    if request.backend not in (None, "torch"):
        raise BadRequest(
            f"{flag} records what torch computes, and `--backend {request.backend}` computes otherwise",
            hint=ONE_OF_TWO,
        )
    _refuse_offload(request, flag)


def _refuse_with(request: Request, names: Collection[str], what: str) -> None:
    """Refuse the ways that change how torch computes beside one that does `what`."""
    for name in request.fast:
        if name in names:
            raise BadRequest(
                f"`--fast {name}` changes how torch computes, and {what}", hint=ONE_OF_TWO
            )


def _refuse_offload(request: Request, flag: str) -> None:
    if request.offload in ("model", "sequential"):
        raise BadRequest(
            f"{flag} keeps the U-Net where it computes, and `--offload` moves it", hint=ONE_OF_TWO
        )


def _check_guidance(request: Request, prompt: str, values: Mapping[str, Any]) -> None:
    parts = SYNTAXES[values["syntax"]].split_at_and(prompt)
    if isinstance(request.task, Edit) or tuple(part.weight for part in parts) != (1.0,):
        raise BadRequest(
            f"`--fast {GUIDANCE_INTERVAL}` leaves out the negative prompt, and this picture needs"
            " more than the prompt's own prediction",
            hint="it is for one prompt without `AND`, and not for `sdcli edit`",
        )
    if values["cfg"] == 1:
        raise BadRequest(
            f"`--fast {GUIDANCE_INTERVAL}` leaves out guidance, and at `--cfg 1` there is none",
            hint="leave it away: this is as fast already",
        )


def find_plan_vae(request: Request, model: Checkpoint) -> Path:
    """The file of the VAE: the one that was named, a TAESD where that is asked for, the model's."""
    wanted = request.vae
    if wanted is None and TAESD in request.fast:
        wanted = _find_taesd(model)
    if wanted is None:
        return model.path
    path = check_vae(find_adapter(wanted, "VAE"), model)
    if TAESD in request.fast and not is_taesd(find_vae(path)[1]):
        raise BadRequest(
            f"`--fast {TAESD}` decodes by a TAESD, and `{path.name}` is a whole VAE",
            hint=ONE_OF_TWO,
        )
    return path


def _find_taesd(model: Checkpoint) -> str:
    """The file of the model's TAESD; it must be there, for nothing is fetched unasked."""
    name = "taesdxl" if model.family.base.startswith("sdxl") else "taesd"
    if model.path.parent == folders.assets_folder():
        raise BadRequest(
            f"no TAESD knows the built-in model's latents, so `--fast {TAESD}` cannot decode them",
            hint="leave it away: its own VAE is small",
        )
    for known in (name, f"{name}_decoder"):
        with suppress(BadRequest):
            return str(find_adapter(known, "VAE"))
    raise BadRequest(
        f"`--fast {TAESD}` needs `{name}`, which is not in the folder of models",
        hint=f"put `{name}_decoder` and `{name}_encoder` there, or name one: `--vae FILE`",
    )
