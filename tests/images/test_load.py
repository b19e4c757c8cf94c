"""The pictures a user hands in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from sdcli.errors import BadRequest
from sdcli.images import load as images


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def box(size: tuple[int, int], white: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, white)
    return mask


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 24), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "turned.jpg", image, exif=exif)
    assert images.picture_size(path) == (24, 40)
    assert images.load_picture(path).size == (24, 40)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "clear.png", Image.new("RGBA", (8, 8), (255, 0, 0, 0)))
    assert images.load_picture(path).getpixel((3, 3)) == (255, 255, 255)


def test_sixteen_bit_and_palette_pictures_open(tmp_path: Path) -> None:
    for mode in ("P", "L", "1", "LA", "CMYK", "I;16"):
        name = "x.tif" if mode in {"CMYK", "I;16"} else "x.png"
        path = saved(tmp_path / f"{mode.replace(';', '')}{name}", Image.new(mode, (16, 8)))
        assert images.load_picture(path).mode == "RGB"


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\nxx"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(BadRequest, match="not a picture"):
        images.load_picture(path)


def test_a_cut_picture_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", Image.effect_noise((64, 64), 80))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadRequest, match="damaged"):
        images.load_picture(path)


def test_a_gigapixel_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.png", Image.new("1", (8, 8)))
    data = bytearray(path.read_bytes())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    for look in (images.picture_size, images.load_picture):
        with pytest.raises(BadRequest, match="million pixels"):
            look(path)


def test_formats_that_are_decoded_into_many_copies_may_claim_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "LARGEST_BY_FORMAT", {"WEBP": 1000})
    image = Image.new("RGB", (64, 64))
    assert images.load_picture(saved(tmp_path / "x.png", image)).size == (64, 64)
    with pytest.raises(BadRequest, match="million pixels"):
        images.load_picture(saved(tmp_path / "x.webp", image))


def test_a_mask_is_black_and_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.png", Image.linear_gradient("L"))
    assert set(images.load_mask(path).getdata()) == {0, 255}


def test_masks_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    picture = saved(tmp_path / "p.png", Image.new("RGB", (32, 16)))
    for mask, word in (
        (Image.new("L", (32, 32), 255), "32x32"),
        (Image.new("L", (32, 16), 0), "black all over"),
        (Image.new("L", (32, 16), 255), "white all over"),
    ):
        with pytest.raises(BadRequest, match=word):
            images.check_mask(saved(tmp_path / "m.png", mask), picture)
    images.check_mask(saved(tmp_path / "m.png", box((32, 16), (4, 4, 9, 9))), picture)


def test_fit_repeats_an_edge_or_covers() -> None:
    image = Image.effect_noise((61, 50), 60).convert("RGB")
    edged = images.fit_picture(image, 64, 56)
    assert edged.crop((0, 0, 61, 50)).tobytes() == image.tobytes()
    assert edged.getpixel((63, 10)) == image.getpixel((60, 10))
    assert edged.getpixel((10, 55)) == image.getpixel((10, 49))
    assert images.fit_picture(image, 128, 64).size == (128, 64)
    assert images.fit_picture(image, 61, 50) is image


def test_a_mask_whose_shape_is_in_its_alpha_is_that_shape(tmp_path: Path) -> None:
    strokes = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    strokes.paste((0, 0, 0, 255), (4, 4, 9, 9))
    mask = images.load_mask(saved(tmp_path / "m.png", strokes))
    assert mask.getbbox() == (4, 4, 9, 9)


def photo(side: int = 64) -> Image.Image:
    bands = (Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256)))
    return Image.merge("RGB", bands).resize((side, side))


def grey_photo(side: int = 64) -> Image.Image:
    return photo(side).convert("L")


@pytest.mark.parametrize("shot", [photo(), grey_photo()])
def test_a_photo_is_no_mask(tmp_path: Path, shot: Image.Image) -> None:
    picture = saved(tmp_path / "p.png", photo())
    with pytest.raises(BadRequest, match="many shades"):
        images.check_mask(saved(tmp_path / "m.jpg", shot), picture)


@pytest.mark.parametrize("shot", [photo(), grey_photo()])
def test_a_picture_and_its_mask_the_wrong_way_round_are_said_to_be(
    tmp_path: Path, shot: Image.Image
) -> None:
    picture = saved(tmp_path / "p.png", shot)
    mask = saved(tmp_path / "m.png", box((64, 64), (4, 4, 30, 30)))
    images.check_mask(mask, picture)
    with pytest.raises(BadRequest) as refusal:
        images.check_mask(picture, mask)
    assert "swapped" in str(refusal.value.hint)


def test_a_mask_with_soft_edges_is_a_mask(tmp_path: Path) -> None:
    picture = saved(tmp_path / "p.png", photo())
    soft = box((64, 64), (8, 8, 56, 56)).filter(ImageFilter.GaussianBlur(6))
    images.check_mask(saved(tmp_path / "m.png", soft), picture)


def test_a_mask_in_one_colour_with_soft_edges_is_a_mask(tmp_path: Path) -> None:
    picture = saved(tmp_path / "p.png", photo())
    black = Image.new("L", (64, 64))
    green = Image.merge("RGB", (black, box((64, 64), (9, 9, 40, 40)), black))
    images.check_mask(saved(tmp_path / "m.jpg", green), picture)


def test_only_formats_that_are_meant_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (8, 8)).save(path, "EPS")
    for look in (images.picture_size, images.load_picture):
        with pytest.raises(BadRequest, match="not a picture"):
            look(path)


def test_a_heic_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(BadRequest, match="HEIC"):
        images.load_picture(path)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is a folder"):
        images.load_picture(tmp_path)
    pipe = tmp_path / "x.png"
    os.mkfifo(pipe)
    with pytest.raises(BadRequest, match="a pipe"):
        images.load_picture(pipe)


def test_an_exif_that_breaks_pillow_only_loses_its_turn(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    exif += b"i\x87\x04\0\x01\0\0\0\xff\xff\0\0"
    path = saved(tmp_path / "x.jpg", Image.new("RGB", (40, 24)), exif=exif)
    assert images.load_picture(path).size == images.picture_size(path)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_transparent_picture_on_its_side_takes_little_more_than_its_pixels(
    tmp_path: Path,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large = Image.new("RGBA", (6000, 6000))
    path = saved(tmp_path / "x.png", large, compress_level=1, exif=exif)
    code = (
        "import re, sys; from pathlib import Path; from sdcli.images.load import load_picture; "
        "load_picture(Path(sys.argv[1])); status = Path('/proc/self/status').read_text(); "
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < 400  # 36 million pixels, 8 bytes each, and Python
