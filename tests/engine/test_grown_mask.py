"""The mask in latent cells, grown and softened."""

import pytest
import torch

from sdcli.engine.initial_latents import grown_mask


def test_a_mask_grows_freely_at_first_and_softly_then():
    cells = torch.zeros(1, 1, 1, 12)
    cells[..., :4] = 1
    assert torch.equal(grown_mask(cells, 0), cells)
    assert grown_mask(cells, 1)[0, 0, 0].tolist() == [1] * 5 + [0] * 7
    assert grown_mask(cells, 16)[0, 0, 0].tolist() == [1] * 5 + [0.5] + [0] * 6
    grown = grown_mask(cells, 48)[0, 0, 0]
    assert grown.tolist() == pytest.approx([1] * 7 + [0.75, 0.5, 0.25] + [0] * 2)


def test_a_mask_grows_on_every_side():
    cells = torch.zeros(1, 1, 7, 7)
    cells[..., 3, 3] = 1
    grown = grown_mask(cells, 24)[0, 0]
    assert torch.equal(grown, grown.flip(0)) and torch.equal(grown, grown.T)
    assert (grown[1:6, 1:6] == 1).all() and (grown > 0).all()
