"""Random checkpoints of full size: `python -m tests.bench.full_size KEYS.json OUT.safetensors`.

KEYS.json maps tensor names to shapes. The numbers keep activations alive, the VAE's encoder is sure
of itself, and `text_projection` is symmetric: some programs forget to transpose it.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from sdcli.schedulers.noise_levels import make_noise_schedule
from tests.helpers import tiny

NAMES = {
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F8_E4M3": torch.float8_e4m3fn,
}


def write(shapes: Mapping[str, list[int]], path: Path, dtype: str = "F16", seed: int = 0) -> Path:
    """A random checkpoint with these tensors, written one by one: it may be larger than memory."""
    item = NAMES[dtype].itemsize
    header, place = {}, 0
    for name, shape in shapes.items():
        end = place + item * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in _tensors(shapes, seed):
            file.write(tensor.to(NAMES[dtype]).reshape(-1).view(torch.uint8).numpy())
    return path


def _tensors(shapes: Mapping[str, list[int]], seed: int) -> Iterator[torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    for name, shape in shapes.items():
        tensor = tiny.random(name, tuple(shape), dice)
        if name == "alphas_cumprod":  # which stable-diffusion.cpp believes
            tensor = torch.tensor([1 / (1 + sigma**2) for sigma in make_noise_schedule().sigmas])
        if name.endswith("text_projection"):
            tensor = (tensor + tensor.mT) / math.sqrt(2)
        yield tensor


def main() -> None:
    """Write one checkpoint, as the command line says."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("keys", type=Path)
    words.add_argument("out", type=Path)
    words.add_argument("--dtype", choices=NAMES, default="F16")
    words.add_argument("--seed", type=int, default=0)
    said = words.parse_args()
    print(write(json.loads(said.keys.read_text()), said.out, said.dtype, said.seed))


if __name__ == "__main__":
    main()
