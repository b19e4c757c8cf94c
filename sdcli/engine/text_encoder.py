"""A prompt into what the U-Net attends to: chunk by chunk, weighted, by one encoder or two."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from sdcli.engine.embeddings import Vectors, load_embeddings
from sdcli.engine.pipeline import Pipeline
from sdcli.errors import BadRequest
from sdcli.plan import Plan
from sdcli.prompts import stages as wordings
from sdcli.prompts.chunks import Chunk
from sdcli.prompts.tokenizer import END_TOKEN, START_TOKEN
from sdcli.weights.clip import CHUNK_LENGTH
from sdcli.weights.embedding import CLIP_G, CLIP_H, CLIP_L

PLACES = CHUNK_LENGTH + 2  # the start, the words, the end
MOST_KNOWN = 64  # chunks; of SDXL's second encoder each takes 0.4 MB in fp32
States = tuple[torch.Tensor, torch.Tensor | None]  # a chunk's hidden states, and its pooled vector


@dataclass(frozen=True)
class Conditioning:
    """One prompt, encoded. Token `t` of chunk `c` is at place 77 * c + 1 + t."""

    embeds: torch.Tensor  # [1, 77 * chunks, width]
    pooled: torch.Tensor | None  # [1, width], where a second encoder gives it


@dataclass(frozen=True)
class EncodedPrompts:
    """The prompts of a plan, all equally long, as they are up to one evaluation of the model."""

    positives: tuple[Conditioning, ...]  # several where AND joins them
    and_weights: tuple[float, ...]  # and how strong each of them is
    negative: Conditioning
    last_evaluation: int  # the evaluation, counted from 0 and included

    @property
    def positive(self) -> Conditioning:
        """The prompt, or the first of those joined."""
        return self.positives[0]


@dataclass(frozen=True)
class TextEncoder:
    """One text encoder, and how its family uses it."""

    name: str  # as embeddings call it
    model: Any
    normed: bool  # whether the final layer norm follows the layer that is read
    pooled: bool

    @property
    def pad(self) -> int:
        """What fills a chunk up: OpenAI's CLIP was trained on ends, OpenCLIP on zeros."""
        return END_TOKEN if self.model.config.hidden_act == "quick_gelu" else 0

    @property
    def core(self) -> Any:
        """The transformer itself, which a projection may be built around."""
        return getattr(self.model, "text_model", self.model)


class KnownStates:
    """What chunks of prompts became, for the next plan that has them: the last ones of one model."""

    def __init__(self) -> None:
        self._states: OrderedDict[Hashable, States] = OrderedDict()

    def get(self, key: Hashable, encode: Callable[[], States]) -> States:
        """What was found under this key, or is found now."""
        if key not in self._states:
            self._states[key] = encode()
            if len(self._states) > MOST_KNOWN:
                self._states.popitem(last=False)
        self._states.move_to_end(key)
        return self._states[key]


def encode_prompts(
    pipe: Pipeline, plan: Plan, known_states: KnownStates | None = None, first_pass: int = 0
) -> tuple[EncodedPrompts, ...]:
    """The plan's prompts, with the words of its embeddings: once, or once for each change. Chunks in
    `known_states` are not encoded again. The plan may be a second pass's, after so many steps.

    An empty negative prompt of SDXL is all zeros, as that family was trained, unless the plan has
    another program's rule for it; the refiner was not trained so.
    """
    encoders = text_encoders(pipe)
    vectors = load_embeddings(plan.embeddings, [encoder.name for encoder in encoders])
    states = known_states or KnownStates()
    known: dict[str, Conditioning] = {}

    def one(text: str) -> Conditioning:
        if text not in known:
            known[text] = encode_text(pipe, encoders, plan, text, vectors, states)
        return known[text]

    stages: list[EncodedPrompts] = []
    for until, (*prompts, negative) in wordings.prompt_stages(plan, first_pass):
        against = one(negative)
        if not plan.negative:
            against = _empty_negative(against, plan.empty_negative, xl=len(encoders) == 2)
        *positives, against = equally_long(*map(one, prompts), against)
        stages.append(EncodedPrompts(tuple(positives), wordings.and_weights(plan), against, until))
    return tuple(stages)


def text_encoders(pipe: Pipeline) -> tuple[TextEncoder, ...]:
    """The pipeline's text encoders, in the order in which the U-Net sees them."""
    first, second = pipe.text_encoder, pipe.text_encoder_2
    if second is None:
        name = CLIP_L if first.config.hidden_act == "quick_gelu" else CLIP_H
        return (TextEncoder(name, first, normed=True, pooled=False),)
    pooling = TextEncoder(CLIP_G, second, normed=False, pooled=True)
    if first is None:
        return (pooling,)
    return TextEncoder(CLIP_L, first, normed=False, pooled=False), pooling


