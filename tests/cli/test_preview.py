from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file

DRAW = ("txt2img", "a fox", "--steps", 2, "--seed", 1, "-q", "-W", 64, "-H", 64, "-m")


@pytest.fixture(scope="module")
def taesd(tmp_path_factory):
    """A TAESD of random numbers, of the real shapes, in one file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("taesd") / "taesd.safetensors"
    save_file(AutoencoderTiny(latent_channels=4).state_dict(), path)
    return path


def test_one_file_is_kept_refreshed_and_the_picture_is_the_same(sdcli, sd1, monkeypatch):
    seen = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        if Path(target).name == "view.png":
            seen.append(self.read_bytes())
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    assert sdcli(*DRAW, sd1, "-o", "plain.png").code == 0
    assert sdcli(*DRAW, sd1, "-o", "fox.png", "--preview", "view.png").code == 0
    assert len(seen) == 2 and seen[0] != seen[1]
    assert Image.open("view.png").size == (64, 64)
    assert Image.open("fox.png").tobytes() == Image.open("plain.png").tobytes()
    assert not list(Path().glob(".view*"))
    assert sdcli(*DRAW, sd1, "-o", "again.png", "--preview", "view.png").code == 0


def test_a_taesd_previews_and_decodes(sdcli, sd1, taesd):
    words = (*DRAW, sd1, "--preview", "view.png", "--preview-vae", taesd)
    assert sdcli(*words, "-o", "fox.png").code == 0
    assert sdcli(*DRAW, sd1, "--vae", taesd, "-o", "tiny.png").code == 0
    # The last step's clean latents are the picture's: the preview is what the TAESD makes of them.
    preview, tiny = (np.asarray(Image.open(name), dtype=int) for name in ("view.png", "tiny.png"))
    assert abs(preview - tiny).max() <= 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--preview", "view.jpg"), "does not end with `.png`"),
        (("--preview", "nowhere/view.png"), "no such folder"),
        (("--preview", "mine.png"), "exists and is no preview"),
        (("--preview-vae", "taesd.safetensors"), "without `--preview FILE`"),
        (("--preview", "view.png", "--preview-vae", "nowhere.safetensors"), "there is no"),
    ],
)
def test_what_cannot_be_previewed_is_refused(sdcli, sd1, tmp_path, flags, words):
    Image.new("RGB", (8, 8)).save(tmp_path / "mine.png")
    ran = sdcli(*DRAW, sd1, *flags)
    assert ran.code == 2 and words in ran.err
