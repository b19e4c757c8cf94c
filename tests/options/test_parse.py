"""Values as they are spoken."""

from pathlib import Path

import pytest

from sdcli.errors import BadRequest
from sdcli.options.adapter_values import ControlSpec, parse_control, parse_lora
from sdcli.options.parse import Real, parse_finite
from sdcli.request import Control, Lora


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ink", Lora("ink")),
        ("ink.safetensors:0.8", Lora("ink.safetensors", 0.8, 0.8)),
        ("ink:0.8,te=0.5", Lora("ink", 0.8, 0.5)),
        ("ink:te=0.5", Lora("ink", 1.0, 0.5)),
        ("ink:-1", Lora("ink", -1.0, -1.0)),
        ("ink:0", Lora("ink", 0.0, 0.0)),
        ("builtin:pencil", Lora("builtin:pencil")),
        ("builtin:pencil:.5", Lora("builtin:pencil", 0.5, 0.5)),
        ("C:\\loras\\ink", Lora("C:\\loras\\ink")),
        ("a:b:2,unet=1", Lora("a:b", 1.0, 2.0)),
    ],
)
def test_loras(text: str, meant: Lora) -> None:
    assert parse_lora(text) == meant


def test_controls(tmp_path: Path) -> None:
    picture = tmp_path / "edges:1.png"
    picture.write_bytes(b"")
    assert parse_control("cn:map.png") == Control("cn", Path("map.png"))
    assert parse_control("cn:map.png:0.5@0-0.6") == Control("cn", Path("map.png"), 0.5, 0.0, 0.6)
    assert parse_control(f"cn:{picture}:2") == Control("cn", picture, 2.0)


@pytest.mark.parametrize("text", ["cn", "cn:", ":map.png", "cn:map.png@0.6-0.2", "cn:m.png@0-1.5"])
def test_controls_that_name_nothing(text: str) -> None:
    with pytest.raises(BadRequest):
        ControlSpec()(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "x", ""])
def test_numbers_are_numbers(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_finite(text)


def test_negative_where_it_cannot_be() -> None:
    assert Real(0, 100)("0") == 0
    with pytest.raises(BadRequest, match="-0.1 is negative"):
        Real(0, 100)("-0.1")
