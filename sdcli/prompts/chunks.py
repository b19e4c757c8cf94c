"""A prompt as the text encoder takes it: chunks of at most 75 tokens, each with its weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdcli.errors import BadRequest
from sdcli.prompts.a1111 import BREAK, WeightedText
from sdcli.prompts.tokenizer import COMMA_TOKEN, ClipTokenizer, VocabularyToken
from sdcli.weights.clip import CHUNK_LENGTH

BACKTRACK = 20  # a chunk that fills up ends at a comma, if one is that near


@dataclass(frozen=True)
class Token:
    """One place in a chunk: a token of the vocabulary, or one vector of an embedding."""

    id: int
    text: str
    weight: float
    embedding: str = ""  # the embedding it belongs to
    vector: int = 0  # and which of its vectors it is


@dataclass(frozen=True)
class Chunk:
    """What the encoder sees at once, and why it is no longer."""

    tokens: tuple[Token, ...]
    end: str = "end"  # end, full, comma (the words after it moved on), break
    moved_on: int = 0  # how many tokens the comma rule moved on into the next chunk


def split_into_chunks(
    pieces: Iterable[WeightedText], vocabulary: ClipTokenizer, words: Mapping[str, int]
) -> tuple[Chunk, ...]:
    """The pieces cut into chunks; there is always at least one, and none is longer than 75.

    `words` are the embeddings known: a name, in any case, and how many vectors it stands for. It is
    found where its own tokens stand in a row inside one piece; the longest name wins.
    """
    names = _EmbeddingNames(vocabulary, words)
    pack = _ChunkPacker()
    for piece in pieces:
        if piece == BREAK:
            pack.close("break")
            continue
        symbols = vocabulary.encode(piece.text)
        at = 0
        while at < len(symbols):
            name, taken = names.match(symbols, at)
            if name:
                pack.add_word(name, words[name], piece.weight)
            else:
                pack.add(Token(symbols[at].id, symbols[at].text, piece.weight))
            at += taken
    return pack.finish()


class _EmbeddingNames:
    """The embeddings' names as runs of tokens, the longest first."""

    def __init__(self, vocabulary: ClipTokenizer, words: Mapping[str, int]) -> None:
        runs = [(tuple(s.id for s in vocabulary.encode(name)), name) for name in words]
        self._runs = sorted(runs, key=lambda run: -len(run[0]))

    def match(self, symbols: list[VocabularyToken], place: int) -> tuple[str, int]:
        """The name that begins here, and how many tokens it is; no name is one token."""
        for run, name in self._runs:
            if run and tuple(s.id for s in symbols[place : place + len(run)]) == run:
                return name, len(run)
        return "", 1


class _ChunkPacker:
    """Chunks being filled."""

    def __init__(self) -> None:
        self._done: list[Chunk] = []
        self._tokens: list[Token] = []
        self._comma = -1  # where the last comma of this chunk is

    def add(self, token: Token) -> None:
        """One more token; a full chunk is closed first."""
        if len(self._tokens) == CHUNK_LENGTH:
            self._make_room(at_comma=token.id != COMMA_TOKEN)
        if token.id == COMMA_TOKEN:
            self._comma = len(self._tokens)
        self._tokens.append(token)

    def add_word(self, name: str, vectors: int, weight: float) -> None:
        """All the vectors of an embedding, side by side in one chunk."""
        if vectors > CHUNK_LENGTH:
            raise BadRequest(
                f"the embedding `{name}` has {vectors} vectors, a chunk holds {CHUNK_LENGTH}",
                hint="it cannot be used in a prompt",
            )
        if len(self._tokens) == CHUNK_LENGTH:
            self._make_room(at_comma=True)
        if len(self._tokens) + vectors > CHUNK_LENGTH:
            self.close("full")
        self._tokens += [Token(0, name, weight, name, row) for row in range(vectors)]

    def close(self, why: str, moved: int = 0) -> None:
        """End this chunk, whatever is in it."""
        self._done.append(Chunk(tuple(self._tokens), why, moved))
        self._tokens, self._comma = [], -1

    def finish(self) -> tuple[Chunk, ...]:
        """Every chunk; what is left over is the last, and an empty prompt is one empty chunk."""
        if self._tokens or not self._done:
            self.close("end")
        return tuple(self._done)

    def _make_room(self, *, at_comma: bool) -> None:
        """Close a full chunk, after its last comma if that is near: a phrase stays in one piece."""
        after = self._comma + 1
        if not at_comma or self._comma < 0 or len(self._tokens) - self._comma > BACKTRACK:
            self.close("full")
            return
        moved = self._tokens[after:]
        del self._tokens[after:]
        self.close("comma", len(moved))
        self._tokens = moved
