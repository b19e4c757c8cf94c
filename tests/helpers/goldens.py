"""Golden pictures: drawn once, looked at, kept. `python -m tests.helpers.goldens` draws them anew.

They hold the whole road together: vocabulary, text encoder, guidance, solver, U-Net, VAE. Run it only
after a change that is meant to change pictures, and look at every one before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from sdcli.cli import console
from sdcli.engine.session import Session
from sdcli.planning.resolve import make_plan
from sdcli.request import Draw, Redraw, Repaint, Request

FOLDER = Path(__file__).parents[1] / "golden"
START = FOLDER / "start.png"  # what is redrawn and repainted
MASK = FOLDER / "mask.png"
SAME = {"model": "builtin", "steps": 20, "seed": 1, "device": "cpu", "dtype": "fp32"}
CASES = {
    "start": Request(Draw(), "a red house by the sea at night", **SAME),
    "negative": Request(
        Draw(), "a (yellow:1.3) star on a purple background", negative="a circle", **SAME
    ),
    "ancestral": Request(Draw(), "a green tree in the snow", scheduler="euler-a", **SAME),
    "second-order": Request(Draw(), "a blue boat at sunset", scheduler="heun", **SAME),
    "redrawn": Request(Redraw(START, 0.9), "a red house by the sea in the daytime", **SAME),
    "repainted": Request(Repaint(START, MASK, 1.0, 8), "a blue house by the sea at night", **SAME),
}


def drawn() -> Iterator[tuple[str, Image.Image]]:
    """Every case and its picture, as it is drawn here and now."""
    session = Session()
    for name, request in CASES.items():
        yield name, next(session.run(make_plan(request))).image


def main() -> None:
    """Draw every golden picture anew."""
    mask = Image.new("L", (192, 192), 0)
    mask.paste(255, (36, 36, 156, 168))
    mask.save(MASK)
    for name, image in drawn():
        image.save(FOLDER / f"{name}.png")
        console.print_result(str(FOLDER / f"{name}.png"))


if __name__ == "__main__":
    main()
