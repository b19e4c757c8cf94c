"""Every way to be faster, one row each: what it does, where it pays, and what it does to the picture.

A row's class is a promise that tests keep. `same bits`: on by itself wherever it pays. `same to
rounding`: at most half a grey level on average; on where it is asked for. `another picture`: only
when it is named. What a name means never changes, for pictures that carry it must be drawn again:
another interval or another number of steps would be another name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

SAME_BITS = "same bits"
ROUNDING = "same to rounding"
ANOTHER_PICTURE = "another picture"

PACKED_CONVOLUTIONS = "packed-convolutions"
KEPT_MEMORY = "kept-memory"
PACKED_LINEAR = "packed-linear"
OPENVINO = "openvino"
COMPILE = "compile"
GUIDANCE_INTERVAL = "guidance-interval"
TAESD = "taesd"
STEP_CACHE = "step-cache"
CUDA_GRAPHS = "cuda-graphs"


@dataclass(frozen=True)
class FastWay:
    """One way to be faster."""

    name: str
    kind: str  # same bits, same to rounding, another picture
    about: str
    pays: str  # where, and by how much
    asked_by: str = ""  # the flag; "" where it is on by itself


_ROWS = (
    FastWay(PACKED_CONVOLUTIONS, SAME_BITS, "convolutions' weights reordered once, not at every call",
            "on x86 CPUs, from the fourth step on: SD 1.5 at 256x256 takes 1.3 to 1.4 times less a step"),
    FastWay(KEPT_MEMORY, SAME_BITS, "memory of large layers kept for the next, not given back",
            "on CPUs, where layers take over 32 MB: SD 1.5 from 320x320 on, some per cent at 512x512"),
    FastWay(PACKED_LINEAR, ROUNDING, "linear layers by oneDNN, their weights reordered once",
            "on x86 CPUs, AMD's most: another 1.1 times", f"--fast {PACKED_LINEAR}"),
    FastWay(OPENVINO, ROUNDING, "U-Net and VAE computed by OpenVINO (`pip install sdcli[openvino]`)",
            "on CPUs: SD 1.5 at 256x256 takes 1.6 times less a step; the first picture is converted for",
            f"--backend {OPENVINO}"),
    FastWay(COMPILE, ROUNDING, "the U-Net's blocks compiled by torch (a C++ compiler or Triton at hand)",
            "on GPUs, where many pictures of one size are drawn: the first is compiled for, for a minute",
            f"--backend {COMPILE}"),
    FastWay(CUDA_GRAPHS, ROUNDING, "the U-Net's call recorded as a CUDA graph for each shape, and replayed",
            "on NVIDIA GPUs that wait for their launches; left off by itself where it gains nothing",
            f"--fast {CUDA_GRAPHS}"),
    FastWay(GUIDANCE_INTERVAL, ANOTHER_PICTURE,
            "guidance only at noise levels from 0.28 to 5.42 (2404.07724)",
            "wherever there is guidance: a step outside asks the model once, not twice",
            f"--fast {GUIDANCE_INTERVAL}"),
    FastWay("few-step", ANOTHER_PICTURE,
            "files of Lightning, Hyper-SD, DMD2, LCM, TCD, PCM and Turbo known by their names, and drawn"
            " with the settings they were made for", "with such files: 2 to 8 steps without guidance",
            "few-step --model or --lora"),
    FastWay(TAESD, ANOTHER_PICTURE,
            "a TAESD in the VAE's place: `taesd` or `taesdxl` in the folder of models, or `--vae FILE`",
            "where decoding takes most of the time: few steps at a large size",
            f"--fast {TAESD}"),
    FastWay(STEP_CACHE, ANOTHER_PICTURE,
            "the U-Net's deep features kept for two steps of three (2312.00858)",
            "everywhere: its paper says 2.3 times", f"--fast {STEP_CACHE}"),
)  # fmt: skip

FAST_WAYS: Mapping[str, FastWay] = {row.name: row for row in _ROWS}
BACKENDS = ("torch", OPENVINO, COMPILE)
NAMED = tuple(row.name for row in _ROWS if row.asked_by == f"--fast {row.name}")


def sort_ways(names: Collection[str]) -> tuple[str, ...]:
    """These names once each, in the order of the table: two requests for the same are equal."""
    return tuple(name for name in NAMED if name in names)


def announce_ways(names: Collection[str]) -> Iterator[str]:
    """A sentence for each way that was asked for: its name and its class."""
    for name in names:
        row = FAST_WAYS[name]
        yield f"faster by {row.name} ({row.kind}): {row.about}"
