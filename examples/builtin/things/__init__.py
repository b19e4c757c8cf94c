"""All the things of the world: what draws them, how they stand, what they can do to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brush import Brush, Point

from things import animals as a
from things import buildings as b
from things import nature as n
from things import objects as o
from things import people as p
from things import vehicles as v

Painter = Callable[[Brush], None]


@dataclass(frozen=True)
class Kind:
    """A kind of thing. Its shapes look different and are called the same; `air` says which of
    them fly. `hand` is where it holds what has a `grip`; `top` is the height on which another
    can stand.
    """

    shapes: tuple[Painter, ...]
    air: tuple[int, ...] = ()
    hand: Point | None = None
    grip: Point | None = None
    top: float | None = None
    wet: bool = False  # at home in water

    @property
    def floats(self) -> bool:
        """Whether every shape is at home in the air."""
        return len(self.air) == len(self.shapes)


KINDS: dict[str, Kind] = {
    "circle": Kind((n.circle, n.circle_ring), (0, 1)),
    "square": Kind((n.square, n.square_round), (0, 1), top=0.06),
    "triangle": Kind((n.triangle, n.triangle_round), (0, 1)),
    "star": Kind((n.star, n.star_six, n.star_soft), (0, 1, 2), grip=(0.5, 0.8)),
    "heart": Kind((n.heart, n.heart_slim), (0, 1), grip=(0.5, 0.9)),
    "cat": Kind((a.cat_sits, a.cat_walks, a.cat_lies)),
    "dog": Kind((a.dog_sits, a.dog_stands)),
    "rabbit": Kind((a.rabbit_sits, a.rabbit_hops)),
    "bear": Kind((a.bear_sits, a.bear_walks), hand=(0.82, 0.68)),
    "fox": Kind((a.fox_sits, a.fox_walks)),
    "bird": Kind((a.bird_sits, a.bird_flies), (1,)),
    "owl": Kind((a.owl, a.owl_flies), (1,)),
    "penguin": Kind((a.penguin, a.penguin_walks), hand=(0.88, 0.7)),
    "duck": Kind((a.duck, a.duck_stands), wet=True),
    "fish": Kind((a.fish, a.fish_round), (0, 1), wet=True),
    "whale": Kind((a.whale, a.whale_leaps), wet=True),
    "turtle": Kind((a.turtle, a.turtle_swims), top=0.3),
    "butterfly": Kind((a.butterfly, a.butterfly_side), (0, 1)),
    "elephant": Kind((a.elephant, a.elephant_faces), top=0.2),
    "girl": Kind((p.girl, p.girl_waves), hand=(0.82, 0.6)),
    "boy": Kind((p.boy, p.boy_in_cap), hand=(0.82, 0.62)),
    "wizard": Kind((p.wizard, p.wizard_casts), hand=(0.8, 0.62)),
    "robot": Kind((p.robot, p.robot_round), hand=(0.87, 0.66)),
    "snowman": Kind((p.snowman, p.snowman_in_cap), hand=(0.93, 0.43)),
    "ghost": Kind((p.ghost, p.ghost_drifts), (0, 1), hand=(0.88, 0.57)),
    "tree": Kind((n.tree_round, n.tree_pine, n.tree_palm, n.tree_poplar)),
    "flower": Kind((n.flower_daisy, n.flower_tulip, n.flower_five), grip=(0.5, 0.8)),
    "mushroom": Kind((n.mushroom, n.mushroom_tall), top=0.03),
    "cactus": Kind((n.cactus, n.cactus_pot)),
    "apple": Kind((n.apple, n.apple_bitten), grip=(0.5, 0.85)),
    "pumpkin": Kind((n.pumpkin, n.pumpkin_grins), top=0.24),
    "house": Kind((b.house, b.house_tall, b.house_thatched, b.house_flat), top=0.05),
    "castle": Kind((b.castle, b.castle_spires)),
    "lighthouse": Kind((b.lighthouse, b.lighthouse_square)),
    "tent": Kind((b.tent, b.tent_circus)),
    "igloo": Kind((b.igloo,), top=0.2),
    "car": Kind((v.car, v.car_van, v.car_beetle), top=0.24),
    "bus": Kind((v.bus, v.bus_double), top=0.1),
    "train": Kind((v.train, v.train_wagon), top=0.17),
    "boat": Kind((v.boat_sail, v.boat_row, v.boat_steamer), wet=True),
    "rocket": Kind((v.rocket, v.rocket_slim), (0, 1)),
    "airplane": Kind((v.airplane, v.airplane_biplane), (0, 1)),
    "balloon": Kind((o.balloon, o.balloon_heart, o.balloon_air), (0, 1, 2), grip=(0.5, 0.98)),
    "umbrella": Kind((o.umbrella, o.umbrella_beach), grip=(0.52, 0.84)),
    "cup": Kind((o.cup, o.cup_tea)),
    "cake": Kind((o.cake, o.cake_slice, o.cupcake)),
    "gift": Kind((o.gift, o.gift_tall), top=0.22, grip=(0.5, 0.9)),
    "crown": Kind((o.crown, o.crown_round)),
}  # fmt: skip
