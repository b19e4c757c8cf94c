"""Every wording of a plan's prompts: joined by AND, changing on the way, cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator

from sdcli.plan import Plan
from sdcli.prompts.chunks import Chunk, chunks
from sdcli.prompts.scheduling import Stretch, stretches, together
from sdcli.prompts.syntax import joined, pieces
from sdcli.prompts.tokenizer import vocabulary
from sdcli.schedulers.names import SCHEDULERS


def stages(plan: Plan) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The joined prompts and then the negative one, and the last evaluation (from 0) of them all."""
    # As in A1111, solvers that ask the model twice a step have twice as many steps here.
    steps = plan.steps * SCHEDULERS[plan.scheduler].solver.evaluations

    def changing(text: str) -> tuple[Stretch, ...]:
        return stretches(text, plan.syntax, steps)

    parts = joined(plan.prompt, plan.syntax)
    return together(*(changing(part.text) for part in parts), changing(plan.negative))


def pulls(plan: Plan) -> tuple[float, ...]:
    """How strong each of the joined prompts is."""
    return tuple(part.weight for part in joined(plan.prompt, plan.syntax))


def read(plan: Plan, text: str) -> tuple[Chunk, ...]:
    """One wording as chunks, with the words of the plan's embeddings."""
    words = {word.word: word.vectors for word in plan.embeddings}
    return chunks(pieces(text, plan.syntax), vocabulary(), words)


def unused(plan: Plan) -> tuple[str, ...]:
    """The embeddings that were asked for and stand in no prompt; a LoRA's own may stay unused."""
    along = {lora.file for lora in plan.loras}
    asked = [word.word for word in plan.embeddings if word.file not in along]
    texts = {text for _, every in stages(plan) for text in every} if asked else set[str]()
    used = {t.word for text in texts for chunk in read(plan, text) for t in chunk.tokens}
    return tuple(word for word in asked if word not in used)
