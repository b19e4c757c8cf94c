"""What the fuzzer does to sound inputs."""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import Any

from sdcli.images.formats.png import SIGNATURE
from sdcli.weights.safetensors import ITEM_SIZES

PIECES = (
    b"Steps: 20, ", b"Negative prompt: ", b'"', b"\\", b"{", b"[", b"}", b"]", b",", b":", b"\n",
    b"\0", b"<lora:x:1>", b'{"sdcli":', b"1e999", b"NaN", b"-1", b"9" * 400, b"null", b"true",
    b'"prompt"', b"UNICODE\0", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 2_000, b'{"a":' * 2_000,
    b"&quot;", b"\xff\xd8\xff\xe1", b"IHDR", b"iTXt", b"zTXt", b"eXIf", b"RIFF", b"VP8X", b"EXIF",
    b"MM\0\x2a", b"II\x2a\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"stealth_pngcomp",
)  # fmt: skip
OPCODES = (
    b"(", b")", b".", b"0", b"1", b"2", b"N", b"}", b"]", b"t", b"u", b"s", b"a", b"e", b"b", b"R",
    b"\x81", b"\x85", b"\x86", b"\x87", b"\x88", b"\x8f", b"\x90", b"\x91", b"\x92", b"\x93", b"\x94",
    b"Q", b"o", b"q\x00", b"h\x00", b"h\x01", b"h\x05", b"r\xff\xff\xff\x7f", b"j\x03\0\0\0",
    b"K\x07", b"J\xff\xff\xff\xff", b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"I-7\n",
    b"F1e999\n", b"S'a'\n", b"X\x01\0\0\0a", b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch\nHalfStorage\n", b"ccollections\nOrderedDict\n", b"cnumpy\nx\n", b"itorch\nx\n",
    b"\x85" * 5_000, b"(" * 5_000, b"2a" * 5_000, b"cbuiltins\nset\n", b"c_codecs\nencode\n",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 7, 0.5, 1e308, 2**31, 2**47, 2**63, int("9" * 400), "", "x", "F16", "F64",
    "I64", "U8", "F8_E4M3", [], {}, [[]], [0], [1] * 17, [0, 0], {"a": []}, "\ud800", "\0",
)  # fmt: skip
SIDES = (0, 1, 2, 3, 4, 7, 8, 9, 16, 32, 64, 77, 96, 320, 768, 1024, 1280, 2048, 49408, 2**20)


