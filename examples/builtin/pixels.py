"""What a picture shows, measured on its pixels: colours, backgrounds, and where things stand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from PIL import Image
from scenes import COLOURS, GROUNDS, TIMES, Plain, Scene, Thing, draw


def lab(picture: Image.Image) -> np.ndarray:
    """The picture in CIE Lab, where distances are what the eye sees."""
    return _lab(np.asarray(picture.convert("RGB"), np.float64) / 255)


def _lab(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


@cache
def _palette(style: str, tones: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Colours as a style paints them, in light and in shade, and the name that each stands for."""
    points, names = [], []
    for k, colour in enumerate(COLOURS.values()):
        for tone in tones:
            rgb = np.array(colour, np.float64) * tone
            if style == "pencil":
                rgb = 0.34 * rgb + 0.66 * np.array((246, 243, 234))
            elif style == "watercolour":
                rgb = 0.84 * rgb + 0.16 * np.array((246, 243, 234))
            points.append(_lab(rgb.clip(0, 255) / 255))
            names.append(k)
    return np.array(points), np.array(names)


def nearest(pixels: np.ndarray, style: str, tones: tuple[float, ...] = (1.05, 0.95)) -> np.ndarray:
    """For each Lab pixel the index of the colour that it would be called."""
    points, names = _palette(style, tones)
    return names[((pixels[:, None] - points[None]) ** 2).sum(-1).argmin(1)]


def background_of(picture: Image.Image, scene: Scene) -> tuple[str, ...]:
    """What is behind: a colour's name, or the time of day and the ground that it looks most
    like.
    """
    seen, size = lab(picture), picture.width
    inner = size // 9  # inside a watercolour's frame
    if isinstance(scene.backdrop, Plain):
        ring = np.ones((size, size), bool)
        ring[2 * inner : -2 * inner, 2 * inner : -2 * inner] = False
        ring[:inner], ring[-inner:], ring[:, :inner], ring[:, -inner:] = False, False, False, False
        found = nearest(seen[ring], scene.style)
        return (list(COLOURS)[np.bincount(found, minlength=len(COLOURS)).argmax()],)
    sky = np.s_[inner : int(0.45 * size), inner:-inner]
    earth = np.s_[int(0.62 * size) : int(0.78 * size), inner:-inner]
    away = _away_from_things(scene, size)
    best: dict[float, tuple[str, ...]] = {}
    for time in TIMES:
        for ground in GROUNDS:
            land = replace(scene.backdrop, time=time, ground=ground)
            model = lab(draw(replace(scene, backdrop=land), size, oversample=1, empty=True))
            far = sum(
                np.median(np.abs(seen[zone] - model[zone]).sum(-1)[away[zone]])
                for zone in (sky, earth)
            )
            best[float(far)] = (time, ground)
    return best[min(best)]


def _away_from_things(scene: Scene, size: int) -> np.ndarray:
    free = np.ones((size, size), bool)
    for thing in scene.things:
        free[_box(thing, size)] = False
    return free


def _box(thing: Thing, size: int) -> tuple[slice, slice]:
    x, y, half = thing.x * size, thing.y * size, thing.side * size / 2
    return slice(max(0, int(y - half)), int(y + half)), slice(max(0, int(x - half)), int(x + half))


def asked_background(scene: Scene) -> tuple[str, ...]:
    """What `background_of` should find."""
    behind = scene.backdrop
    return (behind.colour,) if isinstance(behind, Plain) else (behind.time, behind.ground)


def colour_of(picture: Image.Image, scene: Scene, thing: Thing) -> str:
    """The colour of what stands where a thing was asked for: the commonest among the pixels that
    are not background.
    """
    seen, size = lab(picture), picture.width
    box = _box(thing, size)
    behind = lab(draw(scene, size, oversample=1, empty=True))[box]
    inside = seen[box]
    ours = np.abs(inside - behind).sum(-1) > 24
    ours &= _silhouette(thing, size)[: ours.shape[0], : ours.shape[1]]
    if ours.sum() < 0.05 * ours.size:
        return "nothing"
    found = nearest(inside[ours], scene.style, (1.05, 0.92))
    return list(COLOURS)[np.bincount(found, minlength=len(COLOURS)).argmax()]


def _silhouette(thing: Thing, size: int) -> np.ndarray:
    """Where such a thing has its own colour, and not a window's or a trunk's."""
    alone = replace(thing, colour="pink")
    on_black = Scene((alone,), Plain("turquoise"), "flat", "middle", 0)
    pixels = lab(draw(on_black, size, oversample=1))[_box(thing, size)]
    found = nearest(pixels.reshape(-1, 3), "flat", (1.05, 0.92, 0.7)).reshape(pixels.shape[:2])
    return found == list(COLOURS).index("pink")
