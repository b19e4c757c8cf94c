"""What stands behind the things: plain colours, and twelve places by day, at sunset and at night.

A place is painted in layers from far to near on a `Stage`, which knows how cut paper casts
shadows. Whatever the caption leaves open (hills, clouds, the moon, windows) is rolled anew.
"""

from __future__ import annotations

import random

from brush import RGB, mix
from countryside import desert, forest, hill, meadow, mountains, snow
from elsewhere import city, room, space
from shores import beach, sea, underwater
from sky import paint_sky
from stage import TIMELESS, WHITE, Land, Stage


def paint_plain(stage: Stage, base: RGB, dice: random.Random) -> None:
    """One colour, in some light."""
    light, deep = (
        mix(base, WHITE, dice.uniform(0.04, 0.14)),
        mix(base, (10, 8, 30), dice.uniform(0.02, 0.1)),
    )
    stops = (light, base, deep) if dice.random() < 0.8 else (deep, base, light)
    stage.sky(stops if not stage.paper else (base, base), 1.0)
    if dice.random() < 0.5:
        stage.glow(dice.random(), dice.random(), dice.uniform(0.4, 0.7), light, 130)


def paint_place(stage: Stage, land: Land, dice: random.Random) -> None:
    """A place, with its sky."""
    if land.place not in ("room", *TIMELESS):
        paint_sky(stage, land, dice)
    _PLACES[land.place](stage, land, dice)


_PLACES = {
    "meadow": meadow, "hill": hill, "beach": beach, "sea": sea, "forest": forest, "city": city,
    "room": room, "snow": snow, "desert": desert, "mountains": mountains, "space": space,
    "underwater": underwater,
}  # fmt: skip
