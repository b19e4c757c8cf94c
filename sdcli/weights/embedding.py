"""What a textual inversion is, from its header alone: the word, its vectors, and whom they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from sdcli.errors import BadRequest
from sdcli.library.find import BUILTIN
from sdcli.weights.checkpoint import Checkpoint, kind_name
from sdcli.weights.clip import BUNDLED, CHUNK_LENGTH, CLIP_G, CLIP_H, CLIP_L
from sdcli.weights.embedding_in_image import may_hold_embedding, read_embedding_rows
from sdcli.weights.file_kinds import find_file_kind
from sdcli.weights.read_header import read_header
from sdcli.weights.safetensors import Header
from sdcli.weights.tensor_names import TEXT, TEXT_2

ONLY_ENCODER = ""  # the encoder of a file that does not say which: the model's only one

_MADE_FOR: Mapping[tuple[int, ...], str] = {
    (768,): "Stable Diffusion 1",
    (1024,): "Stable Diffusion 2",
    (768, 1280): "Stable Diffusion XL",
    (1280,): "the second text encoder of Stable Diffusion XL",
}


@dataclass(frozen=True)
class EmbeddingFile:
    """A new word: its vectors by text encoder, where the file keeps them and how wide they are."""

    path: Path
    word: str  # the file's name in lower case: how prompts spell it, in any case
    vectors: int  # how many places of a chunk it takes
    widths: Mapping[str, int]
    tensors: Mapping[str, str]  # none in a picture, where they are a text

    @property
    def made_for(self) -> str:
        """The family it was trained with, as far as widths tell."""
        widths = tuple(self.widths.values())
        return _MADE_FOR.get(widths, f"text encoders {_joined(widths)} wide")

    def tensor(self, encoder: str) -> str:
        """The tensor that holds the word for one text encoder."""
        return self.tensors[encoder if encoder in self.tensors else ONLY_ENCODER]


def read_embedding(path: Path) -> EmbeddingFile:
    """The embedding in a file, whatever layout it has."""
    if may_hold_embedding(path):
        rows = read_embedding_rows(path)
        return EmbeddingFile(
            path, word_in_prompts(path), len(rows), {ONLY_ENCODER: len(rows[0])}, {}
        )
    header = read_header(path)
    tensors = _tensors(header)
    shapes = [header.tensors[name].shape for name in tensors.values()]
    rows = {shape[0] if len(shape) == 2 else 1 for shape in shapes}
    if len(rows) != 1 or any(len(shape) not in (1, 2) or 0 in shape for shape in shapes):
        raise BadRequest(
            f"`{path.name}` does not hold the vectors of one word",
            hint=f"it holds {_joined(f'{n} {list(t.shape)}' for n, t in header.tensors.items())}",
        )
    widths = {encoder: header.tensors[name].shape[-1] for encoder, name in tensors.items()}
    return EmbeddingFile(path, word_in_prompts(path), rows.pop(), widths, tensors)


def bundled_embeddings(path: Path) -> tuple[EmbeddingFile, ...]:
    """The embeddings in a file: its own one, or those that a LoRA carries along."""
    if may_hold_embedding(path) or kind_name(header := read_header(path)) != "lora":
        return (read_embedding(path),)
    bundled: dict[str, dict[str, str]] = {}
    for key in header.tensors:
        if key.startswith(BUNDLED):
            word, _, part = key.removeprefix(BUNDLED).partition(".")
            if not part.startswith("string_to_token") and len(header.tensors[key].shape) == 2:
                encoder = part if part in (CLIP_L, CLIP_G) else ONLY_ENCODER
                bundled.setdefault(word.lower(), {})[encoder] = key
    return tuple(
        EmbeddingFile(
            path,
            word,
            header.tensors[next(iter(keys.values()))].shape[0],
            {encoder: header.tensors[key].shape[-1] for encoder, key in keys.items()},
            keys,
        )
        for word, keys in bundled.items()
    ) or (read_embedding(path),)


def word_in_prompts(path: Path) -> str:
    """What a prompt calls it: the file's name, of the package's own files without their prefix."""
    return path.stem.lower().removeprefix(f"{BUILTIN}-")


def check_embeddings(paths: Iterable[Path], model: Checkpoint | None) -> tuple[EmbeddingFile, ...]:
    """The embeddings in these files, each of another name, and fit for the model, if any."""
    by_word: dict[str, EmbeddingFile] = {}
    for embedding in chain.from_iterable(map(bundled_embeddings, paths)):
        path, other = embedding.path, by_word.get(embedding.word)
        if other is not None and other.path != path:
            raise BadRequest(
                f"`{other.path}` and `{path}` are both called `{embedding.word}`",
                hint="a prompt finds an embedding by its file's name: rename one of them",
            )
        if embedding.vectors > CHUNK_LENGTH:
            raise BadRequest(
                f"`{path.name}` has {embedding.vectors} vectors, a chunk holds {CHUNK_LENGTH} tokens",
                hint="no text encoder can read it",
            )
        if model is not None:
            _require_fit(embedding, model)
        by_word[embedding.word] = embedding
    return tuple(by_word.values())


def _require_fit(embedding: EmbeddingFile, model: Checkpoint) -> None:
    encoders = encoder_widths(model)
    if not embedding_fits(embedding, encoders):
        raise BadRequest(
            f"`{embedding.path.name}` was made for {embedding.made_for}, "
            f"`{model.path.name}` is {model.family.title} ({_joined(encoders.values())} wide)",
            hint=model.hint_other("an embedding"),
        )


def embedding_fits(embedding: EmbeddingFile, encoders: Mapping[str, int]) -> bool:
    """Whether every text encoder of a model finds vectors of its own width.

    SDXL's refiner is the second half of a pair. A pair is nothing for SD 1, although the first
    half has its width: it was trained with another model.
    """
    if ONLY_ENCODER in embedding.widths:
        return [embedding.widths[ONLY_ENCODER]] == list(encoders.values())
    spare = set(embedding.widths) - set(encoders)
    alone = spare <= ({CLIP_L} if list(encoders) == [CLIP_G] else set())
    return alone and all(embedding.widths.get(name) == width for name, width in encoders.items())


def encoder_widths(model: Checkpoint) -> dict[str, int]:
    """How wide each text encoder of a model is, by the names that embeddings use."""
    return _of_encoders(model, "hidden_size")


def encoder_layers(model: Checkpoint) -> dict[str, int]:
    """How many layers each text encoder of a model has."""
    return _of_encoders(model, "num_hidden_layers")


def _of_encoders(model: Checkpoint, fact: str) -> dict[str, int]:
    first = CLIP_L if model.family.act == "quick_gelu" else CLIP_H
    names = {TEXT: first, TEXT_2: CLIP_G}
    held = [part for part in names if part in model.components]
    return {names[part]: int(model.config(part)[fact]) for part in held}


def _tensors(header: Header) -> dict[str, str]:
    """The vectors' names in the file by encoder; none where anything else is in it, too."""
    if kind_name(header) not in ("embedding", "unknown"):
        row = find_file_kind(header)
        raise BadRequest(f"`{header.path.name}` is {row.title}, not an embedding", hint=row.hint)
    names = [name for name in header.tensors if not name.startswith("string_to_token.")]
    if names and set(names) <= {CLIP_L, CLIP_G}:
        return {name: name for name in (CLIP_L, CLIP_G) if name in names}
    # A1111's `emb_params` or `string_to_param.*`, or diffusers' own name for the word
    return {ONLY_ENCODER: names[0]} if len(names) == 1 else {}


def _joined(items: Iterable[object]) -> str:
    return " and ".join(map(str, items))
