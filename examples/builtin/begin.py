"""Go on from a packaged file: `python begin.py --from builtin.safetensors --folder run`, then
`all.py`.

A file has all that was learnt but the optimizers' memory, which is learnt again in minutes. So a
model can learn a while on this machine and a while on that one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import clip
import torch
from data import Words, vocabulary
from export import ASSETS
from torch import nn

from sdcli.engine.build import build_modules
from sdcli.weights.checkpoint import identify_checkpoint


def in_small_vocabulary(text: nn.Module, words: Words) -> dict[str, torch.Tensor]:
    """A text encoder's tensors, its table reduced to the words that captions use; a word that the
    file does not know begins like any other.
    """
    small = clip.build(words).state_dict()
    name = next(name for name in small if name.endswith("token_embedding.weight"))
    table = text.get_input_embeddings().weight[torch.tensor(words.known)]  # type: ignore[operator]
    known = table.abs().sum(1) > 0
    small[name][1:][known] = table[known]
    kept = {n: p for n, p in text.state_dict().items() if n in small and n != name}
    return small | kept


def begin(model: Path, folder: Path) -> None:
    """Write the checkpoints of the VAE's stage, which has ended, and of the U-Net's, which goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = identify_checkpoint(model)
    made = build_modules(checkpoint)
    text = in_small_vocabulary(made.text_encoder, Words(vocabulary()))
    write(folder / "vae.pt", {"vae": made.vae.state_dict()})
    write(folder / "unet.pt", {"unet": made.unet.state_dict(), "text": text})
    (folder / "latents.scale").write_text(str(checkpoint.vae_scale))


def write(path: Path, modules: dict[str, dict[str, torch.Tensor]]) -> None:
    """A stage's checkpoint without optimizers."""
    ema = {f"{key}.{name}": p for key, of in modules.items() for name, p in of.items()}
    torch.save({"modules": modules, "ema": ema, "step": 0, "optimizers": [], "spent": 0.0}, path)


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--from", dest="model", type=Path, default=ASSETS / "builtin.safetensors")
    said.add_argument("--folder", type=Path, default=Path("run"))
    chosen = said.parse_args()
    if not chosen.model.is_file():
        said.error(f"there is no file `{chosen.model}`")
    begin(chosen.model, chosen.folder)