def encode_text(
    pipe: Pipeline,
    encoders: tuple[TextEncoder, ...],
    plan: Plan,
    text: str,
    vectors: Vectors,
    known: KnownStates,
) -> Conditioning:
    """One prompt: each encoder's states side by side, one chunk after another."""
    parts = wordings.wording_chunks(plan, text)
    rows: list[torch.Tensor] = []
    pooled: torch.Tensor | None = None
    for encoder in encoders:
        # A chunk at a time: what it becomes must not depend on its neighbours' rounding.
        states = [
            known.get(
                (encoder.name, chunk, _what_else_decides(plan)),
                lambda encoder=encoder, chunk=chunk: _states(pipe, encoder, chunk, plan, vectors),
            )
            for chunk in parts
        ]
        rows.append(torch.cat([state for state, _ in states], dim=1))
        pooled = states[0][1] if encoder.pooled else pooled
    return Conditioning(torch.cat(rows, dim=-1), pooled)


def _what_else_decides(plan: Plan) -> Hashable:
    """What of a plan, beside the chunk, decides what its text encoder makes of a chunk."""
    return plan.clip_skip, plan.emphasis, plan.loras, plan.embeddings


def _states(
    pipe: Pipeline, encoder: TextEncoder, chunk: Chunk, plan: Plan, vectors: Vectors
) -> States:
    """A chunk's hidden states, `clip_skip` layers from the end, weighted; and its pooled vector."""
    ids = [START_TOKEN, *(token.id for token in chunk.tokens), END_TOKEN]
    ids += [encoder.pad] * (PLACES - len(ids))
    with _embedded(encoder, chunk, vectors):
        out = encoder.model(
            torch.tensor([ids], device=pipe.compute_device), output_hidden_states=True
        )
    states = _layer(encoder, out.hidden_states, plan.clip_skip)
    return apply_weights(states, chunk, plan.emphasis), out.text_embeds if encoder.pooled else None


def _layer(encoder: TextEncoder, states: tuple[torch.Tensor, ...], clip_skip: int) -> torch.Tensor:
    layers = len(states) - 1
    if not 1 <= clip_skip <= layers:
        raise BadRequest(
            f"`--clip-skip {clip_skip}` cannot be: the text encoder has {layers} layers",
            hint="1 is its last layer, 2 the one before it",
        )
    state = states[-clip_skip]
    return encoder.core.final_layer_norm(state) if encoder.normed else state


def apply_weights(states: torch.Tensor, chunk: Chunk, emphasis: str) -> torch.Tensor:
    """The states times their tokens' weights; `original` then restores the mean of the chunk."""
    if emphasis == "ignored" or all(token.weight == 1 for token in chunk.tokens):
        return states
    weights = torch.ones(states.shape[1], 1, dtype=torch.float32)
    weights[1 : 1 + len(chunk.tokens), 0] = torch.tensor([token.weight for token in chunk.tokens])
    before = states.float()
    after = before * weights.to(states.device)
    if emphasis == "original":
        after = after * (before.mean() / after.mean())
    return after.to(states.dtype)


@contextmanager
def _embedded(encoder: TextEncoder, chunk: Chunk, vectors: Vectors) -> Generator[None]:
    """While this holds, the encoder reads the embeddings' own vectors at their places."""
    own = {
        place: vectors[token.embedding][encoder.name][token.vector]
        for place, token in enumerate(chunk.tokens, start=1)
        if token.embedding
    }

    def replace(_module: Any, _given: Any, found: torch.Tensor) -> torch.Tensor:
        found = found.clone()
        for place, vector in own.items():
            found[:, place] = vector.to(found)
        return found

    if not own:
        yield
        return
    # transformers' CLIP takes no vectors in place of ids, so they are put in behind the table.
    handle = encoder.core.embeddings.token_embedding.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _empty_negative(text: Conditioning, rule: str, *, xl: bool) -> Conditioning:
    """What stands for an empty negative prompt that was encoded, by a plan's rule for it."""
    if rule == "encoded" or (not xl and rule != "always-zeros"):
        return text
    pooled = text.pooled
    if pooled is not None and rule != "zero-states":
        pooled = torch.zeros_like(pooled)
    return Conditioning(torch.zeros_like(text.embeds), pooled)


def equally_long(*texts: Conditioning) -> Iterator[Conditioning]:
    """The prompts repeated until they are equally long, so that one batch holds them.

    Attention to every key twice over is attention to it once: the picture is the one that each
    prompt draws at its own length.
    """
    length = math.lcm(*(text.embeds.shape[1] for text in texts))
    for text in texts:
        times = length // text.embeds.shape[1]
        yield Conditioning(text.embeds.repeat(1, times, 1), text.pooled)
