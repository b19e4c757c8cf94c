"""The model in the box draws what it is asked for, measured on the pixels alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sdcli.engine.session import Session
from sdcli.plan import Plan
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Request

PALETTE = {
    "red": (212, 44, 46),
    "orange": (242, 138, 34),
    "yellow": (250, 214, 60),
    "green": (52, 152, 78),
    "blue": (46, 98, 206),
    "purple": (132, 72, 188),
    "pink": (246, 146, 186),
    "black": (36, 34, 42),
    "white": (246, 244, 240),
    "turquoise": (56, 190, 186),
}
ASKED = [
    ("red", "circle", "white"),
    ("blue", "square", "yellow"),
    ("green", "triangle", "pink"),
    ("yellow", "star", "purple"),
    ("white", "heart", "red"),
    ("black", "cat", "orange"),
    ("purple", "mushroom", "white"),
    ("orange", "car", "blue"),
    ("pink", "flower", "green"),
    ("red", "house", "turquoise"),
    ("turquoise", "fish", "black"),
    ("yellow", "boat", "blue"),
]
STEPS = 12


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def asked(prompt: str, **more: object) -> Plan:
    return make_plan(Request(Draw(), prompt, model="builtin", steps=STEPS, seed=11, **more))


def colour(pixels: np.ndarray) -> str:
    """The palette's name for the middle of these pixels."""
    middle = np.median(pixels.reshape(-1, 3), axis=0)
    return min(PALETTE, key=lambda name: float(np.abs(middle - PALETTE[name]).sum()))


def background(image: Image.Image) -> str:
    pixels = np.asarray(image, float)
    edge = max(4, image.width // 16)
    return colour(np.concatenate([pixels[:edge].reshape(-1, 3), pixels[-edge:].reshape(-1, 3)]))


def middle(image: Image.Image) -> str:
    width, height = image.size
    box = (width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8)
    return colour(np.asarray(image.crop(box), float))


@pytest.fixture(scope="module")
def drawn(session: Session, tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    return [
        next(session.run(asked(f"a {own} {thing} on a {around} background"))).image
        for own, thing, around in ASKED
    ]


def test_backgrounds_have_the_colour_that_was_asked_for(drawn: list[Image.Image]) -> None:
    found = [background(image) for image in drawn]
    right = sum(name == around for name, (_, _, around) in zip(found, ASKED, strict=True))
    assert right >= len(ASKED) - 2, found


def test_things_have_the_colour_that_was_asked_for(drawn: list[Image.Image]) -> None:
    found = [middle(image) for image in drawn]
    right = sum(name == own for name, (own, _, _) in zip(found, ASKED, strict=True))
    assert right >= len(ASKED) - 3, found


def test_a_negative_prompt_steers_away(session: Session) -> None:
    """Asked for a plain picture and away from a colour, the picture has less of it."""
    plain = asked("a star on a background")
    away = replace(plain, negative=f"a {background(next(session.run(plain)).image)} background")
    before, after = (next(session.run(each)).image for each in (plain, away))
    assert background(before) != background(after)


def test_it_is_the_model_when_none_is_named(sdcli: Callable) -> None:
    ran = sdcli("txt2img", "a red house", "--steps", 1, "--seed", 1)
    assert ran.code == 0 and "built-in model" in ran.err
    again = sdcli("txt2img", "a red house", "--steps", 1, "--seed", 2)
    assert "built-in model" not in again.err  # said once
    assert "builtin" in sdcli("models").out
