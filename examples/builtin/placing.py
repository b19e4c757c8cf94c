"""Where things go: on the ground if they stand, in the air if they fly, and two of them so that
their relation can be seen.
"""

from __future__ import annotations

import random
from dataclasses import replace

from stage import Land, Plain
from things import KINDS
from world import Spot, Thing


def placed(
    things: list[Thing],
    count: int,
    side: float,
    where: str,
    backdrop: Plain | Land,
    dice: random.Random,
) -> tuple[Thing, ...]:
    """The things with their spots: a pair, a row of `count`, or one of `side`."""
    if len(things) == 2:
        return _pair(things[0], things[1], where, backdrop, dice)
    if count > 1:
        return (replace(things[0], spots=_row(things[0], count, backdrop, dice)),)
    return (replace(things[0], spots=(_single(things[0], side, where, backdrop, dice),)),)


def _spot(thing: Thing, x: float, side: float, backdrop: Plain | Land, dice: random.Random) -> Spot:
    """A thing at x: on the ground if it stands, in the air if it flies, in the water if it
    swims.
    """
    flies = thing.shape in KINDS[thing.kind].air
    flip, stretch = dice.random() < 0.5, dice.uniform(0.9, 1.1)
    if thing.kind in ("circle", "square", "star"):
        stretch = 1.0
    tilt = dice.uniform(-11, 11) if flies and thing.kind != "balloon" else 0.0
    low, high = side / 2 + 0.03, 0.97 - side / 2
    if isinstance(backdrop, Plain):
        return Spot(x, dice.uniform(low, max(low, high)), side, flip, tilt, stretch)
    swims = backdrop.place in ("underwater", "space") and (
        flies or (KINDS[thing.kind].wet and thing.kind != "boat")
    )
    if swims:
        return Spot(x, dice.uniform(low, max(low, high - 0.1)), side, flip, tilt, stretch)
    if flies:
        return Spot(
            x,
            dice.uniform(low, max(low, backdrop.horizon + 0.1 - side / 2)),
            side,
            flip,
            tilt,
            stretch,
        )
    reach = {
        "room": 0.1,
        "beach": 0.27,
        "space": 0.26,
        "underwater": 0.27,
        "hill": 0.02,
        "sea": 0.1,
    }
    top = max(backdrop.ground(x) + reach.get(backdrop.place, 0.12), side + 0.03)
    foot = dice.uniform(min(top, 0.96), min(0.97, max(top, 0.9)))
    if backdrop.place == "hill":
        foot = min(0.97, top + dice.uniform(0.0, 0.12))
    return Spot(x, foot - side / 2, side, flip, tilt, stretch)


def _row(thing: Thing, count: int, backdrop: Plain | Land, dice: random.Random) -> tuple[Spot, ...]:
    """Two or three of a kind, side by side."""
    side = dice.uniform(0.41, 0.48) if count == 2 else dice.uniform(0.3, 0.34)
    spots = []
    for k in range(count):
        x = (k + 0.5) / count + dice.uniform(-0.03, 0.03)
        spot = _spot(thing, x, side * dice.uniform(0.92, 1.08), backdrop, dice)
        if isinstance(backdrop, Plain):
            spot = replace(spot, y=0.5 + 0.5 * (spot.y - 0.5))
        spots.append(spot)
    return tuple(spots)


def _single(
    thing: Thing, side: float, where: str, backdrop: Plain | Land, dice: random.Random
) -> Spot:
    x = {
        "left": dice.uniform(0.22, 0.31),
        "right": dice.uniform(0.69, 0.78),
        "middle": dice.uniform(0.46, 0.54),
    }.get(where, dice.uniform(side / 2 + 0.02, 0.98 - side / 2))  # fmt: skip
    if where in ("left", "right", "top", "bottom"):
        side = min(side, 0.5)
    spot = _spot(thing, x, side, backdrop, dice)
    if isinstance(backdrop, Plain) and where:
        y = {"top": dice.uniform(0.23, 0.31), "bottom": dice.uniform(0.69, 0.77)}.get(
            where, 0.5 + dice.uniform(-0.06, 0.06)
        )
        spot = replace(spot, y=y)
    return spot


