"""Files that lie about themselves: read as far as they are true, and no further."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdcli.errors import BadRequest
from sdcli.images import embedded_texts as containers
from sdcli.images import exif
from sdcli.images import load as images
from sdcli.images.formats.png import SIGNATURE


def chunk(kind: bytes, body: bytes, *, crc: int | None = None, size: int | None = None) -> bytes:
    check = zlib.crc32(kind + body) if crc is None else crc
    return (
        struct.pack(">I", len(body) if size is None else size)
        + kind
        + body
        + struct.pack(">I", check)
    )


def png(tmp_path: Path, *chunks: bytes) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    raw = path.read_bytes()
    path.write_bytes(raw[:33] + b"".join(chunks) + raw[33:])
    return path


def bomb(size: int) -> bytes:
    squeeze = zlib.compressobj()
    return b"".join(squeeze.compress(b"a" * 2**20) for _ in range(size)) + squeeze.flush()


def test_every_kind_of_text(tmp_path: Path) -> None:
    path = png(
        tmp_path,
        chunk(b"tEXt", b"latin\0caf\xe9"),
        chunk(b"tEXt", "wrong\0caf\u00e9 狐".encode()),
        chunk(b"zTXt", b"packed\0\0" + zlib.compress(b"a fox")),
        chunk(b"iTXt", "plain\0\0\0de\0Wort\0狐".encode()),
        chunk(b"iTXt", b"both\0\1\0\0\0" + zlib.compress("狐".encode())),
    )
    assert containers.read_embedded_texts(path).named == {
        "latin": "café",
        "wrong": "café 狐",
        "packed": "a fox",
        "plain": "狐",
        "both": "狐",
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (chunk(b"zTXt", b"a\0\0" + bomb(64)), "inflates to more"),
        (chunk(b"iTXt", b"a\0\1\0\0\0" + bomb(64)), "inflates to more"),
        (chunk(b"zTXt", b"a\0\0rubbish"), "damaged"),
        (chunk(b"tEXt", b"a\0b", crc=1), "checksum"),
        (chunk(b"tEXt", b"a\0" + b"b" * (9 * 2**20)), "longer than any"),
    ],
)
def test_what_is_not_read_is_said(tmp_path: Path, body: bytes, problem: str) -> None:
    texts = containers.read_embedded_texts(png(tmp_path, body, chunk(b"tEXt", b"sound\0yes")))
    assert texts.named == {"sound": "yes"}
    assert problem in texts.problems[0]
    assert problem in texts.lost["a"]


def test_many_texts_are_too_many(tmp_path: Path) -> None:
    some = [chunk(b"zTXt", b"n%d\0\0" % n + zlib.compress(b"a" * (7 * 2**20))) for n in range(8)]
    texts = containers.read_embedded_texts(png(tmp_path, *some))
    assert len(texts.named) == 4
    assert "beyond what is read" in texts.problems[0]


def test_a_length_that_is_not_there(tmp_path: Path) -> None:
    path = png(tmp_path, chunk(b"tEXt", b"a\0b", size=2**31 - 1))
    assert containers.read_embedded_texts(path).named == {}


@pytest.mark.parametrize("claim", [b"\0" * 8, b"\x7f\xff\xff\xff\x7f\xff\xff\xff"])
def test_a_picture_that_claims_to_be_huge(tmp_path: Path, claim: bytes) -> None:
    path = tmp_path / "a.png"
    body = claim + b"\x08\2\0\0\0"
    path.write_bytes(SIGNATURE + chunk(b"IHDR", body) + chunk(b"tEXt", b"a\0b"))
    assert containers.read_embedded_texts(path).named == {"a": "b"}
    with pytest.raises(BadRequest):
        images.picture_size(path)


@pytest.mark.parametrize("entries", [{}, {0x9286: b"UNICODE\0" + "狐".encode("utf-16-be")}])
@pytest.mark.parametrize("name", ["", "abc", "sdcli 0.1.0"])
def test_exif_is_what_others_read(tmp_path: Path, entries: dict[int, bytes], name: str) -> None:
    block = exif.write_exif(name, entries)
    path = tmp_path / "a.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=block)
    with Image.open(path) as image:
        found = image.getexif()
        assert found.get(0x0131, "") == name
        assert dict(found.get_ifd(0x8769)) == entries
    assert exif.read_exif(block).get(0x9286, b"") == entries.get(0x9286, b"")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"MM",
        b"MM\0\x2a\xff\xff\xff\xff",
        b"II\x2a\0\x08\0\0\0" + b"\xff" * 40,
        # A folder that is its own subfolder.
        b"MM\0\x2a\0\0\0\x08" + b"\0\1" + struct.pack(">HHII", 0x8769, 4, 1, 8) + b"\0" * 4,
    ],
)
def test_rubbish_is_no_exif(rubbish: bytes) -> None:
    assert exif.read_exif(rubbish) == {}


def test_a_jpeg_that_never_ends_its_headers(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + b"\xff\xfe\0\2" * 300_000)
    assert containers.read_embedded_texts(path).named == {}


def test_text_with_info_of_every_sort(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_itxt("Title", "狐", lang="ja", tkey="題")
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    assert containers.read_embedded_texts(path).named == {"Title": "狐"}
