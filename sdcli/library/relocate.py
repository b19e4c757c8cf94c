"""A plan from elsewhere with every file where it is now, found by its content."""

from __future__ import annotations

from pathlib import Path

from sdcli.errors import SdcliError
from sdcli.library.find_by_hash import find_moved_picture, find_moved_weights, known_place
from sdcli.plan import File, Plan, map_files

PICTURES = ("picture to start from", "picture to repaint", "mask", "control picture")
"""What `map_files` calls the files of a plan that are pictures; all others are weights."""


def relocate_plan(then: Plan, near: tuple[Path, ...]) -> tuple[Plan, list[str]]:
    """The plan with every file where it is now, and news of those that have moved."""
    news: list[str] = []

    def find(file: File, what: str) -> File:
        picture = what in PICTURES
        place = find_moved_picture(file, near) if picture else find_moved_weights(file)
        if place is None:
            raise SdcliError(
                f"the {what} `{file.path.name}` is nowhere (sha256 {file.sha256[:16]}...)",
                hint="put it beside the picture"
                if picture
                else "put it into the folder of models; see `sdcli models`",
            )
        if place.parts[-len(file.path.parts) :] != file.path.parts:
            news.append(f"the {what} is now `{place}`")
        return File(place, file.sha256)

    return map_files(then, find), news


def with_known_places(then: Plan) -> Plan:
    """The plan with every file where it is, as far as that is known without a search."""
    return map_files(then, lambda file, _: File(known_place(file) or file.path, file.sha256))
