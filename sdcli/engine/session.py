"""A plan into pictures: load, dress, encode, denoise, decode."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import torch
from PIL import Image

from sdcli import __version__
from sdcli.engine import build, device, pipeline
from sdcli.engine import low_memory as ladder
from sdcli.engine import text_encoder as encode
from sdcli.engine.controlnet import Networks
from sdcli.engine.denoise import Inputs, Step, denoise
from sdcli.engine.initial_latents import Start, image, start
from sdcli.engine.latent_preview import Glimpse
from sdcli.engine.lora import Wardrobe
from sdcli.engine.noise import generator
from sdcli.engine.pipeline import Pipeline
from sdcli.engine.sampler import Sampling
from sdcli.engine.unet_inputs import beside, inputs
from sdcli.errors import BadRequest, SdcliError
from sdcli.images import load as images
from sdcli.library import find as store
from sdcli.outputs.live_preview import Show
from sdcli.picture import Made, Picture, Watch
from sdcli.plan import Plan, nth_picture
from sdcli.prompts import stages as wordings
from sdcli.weights import checkpoint
from sdcli.weights.checkpoint import Checkpoint
from sdcli.weights.families import FAMILIES

LIBRARIES = ("torch", "diffusers", "transformers")
OFFLOADS = {"model": ladder.offload_model, "sequential": ladder.offload_sequential}


@dataclass
class Loaded:
    """A pipeline in memory: what it was built for, where it runs, what it has been through."""

    key: tuple[Any, ...]
    pipe: Pipeline
    model: Checkpoint
    wardrobe: Wardrobe
    networks: Networks
    machine: device.Machine
    ladder: ladder.Ladder
    fallbacks: list[str] = field(default_factory=list[str])  # what it went over to for good


@dataclass(frozen=True)
class Drawing:
    """A finished picture and what it was decoded from."""

    picture: Picture
    latents: torch.Tensor
    denoising: float  # seconds that the steps alone took


Look = Callable[[Step], None]


def _unseen(step: Step) -> None:
    """Nobody looks."""


def _look(loaded: Loaded, plan: Plan, show: Show) -> Look:
    """A look at each step that shows the picture it is on the way to."""
    named = plan.output.preview_vae
    decoder = None if named is None else store.find_adapter(named)
    glimpse = Glimpse(loaded.pipe, loaded.model, decoder, loaded.machine.device)
    return lambda step: show(glimpse(step.clean))


class Studio:
    """Draws plan after plan, and loads a checkpoint only when it is another than the last."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._loaded: Loaded | None = None

    def draw(self, plan: Plan, show: Show | None = None) -> Iterator[Picture]:
        """The plan's pictures, in the order of their seeds, as they are finished.

        `show` is given a quick look at each one after every step.
        """
        loaded = self.open(plan)
        look = _unseen if show is None else _look(loaded, plan, show)
        given = self.dressed(plan, loaded)
        for index in range(plan.count):
            yield self.drawing(nth_picture(plan, index), loaded, given, index, look).picture

    def open(self, plan: Plan) -> Loaded:
        """The plan's model, ready on its device."""
        key = (plan.model, plan.vae, plan.device, plan.dtype, plan.offload)
        if self._loaded is not None and self._loaded.key == key and _fits(self._loaded, plan):
            return self._loaded
        self._loaded = None  # the old model leaves before the new one comes
        machine = device.choose(plan.device, plan.dtype)
        for text in machine.notes:
            self.watch.note(text)
        self.watch.stage(f"loading {plan.model.path.name}")
        model = checkpoint.identify_checkpoint(plan.model.path)
        pipe = _load(plan, model, machine, self.watch)
        wardrobe = Wardrobe(pipe, model, machine.device)
        wardrobe.change(plan.loras)  # before offloading takes the weights out of reach
        rungs = ladder.Ladder(machine.device, plan.offload)

        def placed() -> None:
            if plan.offload in OFFLOADS:
                OFFLOADS[plan.offload](pipe, machine.device)
            elif not rungs.offloaded:
                pipe.to(machine.device)

        rungs.climb(pipe, placed, self.watch.note, placing=True)
        networks = Networks(model, machine.dtype, machine.device)
        self._loaded = Loaded(key, pipe, model, wardrobe, networks, machine, rungs)
        return self._loaded

    def dressed(self, plan: Plan, loaded: Loaded) -> Inputs:
        """What the U-Net is given, encoded by a pipeline that wears the plan's adapters."""
        if plan.loras != loaded.wardrobe.loras:
            self.watch.stage("changing LoRAs")
            loaded.wardrobe.change(plan.loras)
        if plan.controls:
            self.watch.stage("loading ControlNets")
        guides = loaded.networks.guides(plan)
        self.watch.stage("reading the prompt")
        for word in wordings.unused_embeddings(plan):
            self.watch.note(f"the embedding `{word}` stands in no prompt: it changes nothing")
        with torch.inference_mode():
            text = encode.encode(loaded.pipe, plan)
            return replace(inputs(plan, loaded.pipe, text), extras=guides)

    def steps(self, plan: Plan, loaded: Loaded, given: Inputs) -> tuple[Start, Iterator[Step]]:
        """One picture's start, and its steps as they are taken."""
        pipe = loaded.pipe
        row = sampling_of(plan)
        dice = generator(plan.seed, plan.rng, str(loaded.machine.device), ensd=plan.ensd)
        with torch.inference_mode():
            begun = start(plan, pipe, row, dice)
            given = beside(given, begun.beside, plan.task)
        return begun, denoise(pipe, row, begun.x, given, dice, begin=begun.begin, keep=begun.keep)

    def drawing(
        self, plan: Plan, loaded: Loaded, given: Inputs, index: int = 0, look: Look = _unseen
    ) -> Drawing:
        """One picture with its latents; `look` is shown every step as it is taken. A picture that
        is begun again (because memory ran out) shows its steps again, from index 0."""
        before = time.perf_counter()

        def attempt() -> tuple[Image.Image, torch.Tensor, float]:
            return self._attempt(plan, loaded, given, look)

        image, latents, denoising = loaded.ladder.climb(loaded.pipe, attempt, self.watch.note)
        made = Made(
            device=loaded.machine.device.type,
            dtype=loaded.machine.dtype_name,
            seconds=round(time.perf_counter() - before, 3),
            versions={"sdcli": __version__} | {name: version(name) for name in LIBRARIES},
            events=(*loaded.ladder.taken, *loaded.fallbacks),
            threads=torch.get_num_threads() if loaded.machine.device.type == "cpu" else 0,
        )
        maps = tuple(guide.chart for guide in given.extras)
        return Drawing(Picture(image, plan, made, index, maps), latents, denoising)

    def _attempt(
        self, plan: Plan, loaded: Loaded, given: Inputs, look: Look
    ) -> tuple[Image.Image, torch.Tensor, float]:
        self.watch.stage(f"seed {plan.seed}")
        begun, steps = self.steps(plan, loaded, given)
        x, before = begun.x, time.perf_counter()
        for step in steps:
            x = step.after
            look(step)
            self.watch.step(step.index + 1, step.of)
        if not torch.isfinite(x).all():  # this also waits for the device
            raise _overflow(loaded)
        denoising = time.perf_counter() - before
        return laid(developed(loaded, x, self.watch), begun), x, denoising


