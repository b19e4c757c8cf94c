"""What a batch teaches: its pictures with noise, what the model says of them, and what it should say."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from sdcli.engine.training import loss as losses
from sdcli.engine.training.captions import CaptionEncoder
from sdcli.engine.training.frozen_model import FrozenModel
from sdcli.engine.training.latents import EncodedPicture, LatentCache
from sdcli.engine.training.lora_layers import LearntLora
from sdcli.schedulers.noise_levels import make_noise_schedule
from sdcli.training.batches import Example
from sdcli.training.options import OWN
from sdcli.training.plan import TrainingPlan


class BatchLoss:
    """Finds the loss of batches. Nothing in it is by lot: a batch holds its own dice."""

    def __init__(
        self,
        plan: TrainingPlan,
        frozen: FrozenModel,
        learnt: nn.Module,
        captions: CaptionEncoder,
        latents: LatentCache,
    ) -> None:
        self._drawing, self._settings = plan.drawing, plan.settings
        self._frozen, self._learnt = frozen, learnt
        self._captions, self._latents = captions, latents
        self._kept = losses.kept_shares(make_noise_schedule(zero_snr=plan.drawing.zero_snr))

    def find(self, examples: list[Example]) -> Tensor:
        """The loss of a batch, with everything by lot as the examples have it."""
        settings, prediction = self._settings, self._drawing.prediction
        device = self._frozen.device
        encoded = [self._latents.get(one) for one in examples]
        dice = [torch.Generator().manual_seed(one.noise_seed) for one in examples]
        latents = torch.stack([p.sample(d) for p, d in zip(encoded, dice, strict=True)])
        noise = torch.cat(
            [
                losses.offset_noise(
                    torch.randn(latents[:1].shape, generator=d), settings.offset_noise, d
                )
                for d in dice
            ]
        )
        steps = torch.tensor([one.timestep for one in examples])
        kept = self._kept[steps]
        target = losses.training_target(prediction, latents, noise, kept).to(device)
        noisy = losses.add_noise(latents, noise, kept)
        if settings.prior == OWN and isinstance(self._learnt, LearntLora):
            self._put_own_answers(target, noisy, steps, examples, encoded)
        predicted = self._predict(noisy, steps, examples, encoded)
        weights = losses.min_snr_weights(prediction, kept, settings.min_snr)
        prior = [settings.prior_weight if one.picture.regular else 1.0 for one in examples]
        weights = (weights * torch.tensor(prior)).to(device)
        found = losses.picture_losses(predicted, target, self._mask(encoded))
        return (found * weights).mean()

    def _put_own_answers(
        self,
        target: Tensor,
        noisy: Tensor,
        steps: Tensor,
        examples: list[Example],
        encoded: list[EncodedPicture],
    ) -> None:
        """Of regularisation pictures, let the model say what it says without what is learnt: then
        nothing is learnt of them but to stay."""
        held = [row for row, one in enumerate(examples) if one.picture.regular]
        if not held:
            return
        assert isinstance(self._learnt, LearntLora)
        with torch.no_grad(), self._learnt.left_off():
            target[held] = self._predict(
                noisy[held],
                steps[held],
                [examples[row] for row in held],
                [encoded[row] for row in held],
            ).float()

    def _predict(
        self,
        noisy: Tensor,
        steps: Tensor,
        examples: list[Example],
        encoded: list[EncodedPicture],
    ) -> Tensor:
        device, dtype = self._frozen.device, self._frozen.dtype
        with self._autocast():
            text = self._captions.encode([one.caption for one in examples])
            added = None
            if text.pooled is not None:
                ids = [size_numbers(*pair) for pair in zip(examples, encoded, strict=True)]
                time_ids = torch.tensor(ids, dtype=text.pooled.dtype, device=device)
                added = {"text_embeds": text.pooled, "time_ids": time_ids}
            return self._frozen.pipe.unet(
                noisy.to(device, dtype),
                steps.to(device),
                encoder_hidden_states=text.embeds,
                added_cond_kwargs=added,
                return_dict=False,
            )[0]

    def _mask(self, encoded: list[EncodedPicture]) -> Tensor | None:
        if all(picture.mask is None for picture in encoded):
            return None
        masks = [torch.ones_like(one.mean[:1]) if one.mask is None else one.mask for one in encoded]
        return torch.stack(masks).to(self._frozen.device)

    def _autocast(self) -> AbstractContextManager[object]:
        if self._frozen.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self._frozen.device.type, self._frozen.dtype)


def size_numbers(one: Example, picture: EncodedPicture) -> list[float]:
    """SDXL's six numbers: the picture's own size, where it was cut, the size that it is learnt at."""
    (width, height), (wide, high) = one.picture.size, one.picture.placement.bucket
    return [float(n) for n in (height, width, picture.top, picture.left, high, wide)]
