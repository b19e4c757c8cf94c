"""What a person should know about a plan's prompts before wondering at the picture."""

from __future__ import annotations

from collections.abc import Iterator

from sdcli.plan import Edit, Plan
from sdcli.prompts.a1111 import BREAK
from sdcli.prompts.stages import and_weights, prompt_stages, unused_embeddings, wording_chunks
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.unlearnt import find_unlearnt_words
from sdcli.weights.checkpoint import identify_checkpoint


def prompt_notes(plan: Plan) -> Iterator[str]:
    """Each a sentence: what stands in the prompts without effect, or means more than it seems."""
    for word in unused_embeddings(plan):
        yield f"the embedding `{word}` stands in no prompt: it changes nothing"
    weights = and_weights(plan)
    if plan.negative and plan.cfg == 1 and weights == (1.0,) and not isinstance(plan.task, Edit):
        yield "the negative prompt changes nothing: at `--cfg 1` only the prompt is asked"
    if len(weights) == 1 and weights != (1.0,):
        yield (
            f"the prompt ends in `:{weights[0]:g}`, so all of it weighs that much, as in A1111: "
            "a comma at its end makes it words"
        )
    texts = list(dict.fromkeys(text for _, every in prompt_stages(plan) for text in every))
    pieces = [piece for text in texts for piece in SYNTAXES[plan.syntax].parse_weights(text)]
    if any(piece.text == BREAK.text and piece != BREAK for piece in pieces) and len(pieces) > 1:
        yield "`BREAK` inside brackets is a word, as in A1111: close the brackets before it"
    yield from _unlearnt_note(plan, texts)


def _unlearnt_note(plan: Plan, texts: list[str]) -> Iterator[str]:
    model = identify_checkpoint(plan.model.path)
    chunks = [chunk for text in texts for chunk in wording_chunks(plan, text)]
    words = find_unlearnt_words(model, chunks)
    if words:
        named = ", ".join(f"`{word}`" for word in words[:8]) + (", ..." if len(words) > 8 else "")
        about = model.own_metadata.get("about")
        knows = f"; it knows {about}" if isinstance(about, str) else ""
        yield (
            f"`{model.name}` never learnt {named}, which it cannot draw{knows}. "
            "A full-size checkpoint (`-m FILE`) takes any words"
        )
