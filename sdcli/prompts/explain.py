"""What a prompt becomes, told before anything is drawn: chunks, weights, and names found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.library.find import find_adapter, find_checkpoint, searched_folders
from sdcli.plan import Embedding, File
from sdcli.prompts.a1111 import WeightedText
from sdcli.prompts.chunks import Chunk, Token
from sdcli.prompts.notes import unlearnt_words, word_notes
from sdcli.prompts.stages import BarePrompts, count_prompt_steps, wording_chunks
from sdcli.prompts.syntax import DEFAULT_SYNTAX, SYNTAXES
from sdcli.request import Lora, Request
from sdcli.schedulers.names import find_scheduler
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.clip import CHUNK_LENGTH
from sdcli.weights.embedding import EmbeddingFile

# A line as (text, style); the styles are rich's, and may be dropped.
StyledLine = list[tuple[str, str]]

_ENDS = {
    "full": ", full: the next goes on",
    "comma": ", ends at a comma: {} moved on to the next",
    "break": ", ended by BREAK",
}


@dataclass(frozen=True)
class ExplainedStage:
    """A prompt as it is up to a step: most have one stage, `[a:b:0.5]` makes two."""

    until: int
    text: str
    chunks: tuple[Chunk, ...]
    and_weight: float = 1.0  # of a prompt that AND joins to others


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
    would refuse for other reasons than its words is not looked at."""
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
        notes=tuple(word_notes(prompts, model)),
    )


def _find_embeddings(names: tuple[str, ...], model: Checkpoint | None) -> tuple[EmbeddingFile, ...]:
    paths = [find_adapter(name, "embedding") for name in names]
    return embedding.check_embeddings(paths, model)


def _find_lora(lora: Lora) -> Path | None:
    try:
        return find_adapter(lora.name)
    except BadRequest:
        return None


def explanation_record(explained: PromptExplanation) -> dict[str, Any]:
    """The same for programs."""
    negative = explained.negative
    return {
        "prompt": [
            _stage_record(stage) | {"part": part}
            for part, stages in enumerate(explained.prompts, 1)
            for stage in stages
        ],
        **({} if negative is None else {"negative": [_stage_record(each) for each in negative]}),
        "embeddings": [
            {
                "word": each.word,
                "file": str(each.path),
                "vectors": each.vectors,
                "widths": list(each.widths.values()),
                "made_for": each.made_for,
                "uses": explained.count_uses(each.word),
            }
            for each in explained.embeddings
        ],
        "loras": [
            {
                "name": lora.name,
                "unet": lora.unet,
                "te": lora.te,
                "file": None if path is None else str(path),
            }
            for lora, path in explained.loras
        ],
        "encoders": explained.encoders,
        "unlearnt": list(explained.unlearnt),
        "notes": list(explained.notes),
    }


def _stage_record(stage: ExplainedStage) -> dict[str, Any]:
    parts = [_chunk_record(chunk) for chunk in stage.chunks]
    return {"until": stage.until, "text": stage.text, "pull": stage.and_weight, "chunks": parts}


def _chunk_record(chunk: Chunk) -> dict[str, Any]:
    return {
        "tokens": [_token_record(t) for t in chunk.tokens],
        "end": chunk.end,
        "moved": chunk.moved_on,
    }


def _token_record(token: Token) -> dict[str, Any]:
    if token.embedding:
        return {"embedding": token.embedding, "vector": token.vector, "weight": token.weight}
    return {"id": token.id, "text": token.text, "weight": token.weight}


def explanation_lines(explained: PromptExplanation) -> Iterator[StyledLine]:
    """The same for people."""
    for title, stages in explained.titled:
        yield from _prompt_lines(title, stages, explained.steps)
    yield from _name_lines(explained)
    if explained.encoders:
        read = " and ".join(f"{name} ({width} wide)" for name, width in explained.encoders.items())
        yield [("read by ", "bold"), (read, "")]


def _name_lines(explained: PromptExplanation) -> Iterator[StyledLine]:
    for each in explained.embeddings:
        uses = explained.count_uses(each.word)
        yield [
            ("embedding ", "bold"),
            (each.word, "magenta"),
            (f"  {_count_of(each.vectors, 'vector')}, for {each.made_for}, ", ""),
            (f"used {_count_of(uses, 'time')}" if uses else "not used", "" if uses else "yellow"),
            (f"  {each.path}", "dim"),
        ]
    for lora, path in explained.loras:
        yield [
            ("LoRA ", "bold"),
            (lora.name, "magenta"),
            (f"  U-Net {lora.unet:g}, text encoder {lora.te:g}  ", ""),
            (str(path), "dim")
            if path
            else (f"drawing would refuse: no path, and no name in {searched_folders()}", "yellow"),
        ]


def _prompt_lines(
    title: str, stages: tuple[ExplainedStage, ...], steps: int
) -> Iterator[StyledLine]:
    """A prompt; of one that changes, every wording once, with the steps it is drawn with."""
    runs: dict[str, list[tuple[int, int]]] = {}
    begin = 1
    for stage in stages:
        runs.setdefault(stage.text, []).append((begin, stage.until))
        begin = stage.until + 1
    worded = {stage.text: stage for stage in stages}
    for wording, stage in worded.items():
        tokens = sum(len(chunk.tokens) for chunk in stage.chunks)
        chunks = _count_of(len(stage.chunks), "chunk")
        count = f"{_count_of(tokens, 'token')} in {chunks} of {CHUNK_LENGTH}"
        turns = "" if len(worded) == 1 else f", {_steps_of(runs[wording])} of {steps}"
        turns += "" if stage.and_weight == 1 else f", pulls {stage.and_weight:g} times as strong"
        yield [(title, "bold"), (f"  {count}, nothing is cut", ""), (turns, "yellow")]
        yield from _chunk_lines(stage.chunks)


def _steps_of(runs: list[tuple[int, int]]) -> str:
    """`at step 3`, `at steps 1 to 5`, `at steps 1, 3, 5, ... 9`."""
    named = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs]
    few = named if len(named) <= 4 else [*named[:3], f"... {named[-1]}"]
    return f"at step{'' if named == [few[0]] and ' ' not in few[0] else 's'} {', '.join(few)}"


def _chunk_lines(parts: tuple[Chunk, ...]) -> Iterator[StyledLine]:
    for number, chunk in enumerate(parts, 1):
        end = (
            _ENDS[chunk.end].format(_count_of(chunk.moved_on, "token"))
            if chunk.end in _ENDS
            else ""
        )
        yield [
            (f"  chunk {number}", "cyan"),
            (f"  {len(chunk.tokens)} of {CHUNK_LENGTH}{end}", "dim"),
        ]
        for (weight, word), tokens in groupby(chunk.tokens, key=lambda t: (t.weight, t.embedding)):
            texts = [token.text for token in tokens]
            shown = f"[{word}: {_count_of(len(texts), 'vector')}]" if word else " ".join(texts)
            style = _weight_style(weight)
            yield [(f"    {weight:5.2f}  ", style), (shown, "magenta" if word else style)]


def _weight_style(weight: float) -> str:
    return "" if weight == 1 else "bold green" if weight > 1 else "dim"


def _count_of(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
