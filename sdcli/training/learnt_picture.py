"""A picture to learn from: its words, how often it is shown, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from sdcli.library.hashes import hash_file
from sdcli.plan import File
from sdcli.training.buckets import Placement, bucket_rules, place_in_bucket, place_in_square
from sdcli.training.folder import FoundPicture
from sdcli.training.settings import TrainingSettings


@dataclass(frozen=True)
class LearntPicture:
    """A picture to learn from."""

    file: File
    caption: str
    repeats: int
    regular: bool  # one that holds the model where it is
    size: tuple[int, int]
    placement: Placement


def place_picture(
    found: FoundPicture, settings: TrainingSettings, *, regular: bool
) -> LearntPicture:
    """A picture that was found, where it goes by these settings."""
    rules = bucket_rules(settings.size, enlarge=settings.enlarge)
    placement = (
        place_in_bucket(found.size, rules)
        if settings.buckets
        else place_in_square(found.size, settings.size)
    )
    file = hash_file(found.path)
    return LearntPicture(file, found.caption, found.repeats, regular, found.size, placement)
