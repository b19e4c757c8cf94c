"""The kinds of change a LoRA can hold, by the factors each is made of and the size they give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]


class LoraKind(NamedTuple):
    """A row: its name, the factors it must and may have, and the change's size as a matrix."""

    name: str
    needs: frozenset[str]
    may: frozenset[str]
    size: Callable[[Shapes], tuple[int, int] | None]


def _lora(shapes: Shapes) -> tuple[int, int]:
    kernel = shapes["mid"][2:] if "mid" in shapes else shapes["down"][2:]
    return shapes["up"][0], shapes["down"][1] * prod(kernel)


def _loha(shapes: Shapes) -> tuple[int, int]:
    if "t1" in shapes:  # Tucker: both outer factors have the rank first
        return shapes["w1_a"][1], shapes["w1_b"][1] * prod(shapes["t1"][2:])
    return shapes["w1_a"][0], shapes["w1_b"][1]


def _lokr(shapes: Shapes) -> tuple[int, int]:
    first, second = (_kron(shapes, side) for side in ("kron_1", "kron_2"))
    return first[0] * second[0], first[1] * second[1]


def _kron(shapes: Shapes, side: str) -> tuple[int, int]:
    if side in shapes:
        return shapes[side][0], prod(shapes[side][1:])
    outer, inner = shapes[f"{side}_a"], shapes[f"{side}_b"]
    if side == "kron_2" and "kron_t2" in shapes:
        return outer[1], inner[1] * prod(shapes["kron_t2"][2:])
    return outer[0], inner[1]


def _glora(shapes: Shapes) -> tuple[int, int]:
    # Two generations: b2 @ b1 of [out, rank] and [rank, in], and the other way round.
    rank = min(shapes["b1"])
    old = shapes["b2"][1] == rank == shapes["b1"][0]
    return (shapes["b2"][0], shapes["b1"][1]) if old else (shapes["b1"][0], shapes["b2"][1])


def _whole(factor: str) -> Callable[[Shapes], tuple[int, int]]:
    return lambda shapes: (shapes[factor][0], prod(shapes[factor][1:]))


def _row(
    name: str, needs: str, may: str, size: Callable[[Shapes], tuple[int, int] | None]
) -> LoraKind:
    return LoraKind(name, frozenset(needs.split()), frozenset(may.split()), size)


def _any_size(shapes: Shapes) -> None:
    """An IA3 scales what is there, a bias alone has no matrix: any size will do here."""


# Factors that are no matrices.
LOOSE = {"alpha", "dora_scale", "diff", "diff_b", "set", "ia3", "on_input"}
BIAS = "bias difference"
ANY = "alpha dora_scale diff_b"
# The first whose factors are all there wins.
LORA_KINDS = (
    _row("LoRA", "down up", f"{ANY} mid", _lora),
    _row("LoHa", "w1_a w1_b w2_a w2_b", f"{ANY} t1 t2", _loha),
    _row("LoKr", "kron_1 kron_2", ANY, _lokr),
    _row("LoKr", "kron_1 kron_2_a kron_2_b", f"{ANY} kron_t2", _lokr),
    _row("LoKr", "kron_1_a kron_1_b kron_2", ANY, _lokr),
    _row("LoKr", "kron_1_a kron_1_b kron_2_a kron_2_b", f"{ANY} kron_t2", _lokr),
    _row("GLoRA", "a1 a2 b1 b2", "alpha", _glora),
    _row("IA3", "ia3 on_input", "alpha", _any_size),
    _row("full difference", "diff", "alpha diff_b", _whole("diff")),
    _row(BIAS, "diff_b", "alpha", _any_size),
    _row("replaced weight", "set", "", _whole("set")),
)
# Kinds that are known by a factor, and that nothing here can wear.
NOT_WORN = {"oft": "OFT"}
# Which side of one factor meets which of another, unless a third stands between them.
MEETINGS = (
    ("up", 1, "down", 0, "mid"),
    ("up", 1, "mid", 0, ""),
    ("mid", 1, "down", 0, ""),
    ("w1_a", 1, "w1_b", 0, "t1"),
    ("w2_a", 1, "w2_b", 0, "t2"),
    ("t1", 0, "w1_a", 0, ""),
    ("t1", 1, "w1_b", 0, ""),
    ("t2", 0, "w2_a", 0, ""),
    ("t2", 1, "w2_b", 0, ""),
    ("kron_1_a", 1, "kron_1_b", 0, ""),
    ("kron_2_a", 1, "kron_2_b", 0, "kron_t2"),
    ("kron_t2", 0, "kron_2_a", 0, ""),
    ("kron_t2", 1, "kron_2_b", 0, ""),
)
PER_ROW_OR_COLUMN = ("ia3", "dora_scale")  # factors with a number for each of a weight's
FACTORS_SIDES = 4  # a convolution's factor; none has more
RANKED = ("down", "w1_b", "w2_b", "kron_1_b", "kron_2_b")  # the rank is how many rows they have


