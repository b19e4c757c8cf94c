"""What a prompt becomes, told before anything is drawn: chunks, weights, and names found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.library.find import find_adapter, find_checkpoint
from sdcli.plan import Embedding, File
from sdcli.prompts.a1111 import WeightedText
from sdcli.prompts.choices.choose import (
    choices_mode,
    count_combinations,
    find_word_files,
    template_of,
)
from sdcli.prompts.choices.resolve import Texts, choose_by_seed
from sdcli.prompts.chunks import Chunk
from sdcli.prompts.notes import choice_notes, unlearnt_words, word_notes
from sdcli.prompts.stages import BarePrompts, count_prompt_steps, wording_chunks
from sdcli.prompts.syntax import DEFAULT_SYNTAX, SYNTAXES
from sdcli.request import Lora, Request
from sdcli.schedulers.names import find_scheduler
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.embedding import EmbeddingFile


@dataclass(frozen=True)
class ExplainedStage:
    """A prompt as it is up to a step: most have one stage, `[a:b:0.5]` makes two."""

    until: int
    text: str
    chunks: tuple[Chunk, ...]
    and_weight: float = 1.0  # of a prompt that AND joins to others


@dataclass(frozen=True)
class ChosenPrompts:
    """What the choices of a template became for a seed."""

    template: Texts
    texts: Texts
    seed: int
    combinations: int  # 0: too many to be counted


@dataclass(frozen=True)
class PromptExplanation:
    """A prompt and its negative as the text encoder will see them, and the names found in them.

    `steps` are those that a prompt counts: every evaluation of the model is one.
    """

    steps: int
    prompts: tuple[tuple[ExplainedStage, ...], ...]  # several where AND joins them
    negative: tuple[ExplainedStage, ...] | None
    embeddings: tuple[EmbeddingFile, ...]
    loras: tuple[tuple[Lora, Path | None], ...]
    encoders: dict[str, int]  # none where no model was named
    unlearnt: tuple[str, ...]  # words that the model never learnt
    notes: tuple[str, ...]
    chosen: ChosenPrompts | None = None  # where choices were made

    @property
    def titled(self) -> Iterator[tuple[str, tuple[ExplainedStage, ...]]]:
        """Every prompt with what it is called, those that AND joins by number."""
        count = len(self.prompts)
        for number, stages in enumerate(self.prompts, 1):
            yield f"prompt {number} of {count}" if count > 1 else "prompt", stages
        if self.negative is not None:
            yield "negative", self.negative

    def count_uses(self, word: str) -> int:
        """How often an embedding's name stands in the prompts, in all their stages."""
        parts = [c for _, stages in self.titled for stage in stages for c in stage.chunks]
        return sum(t.embedding == word and t.vector == 0 for part in parts for t in part.tokens)


def explain_request(request: Request) -> PromptExplanation:
    """Read a request's prompts as drawing would. Of files only headers are read, and what drawing
    would refuse for other reasons than its words is not looked at. Choices are made for its seed, or 0."""
    chosen = _make_choices(request)
    if chosen is not None:
        negative = None if request.negative is None else chosen.texts.negative
        request = replace(request, prompt=chosen.texts.prompt, negative=negative)
    model = checkpoint.identify_checkpoint(find_checkpoint(request.model))
    named_model = None if request.model is None else model
    syntax = request.syntax or DEFAULT_SYNTAX
    language = SYNTAXES[syntax]
    known = _find_embeddings(request.embeddings, named_model)
    text, tags = language.extract_tags(request.prompt)
    prompts = BarePrompts(
        text,
        request.negative or "",
        syntax,
        tuple(Embedding(File(each.path, ""), each.word, each.vectors) for each in known),
        find_scheduler(request.scheduler or model.scheduler),
        request.steps or model.steps,
    )
    steps = count_prompt_steps(prompts.scheduler, prompts.steps)

    def stages(part: WeightedText) -> Iterator[ExplainedStage]:
        for until, wording in language.schedule(part.text, steps):
            yield ExplainedStage(until, wording, wording_chunks(prompts, wording), part.weight)

    negative = None if request.negative is None else WeightedText(request.negative, 1.0)
    return PromptExplanation(
        steps=steps,
        prompts=tuple(tuple(stages(part)) for part in language.split_at_and(text)),
        negative=None if negative is None else tuple(stages(negative)),
        embeddings=known,
        loras=tuple((lora, _find_lora(lora)) for lora in (*request.loras, *tags)),
        encoders={} if named_model is None else embedding.encoder_widths(named_model),
        unlearnt=unlearnt_words(prompts, model),
        notes=(*([] if chosen else choice_notes(prompts)), *word_notes(prompts, model)),
        chosen=chosen,
    )


def _make_choices(request: Request) -> ChosenPrompts | None:
    if choices_mode(request) == "none":
        return None
    template, seed = template_of(request), request.seed or 0
    texts = choose_by_seed(template, seed, find_word_files(request))
    return ChosenPrompts(template, texts, seed, count_combinations(request, seed))


def _find_embeddings(names: tuple[str, ...], model: Checkpoint | None) -> tuple[EmbeddingFile, ...]:
    paths = [find_adapter(name, "embedding") for name in names]
    return embedding.check_embeddings(paths, model)


def _find_lora(lora: Lora) -> Path | None:
    try:
        return find_adapter(lora.name)
    except BadRequest:
        return None