def spoilt(raw: bytes, dice: random.Random, sound: list[bytes]) -> bytes:
    """The bytes after a few accidents."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at, piece = dice.randrange(len(data) + 1), dice.choice(PIECES)
        match dice.randrange(7):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                data[at:at] = piece
            case 2:
                data[at : at + len(piece)] = piece
            case 3:
                del data[at : at + dice.choice((1, 4, 64, len(data)))]
            case 4:
                data[at:at] = data[at : at + dice.choice((8, 64, 512))] * dice.choice((1, 3, 50))
            case 5:
                other = dice.choice(sound)
                start = dice.randrange(len(other) + 1)
                data[at:at] = other[start : start + dice.choice((16, 256))]
            case _:
                data[at : at + 4] = struct.pack(
                    ">I", dice.choice((0, 1, 2**31 - 1, len(data), 255))
                )
        del data[500_000:]
    return bytes(data)


def mended(raw: bytes) -> bytes:
    """A PNG with the right checksums over whatever its chunks now hold: else none is looked at."""
    data, at = bytearray(raw), len(SIGNATURE)
    while raw.startswith(SIGNATURE) and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


def spoilt_pickle(raw: bytes, dice: random.Random, sound: list[bytes]) -> bytes:
    """The same with instructions put in, left out or done twice, where a pickle begins."""
    data = bytearray(raw)
    start = max(data.find(b"\x80\x02"), 0)
    end = max(data.rfind(b".PK"), start + 1)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        at = dice.randrange(start, max(start + 1, min(end, len(data))))
        match dice.randrange(4):
            case 0:
                data[at : at + 1] = dice.choice(OPCODES)
            case 1:
                data[at:at] = dice.choice(OPCODES)
            case 2:
                del data[at : at + dice.choice((1, 2, 8))]
            case _:
                data[at:at] = data[at : at + dice.choice((1, 8, 64))] * dice.choice((1, 3))
    return bytes(data) if dice.random() < 0.8 else spoilt(bytes(data), dice, sound)


def rezipped(code: bytes) -> bytes:
    """A pickle in a zip of the right sizes: else its sizes are all that is looked at."""
    name = b"x/data.pkl"
    local = b"PK\x03\x04" + struct.pack(
        "<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, len(code), len(code), len(name), 0
    )
    place = len(local) + len(name) + len(code)
    listed = b"PK\x01\x02" + struct.pack(
        "<HHHHHHIIIHHHHHII",
        20,
        20,
        0,
        0,
        0,
        0,
        0,
        len(code),
        len(code),
        len(name),
        0,
        0,
        0,
        0,
        0,
        0,
    )
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listed) + len(name), place, 0)
    return local + name + code + listed + name + end


def spoilt_header(
    shapes: dict[str, tuple[int, ...]], metadata: dict[str, str], dice: random.Random
) -> tuple[bytes, int]:
    """A safetensors header after a few accidents, and how long its file must be to be believed."""
    tensors: dict[str, Any] = {name: list(shape) for name, shape in shapes.items()}
    for _ in range(dice.choice((0, 1, 1, 2, 4, 16))):
        _spoil_shapes(tensors, dice)
    entries: dict[str, Any] = {}
    at = 0
    for name, shape in tensors.items():
        dtype = dice.choice(tuple(ITEM_SIZES)) if dice.random() < 0.01 else "F16"
        size = ITEM_SIZES[dtype]
        for side in shape:
            size *= side
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    texts: dict[str, Any] = {key: metadata[key] for key in metadata if dice.random() < 0.5}
    for key in list(texts):
        if dice.random() < 0.3:
            texts[key] = _spoilt_json(texts[key], dice)
    entries["__metadata__"] = texts
    if dice.random() < 0.3:
        name = dice.choice(list(entries))
        inner = dice.choice(("dtype", "shape", "data_offsets"))
        entries[name] = (
            dice.choice(ODD) if dice.random() < 0.3 else {**entries[name], inner: dice.choice(ODD)}
        )
    return json.dumps(entries).encode(), min(at, 1 << 43)


def _spoil_shapes(tensors: dict[str, Any], dice: random.Random) -> None:
    if not tensors:
        return
    name = dice.choice(list(tensors))
    shape = tensors[name]
    match dice.randrange(6):
        case 0:
            del tensors[name]
        case 1 if shape:
            shape[dice.randrange(len(shape))] = dice.choice(SIDES)
        case 2:
            tensors[name] = [dice.choice(SIDES[:12]) for _ in range(dice.randrange(6))]
        case 3:
            other = dice.choice(list(tensors))
            tensors[name], tensors[other] = tensors[other], tensors[name]
        case 4:
            tensors[_renamed(name, dice)] = tensors.pop(name)
        case _:
            prefix = name.rpartition(".")[0][: dice.choice((8, 20, 40))]
            for each in [each for each in tensors if each.startswith(prefix)]:
                del tensors[each]


def _renamed(name: str, dice: random.Random) -> str:
    words = name.split(".")
    words[dice.randrange(len(words))] = dice.choice(
        ("0", "999999", "x", "weight", "lora_up", "scale_weight", "absmax", "conv_in", "é", "")
    )
    return ".".join(words)


def _spoilt_json(text: str, dice: random.Random) -> str:
    try:
        table: Any = json.loads(text)
    except ValueError:
        return dice.choice(("{", "[", "null", "[" * 20_000, text * 3, "9" * 5_000))
    if isinstance(table, dict) and table and dice.random() < 0.8:
        table[dice.choice(list(table))] = dice.choice(ODD)  # pyright: ignore
        return json.dumps(table)
    return json.dumps(dice.choice(ODD))
