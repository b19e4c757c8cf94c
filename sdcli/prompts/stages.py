"""Every wording of a plan's prompts: joined by AND, changing on the way, cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdcli.hires import second_pass
from sdcli.plan import Embedding, Plan
from sdcli.prompts.chunks import Chunk, split_into_chunks
from sdcli.prompts.scheduling import ScheduledText, merge_schedules
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.schedulers.names import SCHEDULERS

MANY_STEPS = 10_000  # among which every change of a prompt shows


@dataclass(frozen=True)
class BarePrompts:
    """What of a plan decides how its prompts are read, where there is no plan."""

    prompt: str
    negative: str
    syntax: str
    embeddings: tuple[Embedding, ...]
    scheduler: str
    steps: int


Prompts = Plan | BarePrompts


def prompt_stages(plan: Prompts, first_pass: int = 0) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The joined prompts and then the negative one, and the last evaluation (from 0) of them all; of a
    second pass, after so many steps of the first one."""
    syntax, steps = SYNTAXES[plan.syntax], count_prompt_steps(plan.scheduler, plan.steps)

    def changing(text: str) -> tuple[ScheduledText, ...]:
        return syntax.schedule(text, steps, first_pass)

    parts = syntax.split_at_and(plan.prompt)
    return merge_schedules(*(changing(part.text) for part in parts), changing(plan.negative))


def all_wordings(plan: Prompts) -> list[str]:
    """Every text that is encoded, each once, those of a second pass too."""
    stages = [*prompt_stages(plan)]
    if isinstance(plan, Plan) and (second := second_pass(plan)) is not None:
        stages += prompt_stages(second.plan, count_prompt_steps(plan.scheduler, plan.steps))
    return list(dict.fromkeys(text for _, every in stages for text in every))


def count_prompt_steps(scheduler: str, steps: int) -> int:
    """The steps that a prompt counts when it changes: every evaluation of the model is one.

    As in A1111, a solver that asks the model twice a step has twice as many.
    """
    return steps * SCHEDULERS[scheduler].solver.evaluations


def and_weights(plan: Prompts) -> tuple[float, ...]:
    """How strong each of the joined prompts is."""
    return tuple(part.weight for part in SYNTAXES[plan.syntax].split_at_and(plan.prompt))


def changes_on_the_way(plan: Prompts, *, negative: bool = True) -> bool:
    """Whether a prompt says other words at some step, however many steps there are."""
    syntax = SYNTAXES[plan.syntax]
    texts = [part.text for part in syntax.split_at_and(plan.prompt)]
    texts += [plan.negative] if negative else []
    return any(len(syntax.schedule(text, MANY_STEPS)) > 1 for text in texts)


def wording_chunks(plan: Prompts, text: str) -> tuple[Chunk, ...]:
    """One wording as chunks, with the words of the plan's embeddings."""
    words = {word.word: word.vectors for word in plan.embeddings}
    pieces = SYNTAXES[plan.syntax].parse_weights(text)
    return split_into_chunks(pieces, clip_tokenizer(), words)


def unused_embeddings(plan: Plan) -> tuple[str, ...]:
    """The embeddings that were asked for and stand in no prompt; a LoRA's own may stay unused."""
    along = {lora.file for lora in plan.loras}
    asked = [word.word for word in plan.embeddings if word.file not in along]
    texts = set(all_wordings(plan)) if asked else set[str]()
    used = {
        t.embedding for text in texts for chunk in wording_chunks(plan, text) for t in chunk.tokens
    }
    return tuple(word for word in asked if word not in used)
