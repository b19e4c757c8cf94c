"""Where and how finely to compute: what this machine does best, and how it is said."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import PartialState

from sdcli.errors import BadRequest

WORKING_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Machine:
    """A device and a dtype, by torch's names and in words."""

    device: torch.device
    dtype: torch.dtype
    notes: tuple[str, ...] = ()

    @property
    def dtype_name(self) -> str:
        """Our word for the dtype."""
        return next(name for name, dtype in WORKING_DTYPES.items() if dtype is self.dtype)


def choose_machine(device: str, dtype: str) -> Machine:
    """The device accelerate picks (or the one asked for) and the dtype the hardware is good at."""
    best: torch.device = PartialState().device or torch.device("cpu")
    chosen = best if device == "auto" else _named_device(device)
    kind = best_dtype(chosen) if dtype == "auto" else WORKING_DTYPES[dtype]
    notes = tuple(_warnings(chosen, device, kind))
    return Machine(chosen, kind, notes)


def best_dtype(device: torch.device) -> torch.dtype:
    """Half precision on GPUs; on a CPU fp32, or bf16 where AMX makes it three times faster."""
    if device.type != "cpu":
        return torch.float16
    # Without AMX bf16 takes twice as long as fp32.
    return torch.bfloat16 if has_amx() else torch.float32


def has_amx() -> bool:
    """Whether the CPU multiplies bf16 tiles in hardware."""
    ask = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(ask()) if ask is not None else False


def _named_device(name: str) -> torch.device:
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": _has_mps()}
    if not usable[name]:
        built = torch.version.cuda is not None if name == "cuda" else torch.backends.mps.is_built()
        why = (
            "no such device answers" if built else f"torch {torch.__version__} is built without it"
        )
        raise BadRequest(f"`--device {name}` cannot be used here: {why}", hint="see `sdcli doctor`")
    return torch.device(name)


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _warnings(device: torch.device, asked: str, dtype: torch.dtype) -> list[str]:
    said: list[str] = []
    if device.type == "cpu" and asked == "auto" and has_nvidia():
        said.append(
            "WARNING: drawing on the CPU although this machine has an NVIDIA GPU: "
            "torch cannot use it (see `sdcli doctor`)"
        )
    if device.type == "cpu" and asked == "cpu" and (torch.cuda.is_available() or _has_mps()):
        said.append("WARNING: drawing on the CPU as asked; a GPU stands unused beside it")
    if device.type == "cpu" and dtype is torch.float16:
        said.append("fp16 on a CPU is slow and coarse; fp32 is what it does best")
    return said


def limit_threads(count: int) -> None:
    """So many threads of the CPU for what this process computes; 0: as many as torch takes."""
    if count:
        torch.set_num_threads(count)


def count_gpus() -> int:
    """How many GPUs torch finds."""
    return torch.cuda.device_count()


def has_nvidia() -> bool:
    """Whether the machine holds an NVIDIA GPU, whatever torch thinks."""
    return Path("/proc/driver/nvidia/gpus").is_dir() or Path("/dev/nvidia0").exists()


def device_report() -> dict[str, str]:
    """What torch finds on this machine, for `sdcli doctor`."""
    machine = choose_machine("auto", "auto")
    return {
        "torch": torch.__version__,
        "built for CUDA": torch.version.cuda or "no",
        "CUDA": _cuda(),
        "NVIDIA GPU in the machine": "yes" if has_nvidia() else "none found",
        "MPS": "yes" if _has_mps() else "no",
        "CPU": f"{platform.machine()}, {torch.get_num_threads()} threads"
        + (", AMX" if has_amx() else ""),
        "device": machine.device.type,
        "dtype": machine.dtype_name,
    }


def _cuda() -> str:
    if not torch.cuda.is_available():
        return "no"
    gpu = torch.cuda.get_device_properties(0)
    return f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GB"
