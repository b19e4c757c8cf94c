"""Scenes drawn once and kept: a memory-mapped file of pictures, a map of whose each place is, and
captions as tokens.

`python data.py --folder run` draws; the stages may begin as soon as the first chunk is there.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import multiprocessing
import os
import random
from pathlib import Path

import numpy as np
import torch
from captions import describe
from growing import Growing
from scenes import imagine, painted, whose_map
from transformers import CLIPTokenizer

HELD_OUT = 10_000_000
"""Seeds from here on are never trained on: the judge's, and the sheets'."""
CHUNK, CELLS = 256, 48


def _chunk(job: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    start, stop, size = job
    drawn = [painted(imagine(seed), size) for seed in range(start, stop)]
    return np.stack([np.asarray(p) for p, _ in drawn]), np.stack(
        [whose_map(w, CELLS) for _, w in drawn]
    )


class Pictures:
    """The pictures of seeds 0 to `done`, as they come: more are drawn while others are learnt
    from.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.growing = Growing(folder, "scenes", size)
        self.growing.wait()
        self.store = np.load(folder / f"scenes-{size}.npy", mmap_mode="r")
        self.whose = np.load(folder / f"whose-{size}.npy", mmap_mode="r")

    @property
    def done(self) -> int:
        """How many there are by now."""
        return self.growing.done(len(self.store))


def draw_all(folder: Path, count: int, size: int, processes: int) -> None:
    """Draw the pictures of seeds 0 to `count`; goes on where it was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    growing = Growing(folder, "scenes", size)
    done = growing.read()["done"]
    paths = (folder / f"scenes-{size}.npy", folder / f"whose-{size}.npy")
    shapes = ((count, size, size, 3), (count, CELLS, CELLS))
    stores = [np.lib.format.open_memmap(path, "r+" if done else "w+", np.uint8, shape)
              for path, shape in zip(paths, shapes, strict=True)]  # fmt: skip
    count = len(stores[0])
    jobs = [(k, min(k + CHUNK, count), size) for k in range(done, count, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for (start, stop, _), made in zip(jobs, pool.imap(_chunk, jobs), strict=True):
            for store, values in zip(stores, made, strict=True):
                store[start:stop] = values
            growing.tell(stop, count)


def tensor(batch: np.ndarray) -> torch.Tensor:
    """Bytes [n, h, w, 3] as floats in -1 to 1 [n, 3, h, w], the way a VAE reads them."""
    return torch.from_numpy(np.array(batch)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


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


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--folder", type=Path, default=Path("run"))
    said.add_argument("--count", type=int, default=24576)
    said.add_argument("--size", type=int, default=192)
    said.add_argument("--processes", type=int, default=os.cpu_count())
    chosen = said.parse_args()
    draw_all(chosen.folder, chosen.count, chosen.size, chosen.processes)
