from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from sdcli.engine.build import build_modules
from sdcli.engine.latent_preview import LatentPreview, fit_projection
from sdcli.engine.pipeline import Pipeline
from sdcli.weights.checkpoint import identify_checkpoint


class Linear:
    """A VAE whose latents are a linear mix of the colours: what a projection can see through."""

    mix = torch.tensor([[0.5, 0.2, 0.1], [-0.1, 0.7, 0.3], [0.2, -0.3, 0.6], [0.4, 0.4, -0.2]])
    config = SimpleNamespace(scaling_factor=0.5, shift_factor=None)
    dtype = torch.float32

    def encode(self, pixels: torch.Tensor) -> SimpleNamespace:
        cells = torch.nn.functional.avg_pool2d(pixels, 8)
        return SimpleNamespace(latents=torch.einsum("lc,bchw->blhw", self.mix, cells) + 0.25)


def test_a_projection_gives_back_the_colours_of_a_linear_vae():
    vae = Linear()
    pipe = SimpleNamespace(vae=vae, latent_scale=0.5, compute_device="cpu")
    colours = fit_projection(pipe)  # type: ignore[arg-type]
    assert colours.shape == (5, 3)
    latents = 0.5 * (vae.mix @ torch.tensor([0.3, -0.6, 0.9]) + 0.25)
    seen = torch.cat([latents, torch.ones(1)]) @ colours
    assert torch.allclose(seen, torch.tensor([0.3, -0.6, 0.9]), atol=1e-3)


def test_a_glimpse_has_the_size_of_the_picture(sd1):
    model = identify_checkpoint(sd1)
    made = build_modules(model)
    pipe = Pipeline(made.unet, made.vae, made.text_encoder, made.text_encoder_2)
    glimpse = LatentPreview(pipe, model, None, torch.device("cpu"))
    seen = glimpse(torch.randn(1, 4, 5, 9, generator=torch.Generator().manual_seed(1)))
    assert isinstance(seen, Image.Image) and seen.size == (72, 40)
    assert np.asarray(seen).std() > 0
