"""What is measured on pictures and on what the namer reads in them: places, relations, sharpness,
and how much pictures differ.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from namer import Reading
from PIL import Image
from world import Scene


def centre(mask: np.ndarray) -> tuple[float, float]:
    """The middle of what a mask covers, in shares of the picture."""
    ys, xs = np.nonzero(mask)
    return float(xs.mean() + 0.5) / mask.shape[1], float(ys.mean() + 0.5) / mask.shape[0]


def pieces(mask: np.ndarray, least: int = 3) -> int:
    """How many separate things a mask shows."""
    left, found = mask.copy(), 0
    while left.any():
        todo, size = [tuple(np.argwhere(left)[0])], 0
        left[todo[0]] = False
        while todo:
            y, x = todo.pop()
            size += 1
            for j, k in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= j < mask.shape[0] and 0 <= k < mask.shape[1] and left[j, k]:
                    left[j, k] = False
                    todo.append((j, k))
        found += size >= least
    return found


def related(reading: Reading, scene: Scene) -> bool:
    """Whether the first thing is to the second what the scene says."""
    a, b = (reading.mask(thing.kind) for thing in scene.things)
    if not a.any() or not b.any():
        return False
    (ax, ay), (bx, by) = centre(a), centre(b)
    foot = [np.nonzero(m)[0].max() for m in (a, b)]
    wide = [np.nonzero(m)[1] for m in (a, b)]
    overlap = min(wide[0].max(), wide[1].max()) - max(wide[0].min(), wide[1].min())
    answers = {
        "left": ax < bx - 0.08,
        "right": ax > bx + 0.08,
        "above": ay < by - 0.08 and abs(ay - by) > abs(ax - bx),
        "below": ay > by + 0.08 and abs(ay - by) > abs(ax - bx),
        "beside": abs(ax - bx) > 0.12,
        "on": ay < by - 0.06 and foot[0] < foot[1] and overlap > 0,
        "front": foot[0] >= foot[1] and overlap > -2,
        "behind": foot[0] <= foot[1] and overlap > -2,
        "holding": overlap > -2 and abs(ax - bx) < 0.4,
    }
    return bool(answers[scene.relation])


def _slopes(picture: Image.Image) -> np.ndarray:
    grey = np.asarray(picture.convert("L"), np.float32)
    return np.hypot(np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1])


def edges(picture: Image.Image) -> float:
    """The mean step of grey at a picture's edges: its steepest twentieth."""
    slopes = np.sort(_slopes(picture).ravel())
    return float(slopes[-len(slopes) // 20 :].mean())


def spread(points: list[tuple[float, float]]) -> float:
    """The mean distance between places."""
    return float(np.mean([np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in combinations(points, 2)]))


def nearest(pictures: list[Image.Image]) -> float:
    """How far the two most alike of pictures are from each other, in grey levels."""
    small = [
        np.asarray(p.convert("RGB").resize((48, 48), Image.Resampling.BOX), np.float32)
        for p in pictures
    ]
    return float(min(np.abs(a - b).mean() for a, b in combinations(small, 2)))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """How much two masks share, of what either covers."""
    return float((a & b).sum() / max(1, (a | b).sum()))
