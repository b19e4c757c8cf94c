"""What people would call a scene: many wordings for each, long and short, some of them incomplete."""

from __future__ import annotations

import random

from stage import TIMELESS, Land, Plain
from world import Scene, Thing

SYNONYMS: dict[str, tuple[str, ...]] = {
    "circle": ("circle", "circle", "ball", "disc"), "square": ("square", "square", "box"),
    "cat": ("cat", "cat", "kitten", "kitty"), "dog": ("dog", "dog", "puppy"), "rabbit": ("rabbit", "bunny"),
    "bear": ("bear", "bear", "teddy bear"), "bird": ("bird",),
    "girl": ("girl", "girl", "little girl"), "boy": ("boy", "boy", "little boy"),
    "wizard": ("wizard", "wizard", "magician"),
    "tree": ("tree",), "flower": ("flower", "flower", "blossom"),
    "mushroom": ("mushroom", "mushroom", "toadstool"), "house": ("house", "house", "house", "home"),
    "castle": ("castle", "castle", "fortress"), "tent": ("tent",), "car": ("car", "car", "automobile"),
    "boat": ("boat", "boat", "ship"), "rocket": ("rocket", "rocket", "spaceship"), "bus": ("bus",),
    "airplane": ("airplane", "plane", "aeroplane"), "umbrella": ("umbrella", "umbrella", "parasol"),
    "cup": ("cup", "mug"), "cake": ("cake",), "gift": ("gift", "present"),
    "red": ("red", "red", "red", "crimson"), "purple": ("purple", "purple", "violet"),
    "turquoise": ("turquoise", "teal", "cyan"), "grey": ("grey", "gray"),
    "navy": ("navy", "navy blue", "dark blue"), "lime": ("lime", "lime green", "light green"),
    "magenta": ("magenta", "magenta", "hot pink"), "beige": ("beige", "beige", "tan"),
    "small": ("small", "little", "tiny"), "big": ("big", "large", "huge", "giant"),
}  # fmt: skip
SHAPES: dict[str, tuple[str, ...]] = {
    "cat": ("sitting cat", "walking cat", "sleeping cat"), "dog": ("sitting dog", "standing dog"),
    "bear": ("teddy bear", "walking bear"), "bird": ("bird", "flying bird"), "owl": ("owl", "flying owl"),
    "star": ("star", "six-pointed star", "star"),
    "tree": ("round tree", "pine tree", "palm tree", "poplar"),
    "flower": ("daisy", "tulip", "flower"), "pumpkin": ("pumpkin", "jack-o'-lantern"),
    "house": ("house", "tall house", "cottage", "modern house"), "tent": ("tent", "circus tent"),
    "car": ("car", "van", "beetle car"), "bus": ("bus", "double-decker bus"),
    "train": ("steam train", "fast train"), "boat": ("sailboat", "rowing boat", "steamer"),
    "airplane": ("airplane", "biplane"), "balloon": ("balloon", "heart-shaped balloon", "hot air balloon"),
    "umbrella": ("umbrella", "beach umbrella"), "cup": ("mug", "teacup"),
    "cake": ("birthday cake", "slice of cake", "cupcake"),
    "apple": ("apple", "bitten apple"),
}  # fmt: skip
LOOKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "striped": (("striped", "striped", "stripy"), ("with stripes",)),
    "dotted": (("dotted", "spotted", "polka dot"), ("with dots", "with polka dots")),
    "checked": (("checked", "checkered"), ("with a checked pattern",)),
    "wooden": (("wooden", "wooden"), ("made of wood",)),
    "knitted": (("knitted", "woollen", "woolen"), ("made of wool",)),
    "metal": (("metal", "shiny metal", "metallic"), ("made of metal",)),
    "glass": (("glass", "glass", "transparent"), ("made of glass",)),
}
PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on the grass", "in a green field", "on a lawn"),
    "hill": ("on a hill", "on a green hill", "on top of a hill"),
    "beach": ("on the beach", "by the sea", "at the beach", "at the seaside", "on a sandy beach"),
    "sea": ("on the sea", "at sea", "on the water", "on the ocean"),
    "forest": ("in the forest", "in the woods", "in a forest"),
    "city": ("in the city", "in a city street", "in town", "on a street"),
    "room": ("in a room", "indoors", "in the living room", "at home"),
    "snow": ("in the snow", "on the snow", "in winter", "in a snowy landscape"),
    "desert": ("in the desert", "in a desert", "on a sand dune"),
    "mountains": ("in the mountains", "in front of mountains", "with mountains behind"),
    "space": ("in space", "in outer space", "on the moon", "on another planet"),
    "underwater": ("under water", "underwater", "under the sea", "at the bottom of the sea"),
}
TIME_WORDS: dict[str, tuple[str, ...]] = {
    "day": ("by day", "on a sunny day", "in daylight", "during the day", "under a blue sky"),
    "sunset": ("at sunset", "at dusk", "in the evening", "at sundown", "under an orange sky"),
    "night": ("at night", "at night", "under the stars", "by night", "in the moonlight"),
}
WEATHER_WORDS: dict[str, tuple[str, ...]] = {
    "fog": ("in the fog", "in fog", "on a foggy day", "in the mist"),
    "rain": ("in the rain", "on a rainy day", "in rainy weather"),
    "snowfall": ("while it snows", "in falling snow", "with snow falling"),
    "rainbow": ("under a rainbow", "with a rainbow", "with a rainbow in the sky"),
}
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "flat": ("", "", "", "", "", "flat illustration", "storybook illustration", "vector art"),
    "pixel art": ("pixel art", "pixel art", "8-bit pixel art", "retro game graphics"),
    "pencil": ("pencil drawing", "pencil sketch", "coloured pencil drawing", "colored pencil"),
    "watercolour": ("watercolour", "watercolor", "watercolor painting", "watercolour painting"),
    "stained glass": ("stained glass", "stained glass window", "stained-glass art"),
    "woodcut": ("woodcut", "woodcut print", "linocut"),
    "neon": ("neon", "neon sign", "neon lights"),
    "paper cut": ("paper cut", "paper cutout", "cut paper art", "papercut"),
}
RELATION_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("to the left of", "left of", "on the left of"),
    "right": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
    "beside": ("next to", "beside", "and", "and", "with"),
    "on": ("on", "on top of", "standing on"),
    "front": ("in front of", "before"),
    "behind": ("behind",),
    "holding": ("holding", "with", "carrying"),
    "under": ("under", "below"),
}
OPPOSITE = {
    "left": "right", "right": "left", "above": "below", "below": "above", "beside": "beside",
    "front": "behind", "behind": "front", "on": "under",
}  # fmt: skip
NUMBERS = {1: ("a",), 2: ("two", "two", "2", "a pair of"), 3: ("three", "three", "3")}
PLURALS = {"fish": "fish", "box": "boxes", "bus": "buses", "fox": "foxes", "cactus": "cacti"}


