"""GGUF files: read as what they stand for, and refused where they cannot be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdcli.engine.read_tensors import load_tensors
from sdcli.errors import BadRequest
from sdcli.weights.read_header import read_header
from tests.helpers import tiny

pytestmark = pytest.mark.slow

TYPES = {"Q4_0": (2, 18), "Q4_1": (3, 20), "Q5_0": (6, 22), "Q5_1": (7, 24), "Q8_0": (8, 34)}


def text(word: str) -> bytes:
    return struct.pack("<Q", len(word.encode())) + word.encode()


def written(
    path: Path,
    tensors: dict[str, tuple[int, tuple[int, ...], bytes]],
    metadata: bytes = b"",
    count: int = 0,
) -> Path:
    """A GGUF file of tensors by name: their type, shape and bytes."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), count) + metadata
    body = b""
    for name, (kind, shape, raw) in tensors.items():
        sides = struct.pack(f"<{len(shape)}Q", *shape[::-1])
        head += (
            text(name) + struct.pack("<I", len(shape)) + sides + struct.pack("<IQ", kind, len(body))
        )
        body += raw + bytes(-len(raw) % 32)
    path.write_bytes(head + bytes(-len(head) % 32) + body)
    return path


def half(raw: bytes) -> float:
    return struct.unpack("<e", raw)[0]


def numbers(kind: str, block: bytes) -> list[float]:
    """A block's numbers, one by one, as ggml-quants.c says."""
    scale = half(block[:2])
    if kind == "Q8_0":
        return [scale * n for n in struct.unpack("<32b", block[2:])]
    least = half(block[2:4]) if kind.endswith("1") else None
    at = 2 if least is None else 4
    fifth = struct.unpack("<I", block[at : at + 4])[0] if kind.startswith("Q5") else 0
    packed = block[-16:]
    found: list[float] = []
    for place in range(32):
        value = packed[place] & 15 if place < 16 else packed[place - 16] >> 4
        value += 16 * (fifth >> place & 1)
        middle = 16 if kind.startswith("Q5") else 8
        found.append(scale * (value - middle) if least is None else scale * value + least)
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_blocks_stand_for_the_numbers_that_ggml_says(tmp_path, kind):
    number, size = TYPES[kind]
    dice = torch.Generator().manual_seed(number)
    blocks = [
        struct.pack("<e", 0.25 * (n + 1)) + (struct.pack("<e", -n) if kind.endswith("1") else b"")
        for n in range(6)
    ]
    rest = size - len(blocks[0])
    blocks = [b + bytes(torch.randint(256, (rest,), generator=dice).tolist()) for b in blocks]
    path = written(tmp_path / "x.gguf", {"a": (number, (3, 64), b"".join(blocks))})
    expected = torch.tensor([numbers(kind, block) for block in blocks]).half().view(3, 64)
    assert torch.equal(load_tensors(path)["a"], expected)
    assert read_header(path).tensors["a"].dtype == "F16"


def quantised() -> tuple[dict[str, tuple[int, tuple[int, ...], bytes]], dict[str, torch.Tensor]]:
    """A tiny checkpoint in Q8_0 where its rows are whole blocks, and what it stands for."""
    packed: dict[str, tuple[int, tuple[int, ...], bytes]] = {}
    meant: dict[str, torch.Tensor] = {}
    for name, tensor in tiny.tensors("sd2").items():
        if tensor.ndim == 2 and tensor.shape[1] % 32 == 0 and "embedding" not in name:
            rows = tensor.float().reshape(-1, 32)
            scale = (rows.abs().amax(1, keepdim=True) / 127).half().clamp(min=1e-6)
            whole = (rows / scale.float()).round().clamp(-127, 127).to(torch.int8)
            raw = torch.cat([scale.view(torch.uint8), whole.view(torch.uint8)], 1)
            packed[name] = (8, tuple(tensor.shape), raw.numpy().tobytes())
            meant[name] = (whole.float() * scale.float()).half().view(tensor.shape)
        else:
            packed[name] = (1, tuple(tensor.shape), tensor.contiguous().numpy().tobytes())
            meant[name] = tensor
    return packed, meant


def test_a_checkpoint_draws_what_its_numbers_stand_for(sdcli, tmp_path):
    packed, meant = quantised()
    assert sum(kind == 8 for kind, _, _ in packed.values()) > 10
    written(tmp_path / "small.gguf", packed)
    save_file(meant, tmp_path / "meant.safetensors")
    draw = ("txt2img", "a fox", "--steps", 1, "--seed", 1, "-W", 64, "-H", 64, "--no-metadata")
    for model in ("small.gguf", "meant.safetensors"):
        ran = sdcli(*draw, "-m", tmp_path / model, "-o", tmp_path / f"{model}.png")
        assert ran.code == 0, ran.err
    files = [tmp_path / f"{model}.png" for model in ("small.gguf", "meant.safetensors")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert "form          gguf" in sdcli("show", tmp_path / "small.gguf").out


def test_the_shape_that_comfy_keeps_beside(tmp_path):
    key = text("comfy.gguf.orig_shape.a") + struct.pack("<IIQ", 9, 5, 2) + struct.pack("<2i", 4, 8)
    path = written(tmp_path / "x.gguf", {"a": (1, (2, 16), bytes(64))}, key, 1)
    assert read_header(path).tensors["a"].shape == (4, 8)


def test_kinds_of_blocks_that_are_not_read_are_named(tmp_path):
    path = written(tmp_path / "x.gguf", {"a": (12, (1, 256), bytes(144))})
    with pytest.raises(BadRequest, match="stores `a` as Q4_K") as caught:
        read_header(path)
    assert "Q8_0" in caught.value.hint


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:30],
        lambda raw: raw[:-40],
        lambda raw: raw[:4] + b"\x09" + raw[5:],
        lambda raw: raw[:8] + b"\xff" * 8 + raw[16:],
        lambda raw: raw[:16] + b"\xff" * 8 + raw[24:],
        lambda raw: raw[:24] + b"\xff" * 8 + raw[32:],
        lambda raw: raw[:16] + struct.pack("<Q", 1) + text("k") + struct.pack("<IIQ", 9, 9, 5) + raw[24:],
        lambda raw: raw[:16] + struct.pack("<Q", 1) + text("k") + struct.pack("<IIQ", 9, 0, 1 << 60),
        lambda raw: raw[:16] + struct.pack("<Q", 1) + text("k") + struct.pack("<I", 99) + raw[24:],
        lambda raw: raw.replace(struct.pack("<Q", 32), struct.pack("<Q", 1 << 60)),
        lambda raw: raw.replace(struct.pack("<Q", 32), struct.pack("<Q", 33)),
    ],
    ids=range(11),
)  # fmt: skip
def test_claims_that_a_file_does_not_keep(tmp_path, spoil):
    path = written(tmp_path / "x.gguf", {"a": (8, (2, 32), bytes(68)), "b": (0, (9,), bytes(36))})
    assert read_header(path).tensors["a"].shape == (2, 32)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BadRequest, match="damaged|cut short|empty"):
        read_header(path)
