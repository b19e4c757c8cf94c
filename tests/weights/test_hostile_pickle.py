"""Pickles and zips made to do harm: to the next file, to memory, to patience."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from sdcli.engine.read_tensors import load_tensors
from sdcli.errors import BadRequest
from sdcli.weights.pickle import read_pickle
from sdcli.weights.read_header import read_header

pytestmark = pytest.mark.slow

HEAD = b"\x80\x02"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
ORDERED = b"ccollections\nOrderedDict\n"
STORAGE = (
    b"(X\x07\x00\x00\x00storagectorch\nHalfStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
)


def text(word: str) -> bytes:
    raw = word.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def tensor(
    start: bytes = b"K\x00", shape: bytes = b"K\x04\x85", strides: bytes = b"K\x01\x85"
) -> bytes:
    """A pickle's words for a tensor of four halves."""
    return TENSOR + b"(" + STORAGE + start + shape + strides + b"\x89" + ORDERED + b")RtR"


def zipped(path: Path, code: bytes, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", code)
        archive.writestr("x/data/0", b"12345678")
        for name, raw in entries.items():
            archive.writestr(f"x/{name}", raw)
    return path


def sound(path: Path) -> Path:
    return zipped(path, HEAD + b"}" + text("a") + tensor() + b"s.")


@pytest.mark.parametrize(
    "poison",
    [
        # state for what is shared by every file: a builder, its defaults, a class, a dtype
        TENSOR + b"}" + text("__kwdefaults__") + b"}" + text("dtype") + text("I64") + b"ssb",
        TENSOR + b"}" + text("__defaults__") + text("I64") + b"\x85sb",
        ORDERED + b"}" + text("get") + b"Nsb",
        b"ctorch\nHalfStorage\n}" + text("dtype") + text("F64") + b"sb",
        b"cnumpy\nndarray\n}" + text("held") + b"Nsb",
        STORAGE + b"}" + text("dtype") + text("F64") + b"sb",
        tensor() + b"}" + text("shape") + b")sb",
        ORDERED + b")R}" + text("items") + b"Nsb",
    ],
)  # fmt: skip
def test_a_file_changes_nothing_for_the_next_one(tmp_path, poison):
    good = sound(tmp_path / "good.pt")
    before = load_tensors(good)["a"]
    read_pickle(zipped(tmp_path / "bad.pt", HEAD + poison + b"0}" + text("a") + tensor() + b"s."))
    assert read_header(good).tensors["a"].shape == (4,)
    assert torch.equal(load_tensors(good)["a"], before)


@pytest.mark.parametrize(
    "code",
    [
        b")" + b"\x85" * 1_100_000 + b".",  # a million tuples, each in the next
        b"}" + b")" + b"\x85" * 500_000 + b"N" + b"s.",  # as a key
        b"]" + b"2a" * 600_000 + b".",  # a list in itself, for ever
        b"(" * 20_000 + b".",
        b"}" + b"r\xff\xff\xff\xff" + b"j\xfe\xff\xff\xff.",  # a memo of four thousand million
        b"X\xff\xff\xff\x7f.",
        b"\x8e" + struct.pack("<Q", 1 << 62) + b".",
        b"\x8b\xff\xff\xff\xff.",
        b"\x8b" + struct.pack("<i", 1 << 20) + b"\xff" * (1 << 20) + b".",
        b"I" + b"9" * 5_000 + b"\n.",
        b"\x97.",
        b"\x82\x01.",
        b"R.",
        b"b.",
        b"",
    ],
    ids=range(15),
)  # fmt: skip
def test_no_pickle_is_too_deep_or_too_long(tmp_path, code):
    try:
        assert read_pickle(zipped(tmp_path / "x.pt", HEAD + code)).tensors == {}
    except BadRequest as error:
        assert "damaged" in error.fact


def test_graphs_of_tuples_and_tables_in_themselves_come_to_an_end(tmp_path):
    doubled = HEAD + b")" + b"q\x00h\x00\x86" * 1 + b"q\x00h\x00\x86" * 60 + b"."
    assert read_pickle(zipped(tmp_path / "graph.pt", doubled)).tensors == {}
    inside = HEAD + b"}q\x00" + b"".join(text(f"k{n}") + b"h\x00s" for n in range(100))
    itself = zipped(tmp_path / "self.pt", inside + text("state_dict") + b"h\x00s.")
    assert read_pickle(itself).tensors == {}
    with pytest.raises(BadRequest, match="damaged"):  # a hundred hundred hundred tensors
        read_pickle(zipped(tmp_path / "many.pt", inside + text("a") + tensor() + b"s" + b"".join(
            text(f"t{n}") + tensor() + b"s" for n in range(200)) + b"."))  # fmt: skip


def test_only_texts_and_whole_numbers_are_keys(tmp_path):
    keys = (
        b"N",
        b")",
        b"G" + struct.pack(">d", 0.5),
        b"]",
        b"cnumpy\ndtype\n",
        b"K\x07",
        text("a"),
    )
    code = HEAD + b"}" + b"".join(key + tensor() + b"s" for key in keys) + b"."
    assert list(read_pickle(zipped(tmp_path / "x.pt", code)).tensors) == ["7", "a"]


@pytest.mark.parametrize(
    ("start", "shape", "strides"),
    [
        (b"G" + struct.pack(">d", 0.25), b"K\x04\x85", b"K\x01\x85"),
        (b"J" + struct.pack("<i", -100_000), b"K\x04\x85", b"K\x01\x85"),
        (b"\x88", b"K\x04\x85", b"K\x01\x85"),
        (b"K\x00", b"J" + struct.pack("<i", -4) + b"\x85", b"K\x01\x85"),
        (b"K\x00", b"K\x04\x85", b")"),
        (b"K\x00", b"N", b"N"),
        (b"K\x00", b"(" + b"K\x01" * 40 + b"t", b"(" + b"K\x01" * 40 + b"t"),
        (b"K\x00", b"\x8a\x06" + bytes(5) + b"\x01\x85", b"K\x00\x85"),  # 2**40 times one number
    ],
)
def test_windows_that_cannot_be(tmp_path, start, shape, strides):
    code = HEAD + b"}" + text("a") + tensor(start, shape, strides) + b"s."
    with pytest.raises(BadRequest, match="damaged"):
        read_pickle(zipped(tmp_path / "x.pt", code))


@pytest.mark.parametrize(
    "view", [b"G" + struct.pack(">d", 0.25), b"J" + struct.pack("<i", -100_000)]
)
def test_a_storage_that_begins_where_none_can(tmp_path, view):
    pid = STORAGE.removesuffix(b"tQ") + b"(" + text("v") + view + b"K\x04ttQ"
    code = HEAD + b"}" + text("a") + tensor().replace(STORAGE, pid) + b"s."
    with pytest.raises(BadRequest, match="damaged"):
        read_pickle(zipped(tmp_path / "x.pt", code))


@pytest.mark.parametrize("order", [b"", b"middle", b"LITTLE", b"\xff" * 16, b"little" * 100])
def test_an_odd_order_of_bytes(tmp_path, order):
    path = zipped(tmp_path / "x.pt", HEAD + b"}.", byteorder=order)
    with pytest.raises(BadRequest, match="damaged"):
        read_pickle(path)


def test_encrypted_and_compressed_entries(tmp_path):
    raw = bytearray(sound(tmp_path / "x.pt").read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    (tmp_path / "locked.pt").write_bytes(raw)
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", HEAD + b"}." + bytes(1 << 20))
    for path in (tmp_path / "locked.pt", packed):
        with pytest.raises(BadRequest, match="is not what PyTorch writes"):
            read_pickle(path)


def test_a_zip_spoilt_anywhere_is_an_error_or_reads(tmp_path):
    raw = sound(tmp_path / "x.pt").read_bytes()
    path = tmp_path / "spoilt.pt"
    for at in range(0, len(raw)):
        for byte in (0, 0xFF):
            path.write_bytes(raw[:at] + bytes([byte]) + raw[at + 1 :])
            with contextlib.suppress(BadRequest):
                read_pickle(path)


def test_what_pickle_itself_writes_is_read_alike(tmp_path):
    value = {
        "a": [1, -5, 1 << 40, 0.5, None, True, b"x"],
        "ü": ("t", {"z": ()}),
        3: {1, 2},
        "s": "'",
    }
    for protocol in range(6):
        code = pickle.dumps(value, protocol)
        facts = read_pickle(zipped(tmp_path / f"{protocol}.pt", code)).facts
        assert facts == {"s": "'"}
    stream = io.BytesIO()
    torch.save({"a": torch.arange(4)}, stream)
    (tmp_path / "y.pt").write_bytes(stream.getvalue())
    assert read_pickle(tmp_path / "y.pt").tensors["a"].dtype == "I64"