def describe(scene: Scene, dice: random.Random, *, whole: bool = False) -> str:
    """One of the many captions of a scene. `whole` leaves nothing out: what the judge asks for."""
    subject = _say_things(scene, dice, whole)
    parts = _say_backdrop(scene.backdrop, dice, whole)
    style = dice.choice(STYLE_WORDS[scene.style])
    if whole and scene.style != "flat":
        style = STYLE_WORDS[scene.style][0]
    if not whole and dice.random() < 0.10:  # tags, as people write them too
        return ", ".join(_bare(word) for word in (subject, *parts, style) if word)
    turned = bool(parts) and dice.random() < 0.16  # the place first
    said = _join(subject, parts, dice, turned=turned)
    if style and turned:
        said = dice.choice((f"{said}, {style}", f"{style}, {said}", f"{style}: {said}"))
    elif style:
        article = "an" if style[0] in "aeiou8" else "a"
        said = dice.choice(
            (f"{said}, {style}", f"{said}, {style}", f"{style} of {said}", f"{said} in {style} style",
             f"{article} {style} of {said}", f"{style}, {said}", f"{said} as {style}")
        )  # fmt: skip
    elif not turned and dice.random() < 0.08:
        said = (
            dice.choice(
                ("a picture of ", "an image of ", "a drawing of ", "picture: ", "there is ")
            )
            + said
        )
    return said if whole or dice.random() > 0.06 else _bare(said)


