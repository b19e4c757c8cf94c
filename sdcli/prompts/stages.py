"""Every wording of a plan's prompts: joined by AND, changing on the way, cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator

from sdcli.plan import Plan
from sdcli.prompts.chunks import Chunk, split_into_chunks
from sdcli.prompts.scheduling import ScheduledText, merge_schedules, schedule_texts
from sdcli.prompts.syntax import parse_weights, split_at_and
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.schedulers.names import SCHEDULERS


def prompt_stages(plan: Plan) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The joined prompts and then the negative one, and the last evaluation (from 0) of them all."""
    # As in A1111, solvers that ask the model twice a step have twice as many steps here.
    steps = plan.steps * SCHEDULERS[plan.scheduler].solver.evaluations

    def changing(text: str) -> tuple[ScheduledText, ...]:
        return schedule_texts(text, plan.syntax, steps)

    parts = split_at_and(plan.prompt, plan.syntax)
    return merge_schedules(*(changing(part.text) for part in parts), changing(plan.negative))


def and_weights(plan: Plan) -> tuple[float, ...]:
    """How strong each of the joined prompts is."""
    return tuple(part.weight for part in split_at_and(plan.prompt, plan.syntax))


def wording_chunks(plan: Plan, text: str) -> tuple[Chunk, ...]:
    """One wording as chunks, with the words of the plan's embeddings."""
    words = {word.word: word.vectors for word in plan.embeddings}
    return split_into_chunks(parse_weights(text, plan.syntax), clip_tokenizer(), words)


def unused_embeddings(plan: Plan) -> tuple[str, ...]:
    """The embeddings that were asked for and stand in no prompt; a LoRA's own may stay unused."""
    along = {lora.file for lora in plan.loras}
    asked = [word.word for word in plan.embeddings if word.file not in along]
    texts = {text for _, every in prompt_stages(plan) for text in every} if asked else set[str]()
    used = {
        t.embedding for text in texts for chunk in wording_chunks(plan, text) for t in chunk.tokens
    }
    return tuple(word for word in asked if word not in used)
