"""The prompts of a request whose choices are made: as it asks, from the files of words that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdcli import folders
from sdcli.errors import BadRequest
from sdcli.library.open_file import is_folder
from sdcli.prompts.choices.resolve import Texts, choose_by_seed, list_combinations
from sdcli.prompts.choices.word_files import WordFiles
from sdcli.request import Request

MOST_TEXTS = 1_000  # pictures of a run that have words of their own
FOLDER = "wildcards"  # among the user's settings


def choices_mode(request: Request) -> str:
    """Whether choices are made: none, random, all."""
    if request.choices == "none" and request.wildcards is not None:
        raise BadRequest(
            "`--choices none` takes prompts as they stand, and `--wildcards` gives words for them",
            hint="leave one of them away",
        )
    return request.choices or ("none" if request.wildcards is None else "random")


def template_of(request: Request) -> Texts:
    """The prompts of a request as they are written."""
    return Texts(request.prompt, request.negative or "")


def choose_texts(request: Request, seed: int) -> Sequence[Texts]:
    """The prompts of each picture of a request, the first one of this seed; a single pair where
    choices are not asked for."""
    template = template_of(request)
    mode = choices_mode(request)
    if mode == "none":
        return [template]
    files = find_word_files(request)
    if mode == "all":
        found = list_combinations(template, seed, files, MOST_TEXTS)
        count = len(found) * (request.count or 1)
    else:
        varied = not request.variation_strength  # else they are variations of one picture
        count = request.count or 1
        seeds = range(seed, seed + min(count, MOST_TEXTS)) if varied else [seed]
        found = [choose_by_seed(template, each, files) for each in seeds]
    if count > MOST_TEXTS:
        raise BadRequest(
            f"{count} pictures with words of their own are too many at once",
            hint=f"{MOST_TEXTS} at most; go on from there with another `--seed`",
        )
    return [found[number % len(found)] for number in range(count)]


def count_pictures(request: Request) -> int:
    """How many pictures a request asks for; 1 where its choices cannot be made, as its plan will say."""
    if request.choices != "all":
        return request.count or 1
    try:
        return len(choose_texts(request, request.seed or 0))
    except BadRequest:
        return 1


def count_combinations(request: Request, seed: int) -> int:
    """How many prompts the choices of a request can make; 0 where they are too many to count."""
    try:
        files = find_word_files(request)
        return len(list_combinations(template_of(request), seed, files, MOST_TEXTS))
    except BadRequest:
        return 0


def find_word_files(request: Request) -> WordFiles:
    """The files of words: where the request says, else in the folder among the user's settings."""
    usual = folders.config_folder() / FOLDER
    named: Path | None = request.wildcards or (usual if is_folder(usual) else None)
    return WordFiles(named)
