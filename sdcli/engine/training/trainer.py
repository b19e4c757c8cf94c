"""The loop: a batch, a loss, a step. It knows no files but weights and prints nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn

from sdcli.engine.text_encoder import text_encoders
from sdcli.engine.training.batch_loss import BatchLoss
from sdcli.engine.training.captions import CaptionEncoder
from sdcli.engine.training.frozen_model import free_memory, load_frozen_model
from sdcli.engine.training.latents import LatentCache
from sdcli.engine.training.lora_layers import LearntLora, learn_lora
from sdcli.engine.training.optimizer import choose_optimizer, make_optimizer, set_rate
from sdcli.engine.training.sharing import SharedSteps
from sdcli.engine.training.trained_file import write_trained
from sdcli.engine.training.word import LearntWord
from sdcli.errors import SdcliError
from sdcli.events import Listener
from sdcli.training.batches import BatchOrder, Example
from sdcli.training.estimate import estimate_memory
from sdcli.training.options import EMBEDDING
from sdcli.training.plan import TrainingPlan
from sdcli.training.schedule import rate_at
from sdcli.weights.tensor_names import TEXT, TEXT_2, UNET

ROOM = 0.85  # of the free memory that a training may be planned to fill


class Trainer:
    """A training in memory, at one of its steps."""

    def __init__(self, plan: TrainingPlan, listener: Listener) -> None:
        self.plan, self._listener = plan, listener
        self.step = 0  # how many are taken
        self._order, self._shared = BatchOrder(plan), SharedSteps()
        self._frozen = load_frozen_model(plan.drawing, listener)
        self.device, self.dtype = self._frozen.device, self._frozen.dtype
        self._pipe = self._frozen.pipe
        # It computes faster so on a CPU, forth and back.
        self._pipe.unet.to(memory_format=torch.channels_last)
        drawing, settings = plan.drawing, plan.settings
        encoders = text_encoders(self._pipe)
        self._learnt = self._make_learnt()
        self._learnt.to(self.device)
        word = (plan.word, self._learnt) if isinstance(self._learnt, LearntWord) else None
        learns = settings.text_encoder or word is not None
        self._captions = CaptionEncoder(self._pipe, encoders, drawing, learns=learns, word=word)
        self._latents = LatentCache(self._frozen.vae, self.device, settings)
        self.batch_loss = BatchLoss(plan, self._frozen, self._learnt, self._captions, self._latents)
        self._checkpointing = False
        self._cache(learns=learns)
        self.optimizer_name = choose_optimizer(settings, self.device)
        self._optimizer = make_optimizer(self.optimizer_name, self._groups(), settings)
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.dtype is torch.float16 and self.device.type == "cuda"
        )
        if settings.checkpointing == "on" or (
            settings.checkpointing == "auto" and self._is_tight()
        ):
            self._compute_twice()

    def _make_learnt(self) -> LearntLora | LearntWord:
        if self.plan.kind == EMBEDDING:
            return LearntWord(text_encoders(self._pipe), self.plan.settings)
        return learn_lora(self._pipe, self._frozen.model, self.plan.settings)

    def _groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        settings = self.plan.settings
        if isinstance(self._learnt, LearntWord):
            return [(settings.lr, list(self._learnt.parameters()))]
        groups = [(settings.lr, self._learnt.parameters_of(UNET))]
        texts = self._learnt.parameters_of(TEXT, TEXT_2)
        return [*groups, (settings.text_lr, texts)] if texts else groups

    def _cache(self, *, learns: bool) -> None:
        """Every picture and caption encoded once, and what did that out of memory, as far as it can
        be known beforehand what will be asked for."""
        settings, pictures = self.plan.settings, self.plan.pictures
        self._listener.on_stage("encoding the pictures")
        if settings.crop == "middle":
            for done, picture in enumerate(pictures, 1):
                for flipped in (False, True) if settings.flip else (False,):
                    self._latents.get(Example(picture, "", flipped, 0.5, 0.5, 0, 0))
                self._listener.on_progress(done, len(pictures))
            self._frozen.vae.to("cpu")
        if not learns and not settings.shuffle:
            self._listener.on_stage("encoding the captions")
            self._captions.remember(["", *(picture.caption for picture in pictures)])
            for kind in (TEXT, TEXT_2):
                if (encoder := getattr(self._pipe, kind)) is not None:
                    encoder.to("cpu")

    def _is_tight(self) -> bool:
        need = estimate_memory(self.plan, self._frozen.model, self.dtype.itemsize)
        held = need.weights  # is there already
        return need.total - held > ROOM * free_memory(self.device)

    def _compute_twice(self) -> None:
        """Keep only the edges of blocks for the way back, and compute the rest of them again."""
        self._checkpointing = True
        self._pipe.unet.enable_gradient_checkpointing()
        self._pipe.unet.train()

    @property
    def rate(self) -> float:
        """The learning rate of the next step, of the first group."""
        return self.plan.settings.lr * rate_at(self.plan.settings, self.step)

    def take_step(self) -> float:
        """One step down the loss, which is given back; SdcliError where it is no number."""
        try:
            value = self._find_gradients()
        except torch.OutOfMemoryError:
            if self._checkpointing or self.plan.settings.checkpointing == "off":
                raise SdcliError(
                    "memory ran out",
                    hint="`--batch 1`, a smaller `--size`, or `--checkpointing on`",
                ) from None
            self._listener.on_fallback("memory ran out: some is computed twice from now on")
            self._compute_twice()
            value = self._find_gradients()
        if not math.isfinite(value):
            raise SdcliError(
                f"the loss is no number at step {self.step + 1}",
                hint="a lower `--lr`; with fp16, `--dtype bf16` or `--dtype fp32`",
            )
        set_rate(self._optimizer, rate_at(self.plan.settings, self.step))
        self._scaler.unscale_(self._optimizer)
        if self.plan.settings.clip:
            torch.nn.utils.clip_grad_norm_(self._learnt.parameters(), self.plan.settings.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.step += 1
        return value

    def _find_gradients(self) -> float:
        """The gradients of the next step's batches, and their mean loss."""
        self._optimizer.zero_grad(set_to_none=True)
        times, total = self.plan.settings.accumulate, 0.0
        for part in range(times):
            whole = self._order.batch(self.step * times + part)
            if mine := self._shared.mine(whole):
                loss = self.batch_loss.find(mine) * (len(mine) / len(whole) / times)
                self._scaler.scale(loss).backward()
                total += float(loss.detach())
        return self._shared.add_up([*self._learnt.parameters()], total)

    def agree_on_end(self, number: int) -> int:
        """The signal that asked any of the processes to end, so that all of them end after one step."""
        return self._shared.largest(number)

    def write_file(self, metadata: Mapping[str, str], file: BinaryIO) -> None:
        """What is learnt so far, as a safetensors file."""
        write_trained(self._learnt.file_tensors(), metadata, file)

    def write_state(self, file: BinaryIO) -> None:
        """All that is needed to go on from here to the same bits."""
        kept = {
            "step": self.step,
            "learnt": self._learnt.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }
        torch.save(kept, file)

    def read_state(self, path: Path) -> None:
        """Go on from where this was written."""
        kept = torch.load(path, map_location=self.device, weights_only=True)
        self._learnt.load_state_dict(kept["learnt"])
        self._optimizer.load_state_dict(kept["optimizer"])
        self._scaler.load_state_dict(kept["scaler"])
        self.step = int(kept["step"])

    def report(self) -> dict[str, Any]:
        """How it computes, for the record."""
        return {
            "device": self.device.type,
            "dtype": str(self.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads() if self.device.type == "cpu" else 0,
            "optimizer": self.optimizer_name,
            "checkpointing": self._checkpointing,
            "torch": torch.__version__,
        }
