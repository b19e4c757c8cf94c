"""What a prompt becomes, told before anything is drawn: chunks, weights, and names found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.library.find import find_adapter, find_checkpoint, searched_folders
from sdcli.prompts.a1111 import WeightedText
from sdcli.prompts.chunks import Chunk, Token, split_into_chunks
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.request import Lora
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.clip import CHUNK_LENGTH
from sdcli.weights.embedding import EmbeddingFile

USUAL_STEPS = 25  # where neither the user nor a model says
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
    """A prompt and its negative as the text encoder will see them, and the names found in them."""

    steps: int
    texts: dict[str, tuple[ExplainedStage, ...]]  # prompt, negative
    embeddings: tuple[EmbeddingFile, ...]
    loras: tuple[tuple[Lora, Path | None], ...]
    encoders: dict[str, int]  # none where no model was named

    def count_uses(self, word: str) -> int:
        """How often an embedding's name stands in the prompts, in all their stages."""
        parts = [c for text in self.texts.values() for stage in text for c in stage.chunks]
        return sum(t.embedding == word and t.vector == 0 for part in parts for t in part.tokens)


def explain_prompt(
    prompt: str,
    negative: str | None,
    *,
    syntax: str = "a1111",
    embeddings: Sequence[str] = (),
    model: str | None = None,
    steps: int | None = None,
) -> PromptExplanation:
    """Read a prompt as drawing would. A model is asked for its text encoders, by its header."""
    language = SYNTAXES[syntax]
    named_model = None if model is None else checkpoint.identify_checkpoint(find_checkpoint(model))
    usual = USUAL_STEPS if named_model is None else named_model.steps
    steps = usual if steps is None else steps
    known_embeddings = _find_embeddings(embeddings, named_model)
    words = {each.word: each.vectors for each in known_embeddings}
    text_without_tags, loras = language.extract_tags(prompt)
    parts_by_name = {"prompt": language.split_at_and(text_without_tags)}
    if negative is not None:
        parts_by_name["negative"] = (WeightedText(negative, 1.0),)

    def stages(part: WeightedText) -> Iterator[ExplainedStage]:
        for until, text in language.schedule(part.text, steps):
            pieces = language.parse_weights(text)
            chunks_of_text = split_into_chunks(pieces, clip_tokenizer(), words)
            yield ExplainedStage(until, text, chunks_of_text, part.weight)

    return PromptExplanation(
        steps=steps,
        texts={
            name: tuple(stage for part in parts for stage in stages(part))
            for name, parts in parts_by_name.items()
        },
        embeddings=known_embeddings,
        loras=tuple((lora, _find_lora(lora)) for lora in loras),
        encoders={} if named_model is None else embedding.encoder_widths(named_model),
    )


def _find_embeddings(names: Sequence[str], model: Checkpoint | None) -> tuple[EmbeddingFile, ...]:
    paths = [find_adapter(name, "embedding") for name in names]
    return embedding.check_embeddings(paths, model)


def _find_lora(lora: Lora) -> Path | None:
    try:
        return find_adapter(lora.name)
    except BadRequest:
        return None


def explanation_record(explained: PromptExplanation) -> dict[str, Any]:
    """The same for programs."""
    return {
        **{
            name: [_stage_record(stage) for stage in text] for name, text in explained.texts.items()
        },
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
    for name, text in explained.texts.items():
        yield from _prompt_lines(name, text, explained.steps)
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


def _prompt_lines(name: str, text: tuple[ExplainedStage, ...], steps: int) -> Iterator[StyledLine]:
    """A prompt; of one that changes, every wording once, with the steps it is drawn with."""
    ends: dict[tuple[str, float], list[int]] = {}
    for stage in text:
        ends.setdefault((stage.text, stage.and_weight), []).append(stage.until)
    worded = {(stage.text, stage.and_weight): stage.chunks for stage in text}
    for (wording, pull), parts in worded.items():
        tokens = sum(len(chunk.tokens) for chunk in parts)
        count = (
            f"{_count_of(tokens, 'token')} in {_count_of(len(parts), 'chunk')} of {CHUNK_LENGTH}"
        )
        until = ends[wording, pull]
        turns = "" if until == [steps] else f", until step {_few_numbers(until)} of {steps}"
        turns += "" if pull == 1 else f", pulls {pull:g} times as strong"
        yield [(name, "bold"), (f"  {count}, nothing is cut", ""), (turns, "yellow")]
        yield from _chunk_lines(parts)


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


def _few_numbers(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:3]))
    return few if len(numbers) <= 3 else f"{few}, ... {numbers[-1]}"


def _count_of(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
