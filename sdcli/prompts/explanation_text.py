"""How a prompt is read, as lines for people and as a record for programs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sdcli.library.find import searched_folders
from sdcli.prompts.chunks import Chunk, Token
from sdcli.prompts.explain import ChosenPrompts, ExplainedStage, PromptExplanation
from sdcli.weights.clip import CHUNK_LENGTH

# A line as (text, style); the styles are rich's, and may be dropped.
StyledLine = list[tuple[str, str]]

_ENDS = {
    "full": ", full: the next goes on",
    "comma": ", ends at a comma: {} moved on to the next",
    "break": ", ended by BREAK",
}


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
        **({} if explained.chosen is None else {"chosen": _chosen_record(explained.chosen)}),
    }


def _chosen_record(chosen: ChosenPrompts) -> dict[str, Any]:
    return {
        "seed": chosen.seed,
        "template": chosen.template.prompt,
        "negative_template": chosen.template.negative,
        "prompt": chosen.texts.prompt,
        "negative": chosen.texts.negative,
        "combinations": chosen.combinations or None,
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
    if explained.chosen is not None:
        yield from _chosen_lines(explained.chosen)
    for title, stages in explained.titled:
        yield from _prompt_lines(title, stages, explained.steps)
    yield from _name_lines(explained)
    if explained.encoders:
        read = " and ".join(f"{name} ({width} wide)" for name, width in explained.encoders.items())
        yield [("read by ", "bold"), (read, "")]


def _chosen_lines(chosen: ChosenPrompts) -> Iterator[StyledLine]:
    of = _count_of(chosen.combinations, "combination") if chosen.combinations else "very many"
    yield [("chosen ", "bold"), (f" by seed {chosen.seed}, of {of}", "")]
    for text in filter(None, chosen.texts):
        yield [("    ", ""), (text, "magenta")]


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
