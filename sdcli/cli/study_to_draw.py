"""A study's folder while it is drawn into, and what is said when it is stopped."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from sdcli.cli.console import Console
from sdcli.plan import Plan
from sdcli.studies.unfinished import OpenStudy, PlansOfSeed, open_study
from sdcli.text import count_of

FLAGS_OF_ONE_RUN = ("count", "batch", "keep-maps", "preview", "preview-vae")  # not of a study


@contextmanager
def study_to_draw(
    kind: str,
    plans: Sequence[Plan],
    talk: Console,
    *,
    again: PlansOfSeed | None,
    words: Sequence[str] = (),
    goes_on: str = "the same command goes on there",
) -> Generator[OpenStudy]:
    """The study's folder, to draw into; what is kept of a study that is stopped is said.

    `again` makes its plans with another seed, where nobody asked for the one they have."""
    study = open_study(kind, plans, again=again, words=words)
    if study.finished_count:
        kept = count_of(study.finished_count, "picture")
        talk.on_note(f"going on in {study.folder.path}: {kept} finished before")
    finished = False
    try:
        with talk.live():
            yield study
        finished = True
    except KeyboardInterrupt:
        if not study.finished_count:
            talk.on_note("stopped before its first picture: nothing is left of it")
        raise
    finally:
        study.close(finished=finished)
        if not finished and study.finished_count:
            kept = count_of(study.finished_count, "picture")
            talk.on_note(f"{kept} kept in {study.folder.path}: {goes_on}")
