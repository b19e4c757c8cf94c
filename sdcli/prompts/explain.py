"""What a prompt becomes, told before anything is drawn: chunks, weights, and names found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.library import find as store
from sdcli.prompts.chunks import LENGTH, Chunk, Token, chunks
from sdcli.prompts.scheduling import stretches
from sdcli.prompts.syntax import Piece, joined, pieces, tags
from sdcli.prompts.tokenizer import vocabulary
from sdcli.request import Lora
from sdcli.weights import checkpoint, embedding
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.embedding import Embedding

STEPS = 25  # where neither the user nor a model says
Line = list[tuple[str, str]]  # a line as (text, style); the styles are rich's, and may be dropped

_ENDS = {
    "full": ", full: the next goes on",
    "comma": ", ends at a comma: {} moved on to the next",
    "break": ", ended by BREAK",
}


@dataclass(frozen=True)
class Stage:
    """A prompt as it is up to a step: most have one stage, `[a:b:0.5]` makes two."""

    until: int
    text: str
    chunks: tuple[Chunk, ...]
    pull: float = 1.0  # of a prompt that AND joins to others


@dataclass(frozen=True)
class Explained:
    """A prompt and its negative as the text encoder will see them, and the names found in them."""

    steps: int
    texts: dict[str, tuple[Stage, ...]]  # prompt, negative
    embeddings: tuple[Embedding, ...]
    loras: tuple[tuple[Lora, Path | None], ...]
    encoders: dict[str, int]  # none where no model was named

    def uses(self, word: str) -> int:
        """How often an embedding's name stands in the prompts, in all their stages."""
        parts = [c for text in self.texts.values() for stage in text for c in stage.chunks]
        return sum(t.word == word and t.row == 0 for part in parts for t in part.tokens)


def explain(
    prompt: str,
    negative: str | None,
    *,
    syntax: str = "a1111",
    embeddings: Sequence[str] = (),
    model: str | None = None,
    steps: int | None = None,
) -> Explained:
    """Read a prompt as drawing would. A model is asked for its text encoders, by its header."""
    found = None if model is None else checkpoint.identify(store.find(model))
    usual = STEPS if found is None else found.steps
    steps = usual if steps is None else steps
    learnt = _learnt(embeddings, found)
    words = {each.word: each.vectors for each in learnt}
    clean, loras = tags(prompt, syntax)
    said = {"prompt": joined(clean, syntax)}
    if negative is not None:
        said["negative"] = (Piece(negative, 1.0),)

    def stages(part: Piece) -> Iterator[Stage]:
        for until, text in stretches(part.text, syntax, steps):
            read = chunks(pieces(text, syntax), vocabulary(), words)
            yield Stage(until, text, read, part.weight)

    return Explained(
        steps=steps,
        texts={
            name: tuple(stage for part in parts for stage in stages(part))
            for name, parts in said.items()
        },
        embeddings=learnt,
        loras=tuple((lora, _file(lora)) for lora in loras),
        encoders={} if found is None else embedding.widths(found),
    )


def _learnt(names: Sequence[str], model: Checkpoint | None) -> tuple[Embedding, ...]:
    paths = [store.find_adapter(name) for name in names]
    return embedding.known(paths, model)


def _file(lora: Lora) -> Path | None:
    try:
        return store.find_adapter(lora.name)
    except BadRequest:
        return None


def data(explained: Explained) -> dict[str, Any]:
    """The same for programs."""
    return {
        **{name: [_stage(stage) for stage in text] for name, text in explained.texts.items()},
        "embeddings": [
            {
                "word": each.word,
                "file": str(each.path),
                "vectors": each.vectors,
                "widths": list(each.widths.values()),
                "made_for": each.made_for,
                "uses": explained.uses(each.word),
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


def _stage(stage: Stage) -> dict[str, Any]:
    parts = [_chunk(chunk) for chunk in stage.chunks]
    return {"until": stage.until, "text": stage.text, "pull": stage.pull, "chunks": parts}


def _chunk(chunk: Chunk) -> dict[str, Any]:
    return {"tokens": [_token(t) for t in chunk.tokens], "end": chunk.end, "moved": chunk.moved}


def _token(token: Token) -> dict[str, Any]:
    if token.word:
        return {"embedding": token.word, "vector": token.row, "weight": token.weight}
    return {"id": token.id, "text": token.text, "weight": token.weight}


def lines(explained: Explained) -> Iterator[Line]:
    """The same for people."""
    for name, text in explained.texts.items():
        yield from _text(name, text, explained.steps)
    yield from _names(explained)
    if explained.encoders:
        read = " and ".join(f"{name} ({width} wide)" for name, width in explained.encoders.items())
        yield [("read by ", "bold"), (read, "")]


def _names(explained: Explained) -> Iterator[Line]:
    for each in explained.embeddings:
        uses = explained.uses(each.word)
        yield [
            ("embedding ", "bold"),
            (each.word, "magenta"),
            (f"  {_many(each.vectors, 'vector')}, for {each.made_for}, ", ""),
            (f"used {_many(uses, 'time')}" if uses else "not used", "" if uses else "yellow"),
            (f"  {each.path}", "dim"),
        ]
    for lora, path in explained.loras:
        yield [
            ("LoRA ", "bold"),
            (lora.name, "magenta"),
            (f"  U-Net {lora.unet:g}, text encoder {lora.te:g}  ", ""),
            (str(path), "dim") if path else ("no such file: drawing would refuse", "yellow"),
        ]


def _text(name: str, text: tuple[Stage, ...], steps: int) -> Iterator[Line]:
    """A prompt; of one that changes, every wording once, with the steps it is drawn with."""
    ends: dict[tuple[str, float], list[int]] = {}
    for stage in text:
        ends.setdefault((stage.text, stage.pull), []).append(stage.until)
    worded = {(stage.text, stage.pull): stage.chunks for stage in text}
    for (wording, pull), parts in worded.items():
        tokens = sum(len(chunk.tokens) for chunk in parts)
        count = f"{_many(tokens, 'token')} in {_many(len(parts), 'chunk')} of {LENGTH}"
        until = ends[wording, pull]
        turns = "" if until == [steps] else f", until step {_listed(until)} of {steps}"
        turns += "" if pull == 1 else f", pulls {pull:g} times as strong"
        yield [(name, "bold"), (f"  {count}, nothing is cut", ""), (turns, "yellow")]
        yield from _chunks(parts)


def _chunks(parts: tuple[Chunk, ...]) -> Iterator[Line]:
    for number, chunk in enumerate(parts, 1):
        end = _ENDS[chunk.end].format(_many(chunk.moved, "token")) if chunk.end in _ENDS else ""
        yield [(f"  chunk {number}", "cyan"), (f"  {len(chunk.tokens)} of {LENGTH}{end}", "dim")]
        for (weight, word), tokens in groupby(chunk.tokens, key=lambda t: (t.weight, t.word)):
            texts = [token.text for token in tokens]
            shown = f"[{word}: {_many(len(texts), 'vector')}]" if word else " ".join(texts)
            style = _shade(weight)
            yield [(f"    {weight:5.2f}  ", style), (shown, "magenta" if word else style)]


def _shade(weight: float) -> str:
    return "" if weight == 1 else "bold green" if weight > 1 else "dim"


def _listed(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:3]))
    return few if len(numbers) <= 3 else f"{few}, ... {numbers[-1]}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
