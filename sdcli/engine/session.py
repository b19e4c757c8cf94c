"""A plan into pictures: load the model, encode the prompt, draw batch after batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from PIL import Image

from sdcli.engine.batch_size import choose_batch_size
from sdcli.engine.denoise import Predict, UnetInputs
from sdcli.engine.hires import prepare_second_pass
from sdcli.engine.kept_memory import keep_memory, pays_to_keep
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.loaded_models import LoadedModels
from sdcli.engine.passes import BatchDrawing, DrawnLatents
from sdcli.engine.run_passes import run_passes
from sdcli.engine.text_encoder import encode_prompts
from sdcli.engine.together import draw_together
from sdcli.engine.unet_inputs import make_unet_inputs
from sdcli.engine.upscaler import LoadedUpscaler
from sdcli.events import Listener, NotesOnce, SilentListener
from sdcli.library.hashes import file_state, watch_files
from sdcli.options.fast_ways import announce_ways
from sdcli.picture import Picture
from sdcli.plan import Plan, drawn_together, files_of, nth_picture
from sdcli.planning.few_step import plan_notes


class Session:
    """Draws plan after plan in this process, and loads a model only when it is another than the last,
    or, with `keep_several`, than those that fit into half of the memory.

    Not to be used from two threads at once.
    """

    def __init__(self, *, keep_several: bool = False) -> None:
        self._models = LoadedModels(several=keep_several)
        self._upscaler: LoadedUpscaler | None = None
        self._state: tuple[str, ...] = ()  # of its file, when it was read

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the model's memory back."""
        self.close()

    def close(self) -> None:
        """Give the model's memory back. The session can be used again: it loads what it needs."""
        self._models.clear()
        self._upscaler = None

    def change_caller(self, told: set[Any]) -> None:
        """Another one asks from now on; `told` holds, and will hold, what models they were told of."""
        self._models.change_caller(told)

    def enlarge(
        self, image: Image.Image, file: Path, size: tuple[int, int], listener: Listener
    ) -> Image.Image:
        """A finished picture made larger by an upscaler, which stays in memory for the next one."""
        state = file_state(file)
        if self._upscaler is None or self._upscaler.upscaler.path != file or self._state != state:
            listener.on_stage(f"loading {file.name}")
            self._upscaler, self._state = LoadedUpscaler(file), state
        self._upscaler.listener = listener
        return self._upscaler.enlarge(image, size)

    def loaded_models(self) -> list[str]:
        """The files of the models in memory, the last used last."""
        return self._models.names

    def run(self, plan: Plan, listener: Listener | None = None) -> Iterator[Picture]:
        """The plan's pictures, in the order of their seeds, each as soon as it is finished."""
        listener = listener or SilentListener()
        backend = () if plan.backend == "torch" else (plan.backend,)
        for line in announce_ways((*backend, *plan.fast)):
            listener.on_note(line)
        loaded = self.load(plan, listener)
        index, size = 0, choose_batch_size(plan.batch, loaded.machine.device)
        noting = NotesOnce(listener)
        for same in drawn_together(plan):
            inputs = self.prepare(nth_picture(plan, same.start), loaded, noting)
            while index < same.stop:
                together = min(size.next, same.stop - index)
                with size.measured(together):
                    batch = self.draw_batch(plan, loaded, inputs, listener, index, together)
                for drawn in batch:
                    listener.on_picture(drawn.picture)
                    yield drawn.picture
                    index += 1

    def run_together(
        self, plans: Sequence[Plan], batch: int, listener: Listener
    ) -> Iterator[Picture]:
        """The one picture of each plan: those that differ in words and seeds alone `batch` at a time."""
        return draw_together(self, plans, batch, listener)

    def load(self, plan: Plan, listener: Listener) -> LoadedModel:
        """The plan's model, ready on its device: the one in memory where it is the same."""
        return self._models.get(plan, listener)

    def prepare(self, plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs:
        """What the U-Net is given, encoded by a model that wears the plan's LoRAs.

        SdcliError where a file is not the one that the plan was made with.
        """
        # The model and its VAE are read by then, and were held to their hashes while they were.
        with watch_files(file for file, what in files_of(plan) if what not in {"model", "VAE"}):
            return self._prepare(plan, loaded, listener)

    def _prepare(self, plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs:
        if plan.loras != loaded.lora_weights.loras:
            listener.on_stage("changing LoRAs")
            loaded.lora_weights.change(plan.loras)
        if plan.controls:
            listener.on_stage("loading ControlNets")
        controls = loaded.controlnets.guides(plan)
        listener.on_stage("reading the prompt")
        for note in plan_notes(plan):
            listener.on_note(note)
        with torch.inference_mode():
            prompts = encode_prompts(loaded.pipe, plan, loaded.known_states)
            second = prepare_second_pass(plan, loaded, listener)
            inputs = make_unet_inputs(plan, loaded.pipe, prompts)
            return replace(inputs, controls=controls, second=second)

    def draw_one(
        self,
        plan: Plan,
        loaded: LoadedModel,
        inputs: UnetInputs,
        listener: Listener,
        predict: Predict | None = None,
    ) -> DrawnLatents:
        """The plan's first picture, drawn alone, with its latents; `predict` takes the place of the
        U-Net's call."""
        (drawn,) = self.draw_batch(plan, loaded, inputs, listener, 0, 1, predict)
        return drawn

    def draw_batch(
        self,
        plan: Plan,
        loaded: LoadedModel,
        inputs: UnetInputs,
        listener: Listener,
        index: int,
        count: int,
        predict: Predict | None = None,
    ) -> list[DrawnLatents]:
        """The pictures from `index` on that are denoised together: so many or, where memory runs
        out, half of them and half again.

        What is begun again with less tells its steps again from 0.
        """

        def attempt(count: int) -> list[DrawnLatents]:
            state = BatchDrawing(plan, loaded, inputs, listener, index, count, predict)
            with keep_memory() if pays_to_keep(loaded.pipe, plan, count) else nullcontext():
                return run_passes(state)

        return loaded.memory.retry_batch(loaded.pipe, attempt, count, listener.on_fallback)
