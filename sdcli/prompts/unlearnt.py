"""Words that a model never learnt: their rows of its text encoder's table are all zero.

A small model's tokenizer knows every word, and the model only those of its captions. The others
draw the same picture, whatever they say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sdcli.prompts.chunks import Chunk
from sdcli.prompts.tokenizer import VOCABULARY_SIZE
from sdcli.prompts.word_positions import CHUNK_PLACES, find_word_positions
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.safetensors import ITEM_SIZES, Tensor
from sdcli.weights.tensor_names import TEXT, TEXT_2

_TABLE = "embeddings.token_embedding.weight"


def find_unlearnt_words(model: Checkpoint, chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """The words of these chunks that no text encoder of the model has a row for, each once.

    Only the rows of these words are read. A full-size model learnt every word: it has none.
    """
    tables = [table for kind in (TEXT, TEXT_2) if (table := _token_table(model, kind))]
    words = {
        word.text: [chunks[at // CHUNK_PLACES].tokens[at % CHUNK_PLACES - 1] for at in word.places]
        for word in find_word_positions(chunks)
    }
    ids = {token.id for tokens in words.values() for token in tokens if not token.embedding}
    blank = set[int]() if not tables else ids
    for table in tables:
        blank = blank & _blank_rows(table, ids)
    return tuple(
        word
        for word, tokens in words.items()
        if any(token.id in blank and not token.embedding for token in tokens)
    )


def _token_table(model: Checkpoint, kind: str) -> Tensor | None:
    """A text encoder's vectors of the vocabulary, where they lie in rows one after another."""
    if kind not in model.components:
        return None
    parts = model.components[kind].parts
    tables = (model.header.tensors[parts[name].name] for name in parts if name.endswith(_TABLE))
    table = next(tables, None)
    if table is None or len(table.shape) != 2 or table.shape[0] < VOCABULARY_SIZE:
        return None
    return table if table.strides in ((), (table.shape[1], 1)) else None


def _blank_rows(table: Tensor, ids: Collection[int]) -> set[int]:
    """Those of the rows that are all zero."""
    length = table.shape[1] * ITEM_SIZES[table.dtype]
    blank = set[int]()
    with table.file.open("rb") as file:
        for row in ids:
            file.seek(table.offset + row * length)
            if not any(file.read(length)):
                blank.add(row)
    return blank
