"""A plan from elsewhere with every file where it is now, found by its content."""

from __future__ import annotations

from pathlib import Path

from sdcli.errors import SdcliError
from sdcli.library.find_by_hash import find_moved_picture, find_moved_weights, known_place
from sdcli.plan import File, Plan, map_files

PICTURES = ("picture to start from", "picture to repaint", "mask", "control picture")
"""What `map_files` calls the files of a plan that are pictures; all others are weights."""
FIRST_EDITION = "4a6516867d20adab95fdfbfba5f61cb18bfceb43c66c343e58dfcb73bed6558b"
"""The built-in model that sdcli carried before its second edition."""


def relocate_plan(
    then: Plan, near: tuple[Path, ...], lacking: list[str] | None = None
) -> tuple[Plan, list[str]]:
    """The plan with every file where it is now, and news of those that have moved. What is nowhere
    is an error; but that the model is, is told in `lacking` where that is handed in.
    """
    news: list[str] = []

    def find(file: File, what: str) -> File:
        picture = what in PICTURES
        place = find_moved_picture(file, near) if picture else find_moved_weights(file)
        if place is None:
            fact = f"the {what} `{file.path.name}` is nowhere (sha256 {file.sha256[:16]}...)"
            if file.sha256 == FIRST_EDITION:
                fact += ": sdcli carried it before its model's second edition"
            if what == "model" and lacking is not None:
                lacking.append(fact)
                return file
            raise SdcliError(
                fact,
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