def _pair(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Thing, Thing]:
    """Two things, each in its place."""
    place = _PAIRS.get(relation, _beside)
    first, second = place(a, b, relation, backdrop, dice)
    return replace(a, spots=(first,)), replace(b, spots=(second,))


def _beside(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Spot, Spot]:
    near, far = dice.uniform(0.24, 0.28), dice.uniform(0.72, 0.76)
    left = relation == "left" or (relation == "beside" and dice.random() < 0.5)
    xs = (near, far) if left else (far, near)
    spots = [
        _spot(t, x, dice.uniform(0.42, 0.5), backdrop, dice)
        for t, x in zip((a, b), xs, strict=True)
    ]
    if isinstance(backdrop, Plain):
        spots = [replace(s, y=0.5 + 0.35 * (s.y - 0.5)) for s in spots]
    return spots[0], spots[1]


def _above(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Spot, Spot]:
    x = dice.uniform(0.3, 0.7)
    upper, lower = (a, b) if relation == "above" else (b, a)
    side = dice.uniform(0.38, 0.46)
    low = _spot(lower, x + dice.uniform(-0.08, 0.08), dice.uniform(0.4, 0.47), backdrop, dice)
    low = replace(low, y=max(low.y, dice.uniform(0.72, 0.76)))
    high = _spot(upper, x + dice.uniform(-0.08, 0.08), side, backdrop, dice)
    high = replace(
        high,
        y=dice.uniform(
            side / 2 + 0.02, max(side / 2 + 0.03, low.y - low.side / 2 - side / 2 - 0.03)
        ),
    )
    return (high, low) if relation == "above" else (low, high)


def _on(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Spot, Spot]:
    side, over = dice.uniform(0.48, 0.56), dice.uniform(0.38, 0.44)
    low = replace(_spot(b, dice.uniform(0.3, 0.7), side, backdrop, dice), tilt=0.0, stretch=1.06)
    low = replace(low, y=max(low.y, 0.72))
    top = low.y - side / 2 + (KINDS[b.kind].top or 0) * side + 0.02
    x = low.x + dice.uniform(-0.05, 0.05)
    return Spot(x, top - over / 2, over, dice.random() < 0.5), low


def _front(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Spot, Spot]:
    side, small = dice.uniform(0.62, 0.74), dice.uniform(0.38, 0.44)
    x = dice.uniform(0.34, 0.66)
    large = _spot(b if relation == "front" else a, x, side, backdrop, dice)
    large = replace(large, y=min(large.y, 0.9 - side / 2))
    shift = dice.choice((-1, 1)) * dice.uniform(0.12, 0.22)
    foot = min(0.98, large.y + side / 2 + dice.uniform(0.03, 0.08))
    near = Spot(min(0.84, max(0.16, x + shift)), foot - small / 2, small, dice.random() < 0.5)
    return (near, large) if relation == "front" else (large, near)


def _holding(
    a: Thing, b: Thing, relation: str, backdrop: Plain | Land, dice: random.Random
) -> tuple[Spot, Spot]:
    side, small = dice.uniform(0.62, 0.72), dice.uniform(0.34, 0.4)
    flip = dice.random() < 0.5
    x = dice.uniform(0.5, 0.64) if flip else dice.uniform(0.36, 0.5)
    holder = replace(_spot(a, x, side, backdrop, dice), flip=flip, tilt=0.0, stretch=1.0)
    holder = replace(holder, y=max(holder.y, 0.66))
    hand, grip = KINDS[a.kind].hand, KINDS[b.kind].grip
    assert hand and grip
    at = x + side * (0.5 - hand[0] if flip else hand[0] - 0.5), holder.y + side * (hand[1] - 0.5)
    held = Spot(
        at[0] - small * (0.5 - grip[0] if flip else grip[0] - 0.5),
        at[1] - small * (grip[1] - 0.5),
        small,
        flip,
    )
    return holder, held


_PAIRS = {
    "above": _above,
    "below": _above,
    "on": _on,
    "front": _front,
    "behind": _front,
    "holding": _holding,
}
