"""Scenes drawn once and kept: a memory-mapped array of pictures, and their captions as tokens."""

from __future__ import annotations

import gzip
import importlib.util
import multiprocessing
import os
import random
from pathlib import Path

import numpy as np
import torch
from scenes import describe, draw, imagine
from transformers import CLIPTokenizer

HELD_OUT = 10_000_000
"""Seeds from here on are never trained on: the judge's, and the sheets'."""


def _chunk(job: tuple[int, int, int]) -> np.ndarray:
    start, stop, size = job
    return np.stack([np.asarray(draw(imagine(seed), size)) for seed in range(start, stop)])


def pictures(folder: Path, count: int, size: int) -> np.ndarray:
    """The pictures of seeds 0 to `count`, drawn the first time and mapped from a file ever
    after.
    """
    path = folder / f"scenes-{size}-{count}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        store = np.lib.format.open_memmap(part, "w+", np.uint8, (count, size, size, 3))
        jobs = [(k, min(k + 256, count), size) for k in range(0, count, 256)]
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            for (start, stop, _), done in zip(jobs, pool.imap(_chunk, jobs), strict=True):
                store[start:stop] = done
        store.flush()
        part.rename(path)
    return np.load(path, mmap_mode="r")


def tensor(batch: np.ndarray) -> torch.Tensor:
    """Bytes [n, h, w, 3] as floats in -1 to 1 [n, 3, h, w], the way a VAE reads them."""
    return (
        torch.from_numpy(np.ascontiguousarray(batch))
        .permute(0, 3, 1, 2)
        .float()
        .div_(127.5)
        .sub_(1)
    )


class Words:
    """Captions as token ids, in a vocabulary of only the tokens that captions use.

    CLIP's own vocabulary has 49,408 tokens and the captions use some two hundred of them, so
    training keeps a table of those; `export` puts each row back where CLIP's tokenizer will look
    for it. Every other token is row 0, and row 0 stays zero: a word that was never learnt then says
    nothing, and does no harm.
    """

    LENGTH = 77

    def __init__(self, vocabulary: Path) -> None:
        with gzip.open(vocabulary, "rt", encoding="utf-8") as file:
            merges = [
                tuple(line.split()) for line in file.read().split("\n")[1 : 49152 - 256 - 2 + 1]
            ]
        letters = list(_byte_letters().values())
        names = [*letters, *(f"{c}</w>" for c in letters), *("".join(m) for m in merges)]
        names += ["<|startoftext|>", "<|endoftext|>"]
        self.tokenizer = CLIPTokenizer(
            vocab={name: k for k, name in enumerate(names)},
            merges=merges,
            model_max_length=self.LENGTH,
        )
        self.known = self._known(len(names))
        self.row = {token: k + 1 for k, token in enumerate(self.known)}
        self.start, self.end = self.row[len(names) - 2], self.row[len(names) - 1]

    def _known(self, count: int) -> list[int]:
        dice = random.Random(0)
        return sorted({t for s in range(12000) for t in self.ids(describe(imagine(s), dice))})

    def ids(self, caption: str) -> list[int]:
        """CLIP's ids of a caption, with its start and end."""
        return self.tokenizer(caption, truncation=True)["input_ids"]

    def rows(self, captions: list[str], *, fillers: random.Random | None = None) -> torch.Tensor:
        """Rows of the small table [n, 77]. `fillers` strews unknown words in, now and then, so
        they learn to be nothing.
        """
        table = torch.full((len(captions), self.LENGTH), self.end)
        for k, caption in enumerate(captions):
            rows = [self.row.get(token, 0) for token in self.ids(caption)]
            if fillers and fillers.random() < 0.15:
                for _ in range(fillers.randint(1, 4)):
                    rows.insert(fillers.randint(1, len(rows) - 1), 0)
            table[k, : len(rows)] = torch.tensor(rows)
        return table


class EveryWord(Words):
    """The same in CLIP's whole vocabulary: a token's row is its id, as in the packaged file."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__(vocabulary)
        self.row = {token: token for token in self.known}
        self.start, self.end = self.start - 1, self.end - 1

    def _known(self, count: int) -> list[int]:
        return list(range(count))


def _byte_letters() -> dict[int, str]:
    """The printable letter that stands for each byte in byte-pair vocabularies, in their order."""
    plain = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + k) for k, b in enumerate(rest)}


def vocabulary() -> Path:
    """CLIP's vocabulary file: the program's own asset, or what `SDCLI_VOCABULARY` names."""
    named = os.environ.get("SDCLI_VOCABULARY")
    if named:
        return Path(named)
    found = importlib.util.find_spec("sdcli")
    roots = list(found.submodule_search_locations or []) if found else []
    roots.append(str(Path(__file__).parents[2] / "sdcli"))
    for root in roots:
        path = Path(root) / "assets" / "bpe_simple_vocab_16e6.txt.gz"
        if path.exists():
            return path
    raise FileNotFoundError(
        "CLIP's vocabulary `bpe_simple_vocab_16e6.txt.gz`: set SDCLI_VOCABULARY to its path"
    )