def _join(subject: str, parts: list[str], dice: random.Random, *, turned: bool) -> str:
    if turned:
        first = parts.pop(dice.randrange(len(parts)))
        return " ".join([f"{first}, {subject}", *parts])
    if dice.random() < 0.3:
        dice.shuffle(parts)
    return dice.choice((" ", " ", ", ")).join([subject, *parts])


def _bare(said: str) -> str:
    """Without articles."""
    return " ".join(word for word in said.split() if word not in ("a", "an", "the"))


def _word(name: str, dice: random.Random) -> str:
    return dice.choice(SYNONYMS.get(name, (name,)))


def _plural(noun: str) -> str:
    if " of " in noun:
        head, tail = noun.split(" of ", 1)
        return f"{_plural(head)} of {tail}"
    head, _, last = noun.rpartition(" ")
    many = PLURALS.get(last) or (
        last[:-1] + "ies" if last.endswith("y") and last[-2] not in "aeiou" else last + "s"
    )
    return f"{head} {many}".strip()


def say_thing(thing: Thing, dice: random.Random, *, whole: bool = False) -> str:
    """A thing with its article or number."""
    noun = _word(thing.kind, dice)
    if dice.random() < 0.3:
        noun = SHAPES.get(thing.kind, (noun,) * 9)[thing.shape]
    count = len(thing.spots)
    noun = _plural(noun) if count > 1 else noun
    words, after = [], ""
    if thing.size and (whole or dice.random() > 0.15):
        words.append(_word(thing.size, dice))
    if whole or dice.random() > 0.1:
        words.append(_word(thing.colour, dice))
    if thing.look and (whole or dice.random() > 0.1):
        front, behind = LOOKS[thing.look]
        if dice.random() < 0.25:
            after = f" {dice.choice(behind)}"
        else:
            words.insert(
                dice.randint(int(bool(thing.size)) if words else 0, len(words)), dice.choice(front)
            )
    said = " ".join([*words, noun])
    number = dice.choice(NUMBERS[count])
    if number == "a" and said[0] in "aeiou":
        number = "an"
    return f"{number} {said}{after}"


def _say_things(scene: Scene, dice: random.Random, whole: bool) -> str:
    said = [say_thing(thing, dice, whole=whole) for thing in scene.things]
    if len(said) == 1:
        return said[0] + _say_where(scene.relation, dice)
    a, b, relation = said[0], said[1], scene.relation
    if relation in OPPOSITE and dice.random() < 0.25:  # the same from the other thing's side
        a, b, relation = b, a, OPPOSITE[relation]
    if not whole and dice.random() < 0.12:
        return f"{a} and {b}"
    if relation in ("left", "right") and dice.random() < 0.3:
        return f"{a} on the {relation} and {b} on the {'left' if relation == 'right' else 'right'}"
    return f"{a} {dice.choice(RELATION_WORDS[relation])} {b}"


def _say_where(where: str, dice: random.Random) -> str:
    if not where:
        return ""
    if where == "middle":
        return dice.choice((" in the middle", " in the center", " in the centre"))
    return (
        dice.choice((f" on the {where}", f" on the {where} side"))
        if where in ("left", "right")
        else f" at the {where}"
    )


def _say_backdrop(backdrop: Plain | Land, dice: random.Random, whole: bool) -> list[str]:
    if not whole and dice.random() < 0.08:
        return []
    if isinstance(backdrop, Plain):
        name = _word(backdrop.colour, dice)
        article = "an" if name[0] in "aeiou" else "a"
        behind = f"{article} {name} background"
        ways = (
            f"on {behind}",
            f"on {behind}",
            f"against {behind}",
            f"{name} background",
            f"on {name}",
        )
        return [dice.choice(ways)]
    parts = [dice.choice(PLACE_WORDS[backdrop.place])]
    if backdrop.weather:
        parts.append(dice.choice(WEATHER_WORDS[backdrop.weather]))
    if backdrop.place not in TIMELESS:
        plain = backdrop.time == "day" and dice.random() < 0.4
        if whole or not plain:
            parts.append(dice.choice(TIME_WORDS[backdrop.time]))
    if not whole and len(parts) > 1 and dice.random() < 0.2:
        parts.pop(dice.randrange(len(parts)))
    return parts
