"""A small picture that a model draws larger: what of it the model sees, and what is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sdcli.images.load import fit_picture, load_whole_picture, round_up_to_cell
from sdcli.images.transparency import fill_transparent, split_alpha


@dataclass(frozen=True)
class SmallPicture:
    """A picture's colours, what is transparent of it, and how many times as large it is to come."""

    colours: Image.Image
    alpha: Image.Image | None
    scale: float

    def with_full_cells(self) -> Image.Image:
        """The colours with their right and lower edges repeated to whole cells."""
        return fit_picture(self.colours, *map(round_up_to_cell, self.colours.size))

    def lay_over(self, drawn: Image.Image) -> Image.Image:
        """What was drawn, without what was added to the edges, at its size, as transparent as the
        small picture is."""
        times = drawn.width // round_up_to_cell(self.colours.width)
        width, height = self.colours.size
        larger = drawn.crop((0, 0, width * times, height * times))
        size = scaled_size(width, height, self.scale)
        if larger.size != size:
            larger = larger.resize(size, Image.Resampling.LANCZOS)
        if self.alpha is not None:
            larger.putalpha(self.alpha.resize(size, Image.Resampling.LANCZOS))
        return larger


def load_small_picture(path: Path, scale: float) -> SmallPicture:
    """The picture at `path`, the colours under what is transparent filled in."""
    colours, alpha = split_alpha(load_whole_picture(path))
    if alpha is not None:
        colours = fill_transparent(colours, alpha)
    return SmallPicture(colours, alpha, scale)


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """The size of a picture that is so many times as large."""
    return max(1, round(width * scale)), max(1, round(height * scale))
