"""A checkpoint in memory: read, moved to its device, with what changes on it between plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image

from sdcli.engine import build, fast_ways, low_memory
from sdcli.engine.controlnet import LoadedControlNets
from sdcli.engine.cuda_graphs import CudaRecorder, GraphedUnet
from sdcli.engine.denoise import Predict
from sdcli.engine.device import Machine, choose_machine
from sdcli.engine.fused_tiles import fuse_tiles
from sdcli.engine.latent_preview import LatentPreview
from sdcli.engine.lora import LoraWeights
from sdcli.engine.low_memory import MemoryFallbacks
from sdcli.engine.openvino_backend import OpenvinoBackend
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.seamless import NONE, join_edges
from sdcli.engine.text_encoder import KnownStates
from sdcli.engine.upscaler import LoadedUpscaler
from sdcli.errors import BadRequest
from sdcli.events import Listener
from sdcli.library.find import find_adapter
from sdcli.library.hashes import watch_files
from sdcli.options.fast_ways import CUDA_GRAPHS, OPENVINO
from sdcli.plan import Plan
from sdcli.weights import checkpoint
from sdcli.weights.checkpoint import Checkpoint

OFFLOADS = {"model": low_memory.offload_model, "sequential": low_memory.offload_sequential}


@dataclass
class LoadedModel:
    """A pipeline in memory: what it was built for, where it runs, what it has been through."""

    key: tuple[Any, ...]
    pipe: Pipeline
    model: Checkpoint
    lora_weights: LoraWeights
    controlnets: LoadedControlNets
    machine: Machine
    memory: MemoryFallbacks
    openvino: OpenvinoBackend | None = None  # in torch's place
    graphs: GraphedUnet | None = None  # of the U-Net's calls
    known_states: KnownStates = field(default_factory=KnownStates)  # of prompts
    upscaler: LoadedUpscaler | None = None  # of the second pass of what is drawn now
    fallbacks: list[str] = field(default_factory=list[str])  # what it went over to for good
    previews: dict[str | None, LatentPreview] = field(
        default_factory=dict[str | None, LatentPreview]
    )

    def can_draw(self, plan: Plan) -> bool:
        """Whether this is the plan's model, and wears its LoRAs or can change them in place."""
        same_loras = self.lora_weights.loras == plan.loras
        return self.key == model_key(plan) and (same_loras or self.lora_weights.is_changeable)

    def make_predict(self, plan: Plan, listener: Listener) -> Predict:
        """The U-Net's call in the way that the plan asks for, for the pictures of one batch."""
        predict = self._make_predict(plan, listener)
        if not plan.fused_tiles:
            return predict
        return fuse_tiles(predict, plan.fused_tiles, self.model.family.cell)

    def _make_predict(self, plan: Plan, listener: Listener) -> Predict:
        if self.openvino is not None:
            return self.openvino.make_predict(plan, listener)
        if CUDA_GRAPHS in plan.fast and not self.memory.offloaded:
            self.graphs = self.graphs or GraphedUnet(self.pipe, CudaRecorder())
            return self.graphs.make_predict(plan.loras)
        return fast_ways.make_predict(self.pipe, plan)

    def preview(self, latents: torch.Tensor, decoder: str | None) -> Image.Image:
        """A rough picture of unfinished latents, by a TAESD of this name or by a projection."""
        if decoder not in self.previews:
            path = None if decoder is None else find_adapter(decoder)
            preview = LatentPreview(self.pipe, self.model, path, self.machine.device)
            self.previews[decoder] = preview
        return self.previews[decoder](latents)


def model_key(plan: Plan) -> tuple[Any, ...]:
    """What decides whether two plans can share a loaded model."""
    ways = tuple(name for name in plan.fast if name in fast_ways.OF_MODELS)
    return (
        plan.model,
        plan.vae,
        plan.device,
        plan.dtype,
        plan.offload,
        plan.backend,
        plan.tiling,
        ways,
    )


def load_model(plan: Plan, listener: Listener) -> LoadedModel:
    """The plan's model, ready on its device, with the plan's LoRAs."""
    machine = choose_machine(plan.device, plan.dtype)
    for text in machine.notes:
        listener.on_note(text)
    fast_ways.check_machine(plan, machine)
    listener.on_stage(f"loading {plan.model.path.name}")
    with watch_files((plan.model, plan.vae, *(lora.file for lora in plan.loras))):
        model = checkpoint.identify_checkpoint(plan.model.path)
        pipe = _build_pipeline(plan, model, machine, listener)
        lora_weights = LoraWeights(pipe, model, machine.device)
        lora_weights.change(plan.loras)  # before offloading takes the weights out of reach
    memory = MemoryFallbacks(machine.device, plan.offload, whole_vae=plan.tiling != NONE)

    def place_on_device() -> None:
        if plan.offload in OFFLOADS:
            OFFLOADS[plan.offload](pipe, machine.device)
        elif not memory.offloaded:
            pipe.to(machine.device)

    memory.retry(pipe, place_on_device, listener.on_fallback, placing=True)
    openvino = None
    if plan.backend == OPENVINO:
        openvino = OpenvinoBackend(pipe, plan)
    else:
        fast_ways.make_ready(pipe, plan, machine)
    controlnets = LoadedControlNets(model, machine.dtype, machine.device, plan.tiling)
    return LoadedModel(
        model_key(plan), pipe, model, lora_weights, controlnets, machine, memory, openvino
    )


def _build_pipeline(
    plan: Plan, model: Checkpoint, machine: Machine, listener: Listener
) -> Pipeline:
    """The plan's model where it computes or, where that has no room or another plan, on the CPU."""
    if plan.offload in OFFLOADS and machine.device.type == "cpu":
        raise BadRequest(
            f"`--offload {plan.offload}` moves modules off a GPU, and this runs on the CPU",
            hint="leave `--offload` away",
        )
    vae = None if plan.vae == plan.model else plan.vae.path

    def build_on(device: torch.device) -> build.PipelineModules:
        return build.build_modules(model, vae, dtype=machine.dtype, device=device)

    # From the file straight to the device: no copy of the model in the CPU's memory.
    straight = plan.offload not in OFFLOADS and low_memory.unless_out_of_memory(
        lambda: build_on(machine.device)
    )
    modules = straight or build_on(torch.device("cpu"))
    if unused := [*model.unused, *modules.ignored]:
        more = f" and {len(unused) - 1} more of its tensors" if len(unused) > 1 else ""
        listener.on_note(f"{model.path.name}: nothing here uses `{unused[0]}`{more}")
    if vae is None and not model.family.fp16_vae and machine.dtype is torch.float16:
        modules.vae.float()  # SDXL's own overflows in fp16, every time
    if plan.tiling != NONE:
        join_edges(modules.unet, plan.tiling)
        join_edges(modules.vae, plan.tiling)
    return Pipeline(modules.unet, modules.vae, modules.text_encoder, modules.text_encoder_2)
