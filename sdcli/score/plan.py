"""What is to be scored, by whom and against what: everything that can be refused, before torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.images.load import load_picture
from sdcli.library.find import BUILTIN
from sdcli.library.open_file import expand_path, is_folder
from sdcli.measures.judges import Judges, find_judges
from sdcli.measures.measure import Need
from sdcli.measures.panel import Panel, choose_panel
from sdcli.measures.table import CHOICE
from sdcli.prompts.bare_words import bare_words
from sdcli.score.pictures import list_pictures
from sdcli.score.run import Question, find_words


@dataclass(frozen=True)
class ScoreJob:
    """Pictures, the pictures of another set where there is one, and how they are measured."""

    paths: list[Path]
    others: list[Path]
    panel: Panel
    question: Question

    @property
    def is_of_one(self) -> bool:
        """Whether a single picture was named."""
        return len(self.paths) == 1


def plan_score(
    pictures: Sequence[Path],
    *,
    prompt: str | None = None,
    judges: Sequence[str] = (),
    measures: str | None = None,
    against: Path | None = None,
) -> ScoreJob:
    """The job of these words; BadRequest where a measure lacks what it needs."""
    paths = list_pictures(pictures)
    others, reference, given = list[Path](), None, set[Need]()
    if len(paths) > 1:
        given.add("set")
    if against is not None and is_folder(expand_path(against)):
        others = list_pictures([against])
        given.add("sets")
    elif against is not None:
        reference = load_picture(expand_path(against), "picture to compare with")
        given.add("reference")
    found, in_box = _find_judges(judges, measures, alone=not given - {"set"})
    panel = choose_panel(measures, found, given)
    if prompt is not None and not panel.reads_words:
        raise BadRequest(
            f"`--prompt {prompt}`: nothing is measured that needs words",
            hint="add `--measure clip`, or leave the prompt out",
        )
    words = None if prompt is None else bare_words(prompt)
    return ScoreJob(paths, others, panel, Question(words, reference, builtin_only=in_box))


def _find_judges(names: Sequence[str], measures: str | None, *, alone: bool) -> tuple[Judges, bool]:
    """The judges that are named; else the one in the box where a CLIP is wanted, and then only for
    the built-in model's pictures."""
    if names:
        return find_judges(names), False
    rows = [CHOICE.get(name.strip()) for name in measures.split(",")] if measures else []
    wanted = any(row is not None and row.judge == "clip" for row in rows) if measures else alone
    return (find_judges([BUILTIN]), True) if wanted else (Judges(), False)


def load_judged_picture(job: ScoreJob) -> tuple[Image.Image, str]:
    """The one picture of a job, and the words that it is held against; the error of what it lacks."""
    if not job.is_of_one:
        raise BadRequest(
            f"{len(job.paths)} pictures are named, and one is looked at", hint="name one of them"
        )
    (path,) = job.paths
    return load_picture(path), find_words(path, job.panel, job.question)