@dataclass(frozen=True)
class LoraModule:
    """What a LoRA says about one module: the factors of its change, and where they are."""

    component: str  # unet, text_encoder, text_encoder_2
    name: str
    kind: str
    keys: Mapping[str, str]  # factor: the tensor's name in the file
    shapes: Shapes

    @property
    def rank(self) -> int | None:
        """How many directions the change has; `None` where it is not made of factors."""
        ranks = [self.shapes[factor][0] for factor in RANKED if factor in self.shapes]
        if "b1" in self.shapes:  # GLoRA has it first in one generation, last in the other
            ranks.append(min(self.shapes["b1"][:2]))
        return min(ranks) if ranks else None

    @property
    def parts(self) -> tuple[str, ...]:
        """What it changes of its module: the weight, the bias."""
        weight = () if self.kind == BIAS else ("weight",)
        return (*weight, "bias") if "diff_b" in self.keys else weight

    @property
    def size(self) -> tuple[int, int] | None:
        """The change as a matrix: what comes out, all that goes in; `None` where it can be any."""
        row = next(
            row for row in LORA_KINDS if row.name == self.kind and row.needs <= set(self.keys)
        )
        return row.size(self.shapes)


def find_mismatch(module: LoraModule) -> str:
    """Why a module's factors make no change together, or nothing."""
    for factor, shape in module.shapes.items():
        if factor not in LOOSE and not 2 <= len(shape) <= FACTORS_SIDES:
            return f"its `{factor}` is {list(shape)}"
    for one, side, other, its, between in MEETINGS:
        if between in module.shapes or one not in module.shapes or other not in module.shapes:
            continue
        ours, theirs = module.shapes[one], module.shapes[other]
        if ours[side] != theirs[its]:
            return f"its `{one}` is {list(ours)}, its `{other}` {list(theirs)}"
    return "" if module.rank != 0 else "its rank is 0"


def find_wrong_length(module: LoraModule, weight: Shape) -> str:
    """Why a factor of single numbers does not fit a weight of this shape, or nothing."""
    for factor in PER_ROW_OR_COLUMN:
        shape = module.shapes.get(factor, ())
        either = factor == "ia3" or shape[:1] == (1,)  # DoRA's for columns is a row
        if shape and prod(shape) not in (weight[:2] if either else weight[:1]):
            size = "x".join(map(str, weight))
            return f"its `{factor}` has {prod(shape)} numbers, the model's weight is {size}"
    return ""


def find_lora_kind(factors: set[str]) -> tuple[str | None, set[str]]:
    """The kind that these factors make, and the factors that have no part in it."""
    for row in LORA_KINDS:
        if row.needs <= factors:
            return row.name, factors - row.needs - row.may
    # An alpha without its factors is a leftover that changes nothing.
    return None, factors - {"alpha"}


def kind_title(module: LoraModule) -> str:
    """The kind as people know it: a LoRA of a convolution is a LoCon."""
    named = module.kind
    if named == "LoRA" and len(module.shapes["down"]) == 4 and module.shapes["down"][2:] != (1, 1):
        named = "LoCon"
    if named == "LoRA" and "mid" in module.shapes:
        named = "LoCon"
    return f"DoRA ({named})" if "dora_scale" in module.keys else named