def sampling_of(plan: Plan) -> Sampling:
    """The plan's scheduler at its start."""
    return Sampling(
        plan.scheduler,
        plan.steps,
        prediction=plan.prediction,
        zero_snr=plan.zero_snr,
        eta=plan.eta,
        xl=FAMILIES[plan.family].xl_levels,
    )


def _fits(loaded: Loaded, plan: Plan) -> bool:
    """Whether its LoRAs are the plan's, or can be changed where they are."""
    return loaded.wardrobe.loras == plan.loras or loaded.wardrobe.open


def _load(plan: Plan, model: Checkpoint, machine: device.Machine, watch: Watch) -> Pipeline:
    """The plan's model on the CPU."""
    if plan.offload in OFFLOADS and machine.device.type == "cpu":
        raise BadRequest(
            f"`--offload {plan.offload}` moves modules off a GPU, and this runs on the CPU",
            hint="leave `--offload` away",
        )
    vae = None if plan.vae == plan.model else plan.vae.path
    modules = build.build(model, vae, dtype=machine.dtype)
    if strange := (*model.unused, *modules.ignored):
        watch.note(f"{model.path.name}: nothing here uses `{strange[0]}`{_more(len(strange) - 1)}")
    if vae is None and not model.family.fp16_vae and machine.dtype is torch.float16:
        modules.vae.float()
    return Pipeline(modules.unet, modules.vae, modules.text_encoder, modules.text_encoder_2)


def _more(count: int) -> str:
    return f" and {count} more of its tensors" if count else ""


@torch.inference_mode()
def developed(loaded: Loaded, latents: torch.Tensor, watch: Watch) -> Image.Image:
    """The picture of latents; once more with the VAE in fp32 where half precision fails."""
    pipe = loaded.pipe
    pixels = pipeline.decode(pipe, latents)
    if not _failed(pixels):
        return image(pixels)
    if pipe.vae.dtype is not torch.float32:
        watch.note("the VAE overflowed: decoding again in fp32")
        pipe.vae.to(torch.float32)
        loaded.fallbacks.append("VAE in fp32, for it overflowed")
        pixels = pipeline.decode(pipe, latents)
    if not torch.isfinite(pixels).all():
        raise SdcliError(
            "the VAE gives no numbers for this picture (NaN)",
            hint="the checkpoint's VAE is damaged; another one goes to `--vae`",
        )
    return image(pixels)


def _failed(pixels: torch.Tensor) -> bool:
    """NaN somewhere, or black all over."""
    return not torch.isfinite(pixels).all() or bool((pixels <= -1).all())


def _overflow(loaded: Loaded) -> SdcliError:
    half = loaded.pipe.unet.dtype is not torch.float32
    return SdcliError(
        "the denoising ran into numbers that are none (NaN or infinite)",
        hint="`--dtype fp32` may hold them" if half else "try another scheduler or a lower `--cfg`",
    )


def laid(drawn: Image.Image, begun: Start) -> Image.Image:
    """The drawing over the picture it started from: outside the mask not a bit is changed."""
    if begun.original is None:
        return drawn
    original = begun.original
    if begun.share is not None:
        drawn = images.composite(drawn, images.fit(original, *drawn.size), begun.share)
    if all(0 <= a - b < images.CELL for a, b in zip(drawn.size, original.size, strict=True)):
        return drawn.crop((0, 0, *original.size))  # the edge that `fit` had repeated
    return drawn
