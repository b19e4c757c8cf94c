"""What each word of a traced prompt does for the finished picture, beside where it was attended to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdcli.measures.clip_score import CLIP
from sdcli.measures.judges import JudgeLike, builtin_judges, find_judges
from sdcli.measures.panel import Panel, choose_panel
from sdcli.prompts.bare_words import bare_words
from sdcli.score.pictures import is_drawn_by_builtin
from sdcli.score.words import WordScores, score_words
from sdcli.studies.trace.page import AttendedWord, TraceStory
from sdcli.studies.trace.plan import TracePlan


def plan_word_judges(trace: TracePlan) -> Panel | None:
    """Who judges the words of the maps: what was named, or the CLIP in the box for pictures of the
    built-in model; None where there are no maps, or nobody knows their world."""
    if trace.judges:
        return choose_panel(CLIP.name, find_judges(trace.judges), ())
    if trace.focus.attention and is_drawn_by_builtin(trace.plan):
        return choose_panel(CLIP.name, builtin_judges(), ())
    return None


def judge_story(trace: TracePlan, story: TraceStory, panel: Panel, judge: JudgeLike) -> None:
    """Add to the maps of a drawn picture what each of their words does for its score."""
    assert story.picture is not None
    words = bare_words(trace.plan.prompt, trace.plan.syntax)
    story.seen = add_gains(story.seen, score_words(judge, story.picture, words))
    story.judged_by = "; ".join(panel.judges.describe())


def add_gains(seen: Sequence[AttendedWord], scores: WordScores) -> list[AttendedWord]:
    """Each attended word with what the score loses without it; little words go with what follows."""
    left = [(_letters(one.text), one.gain) for one in scores.parts]
    found: list[AttendedWord] = []
    for word in seen:
        place = next((k for k, (text, _) in enumerate(left) if text == _letters(word.word)), None)
        found.append(word if place is None else replace(word, gain=left.pop(place)[1]))
    return found


def _letters(text: str) -> str:
    """A word as the tokenizer and the prompt have it alike."""
    return "".join(letter for letter in text.lower() if letter.isalnum())
