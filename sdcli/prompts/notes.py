"""What a person should know about a plan's prompts before wondering at the picture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sdcli.plan import Draw, Edit, Plan
from sdcli.prompts.a1111 import BREAK
from sdcli.prompts.stages import (
    Prompts,
    all_wordings,
    and_weights,
    unused_embeddings,
    wording_chunks,
)
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.unlearnt import find_unlearnt_words
from sdcli.weights.checkpoint import Checkpoint, identify_checkpoint

_CHOICE = re.compile(r"(?<!\\)(?:\{[^{}|\n]{0,80}\|[^{}\n]{0,80}\}|__[a-zA-Z][\w/*-]{0,80}__)")


def prompt_notes(plan: Plan) -> Iterator[str]:
    """Each a sentence: what stands in the prompts without effect, or means more than it seems."""
    for word in unused_embeddings(plan):
        yield f"the embedding `{word}` stands in no prompt: it changes nothing"
    if not (plan.template or plan.negative_template):
        yield from choice_notes(plan)
    yield from second_choice_notes(plan)
    alone = and_weights(plan) == (1.0,)
    if plan.negative and plan.cfg == 1 and alone and not isinstance(plan.task, Edit):
        yield "the negative prompt changes nothing: at `--cfg 1` only the prompt is asked"
    yield from word_notes(plan, identify_checkpoint(plan.model.path))


def choice_notes(prompts: Prompts) -> Iterator[str]:
    """That something looks like a choice, and is none because nobody asked for choices."""
    for text in (prompts.prompt, prompts.negative):
        if seen := _CHOICE.search(text):
            yield f"`{seen[0]}` is drawn as it stands: `--choices random` takes one by the seed"
            return


def second_choice_notes(plan: Plan) -> Iterator[str]:
    """That no choices are made in the words of a second pass."""
    if isinstance(plan.task, Draw):
        for text in (plan.task.hires_prompt, plan.task.hires_negative):
            if seen := _CHOICE.search(text):
                yield f"`{seen[0]}` is drawn as it stands: a second pass's own words have no choices"


def word_notes(prompts: Prompts, model: Checkpoint) -> Iterator[str]:
    """Of these, what the words alone say, of a prompt for a model."""
    weights = and_weights(prompts)
    if len(weights) == 1 and weights != (1.0,):
        yield (
            f"the prompt ends in `:{weights[0]:g}`, so all of it weighs that much, as in A1111: "
            "a comma at its end makes it words"
        )
    yield from _stray_notes(prompts)
    texts = all_wordings(prompts)
    pieces = [piece for text in texts for piece in SYNTAXES[prompts.syntax].parse_weights(text)]
    if any(piece.text == BREAK.text and piece != BREAK for piece in pieces) and len(pieces) > 1:
        yield "`BREAK` inside brackets is a word, as in A1111: close the brackets before it"
    if words := unlearnt_words(prompts, model):
        yield _unlearnt_note(words, model)


def unlearnt_words(prompts: Prompts, model: Checkpoint) -> tuple[str, ...]:
    """The words of the prompts that the model never learnt, each once."""
    texts = all_wordings(prompts)
    return find_unlearnt_words(
        model, [chunk for text in texts for chunk in wording_chunks(prompts, text)]
    )


def _stray_notes(prompts: Prompts) -> Iterator[str]:
    language = SYNTAXES[prompts.syntax]
    parts = [part.text for part in language.split_at_and(prompts.prompt)]
    signs = filter(None, map(language.find_stray_sign, (*parts, prompts.negative)))
    for sign in dict.fromkeys(signs):
        place = "outside of `[this|that]`" if sign == "|" else "at the end"
        remedy = r"write it `\|`" if sign == "|" else "leave it away"
        yield (
            f"the `{sign}` {place} keeps its prompt from changing on the way, as in A1111: {remedy}"
        )


def _unlearnt_note(words: Sequence[str], model: Checkpoint) -> str:
    named = ", ".join(f"`{word}`" for word in words[:8]) + (", ..." if len(words) > 8 else "")
    about = model.own_metadata.get("about")
    knows = f"; it knows {about}" if isinstance(about, str) else ""
    return (
        f"`{model.name}` never learnt {named}, which it cannot draw{knows}. "
        "A full-size checkpoint (`-m FILE`) takes any words"
    )
