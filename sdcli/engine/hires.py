"""The second pass ("hires fix"): the latents made larger, then denoised once more at that size.

Number by number A1111's, but where it rolls dice: its VAE draws the latents of enlarged pixels from
their distribution, and here they are the middle of it.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from PIL import Image
from torch.nn.functional import interpolate

from sdcli.engine.decode import decode_pixels
from sdcli.engine.denoise import UnetInputs, denoise
from sdcli.engine.initial_latents import image_to_pixels
from sdcli.engine.loaded_model import LoadedModel
from sdcli.engine.passes import (
    BatchDrawing,
    guided_levels,
    noise_of_plans,
    sampling_for_plan,
    seeds_in_words,
    take_steps,
)
from sdcli.engine.pipeline import encode_pixels
from sdcli.engine.sampler import Sampling
from sdcli.engine.text_encoder import encode_prompts
from sdcli.engine.unet_inputs import make_unet_inputs
from sdcli.engine.upscaler import LoadedUpscaler
from sdcli.events import Listener
from sdcli.hires import Enlarged, SecondPass, second_pass
from sdcli.images.enlarge import Enlarge, enlarge_by, enlarge_to
from sdcli.images.upscalers import PlainUpscaler
from sdcli.plan import File, Plan
from sdcli.prompts.stages import count_prompt_steps


def prepare_second_pass(plan: Plan, loaded: LoadedModel, listener: Listener) -> UnetInputs | None:
    """What the U-Net is given in the second pass: its words, which go on changing where the first pass
    left off, and the ControlNets' maps at its size; and its upscaler is loaded. None where there is
    no second pass."""
    second = second_pass(plan)
    if second is None:
        return None
    if isinstance(file := second.upscaler, File):
        listener.on_stage(f"loading {file.path.name}")
        loaded.upscaler = LoadedUpscaler(file.path, loaded.machine.device.type, listener=listener)
    before = count_prompt_steps(plan.scheduler, plan.steps)
    prompts = encode_prompts(loaded.pipe, second.plan, loaded.known_states, before)
    # SDXL is told the size of all that was enlarged, though some of it may be cut away.
    whole = replace(second.plan, width=second.enlarged.width, height=second.enlarged.height)
    inputs = make_unet_inputs(whole, loaded.pipe, prompts)
    return replace(inputs, controls=loaded.controlnets.guides(second.plan))


def count_second_steps(plan: Plan) -> int:
    """How often the model is asked in the second pass."""
    second = second_pass(plan)
    if second is None or not second.levels:
        return 0
    sampling, begin = _sampling(second)
    return sampling.evaluations - begin


def _sampling(second: SecondPass) -> tuple[Sampling, int]:
    """The scheduler, made ready to take the pass's steps, and the index of the first evaluation."""
    sampling = sampling_for_plan(replace(second.plan, steps=second.levels))
    return sampling, sampling.begin_with(second.plan.steps)


def hires_pass(state: BatchDrawing) -> None:
    """Latents made larger and denoised once more, where the plan asks for that."""
    second = second_pass(state.plan)
    if second is None:
        return
    assert state.latents is not None and state.inputs.second is not None
    plans = [each.plan for one in state.plans if (each := second_pass(one)) is not None]
    size = f"{second.plan.width}x{second.plan.height}"
    state.listener.on_stage(f"{seeds_in_words(plans)}, at {size}")
    larger = enlarge_latents(state.latents, second, state.loaded, state.listener)
    if not second.levels:
        state.latents = larger
        return
    sampling, begin = _sampling(second)
    noise = noise_of_plans(plans, state.loaded)
    fresh = noise.randn(larger.shape)
    steps = denoise(
        state.predict or state.loaded.make_predict(second.plan, state.listener),
        sampling,
        sampling.add_noise(larger, fresh, begin),
        state.inputs.second,
        noise,
        begin=begin,
        guided=guided_levels(second.plan),
    )
    state.to_come = 0
    state.latents = take_steps(state, larger, steps)


@torch.inference_mode()
def enlarge_latents(
    latents: torch.Tensor, second: SecondPass, loaded: LoadedModel, listener: Listener
) -> torch.Tensor:
    """The latents as large as the second pass needs them, as they are or by way of their pictures."""
    row, enlarged = second.upscaler, second.enlarged
    wide, high = enlarged.cells
    if isinstance(row, PlainUpscaler) and row.of_latents:
        larger = interpolate(
            latents, size=(high, wide), mode=row.of_latents, antialias=row.antialias
        )
    else:
        size, enlarge = (enlarged.width, enlarged.height), _way_of(row, loaded)
        pictures = (decode_pixels(loaded, one[None], listener) for one in latents)
        each = (enlarge_to(_as_picture(pixels), *size, enlarge) for pixels in pictures)
        encoded = [encode_pixels(loaded.pipe, image_to_pixels(one)) for one in each]
        larger = torch.cat(encoded).to(latents)
    return _cut(larger, enlarged)


def _way_of(row: PlainUpscaler | File, loaded: LoadedModel) -> Enlarge:
    """The way of enlarging pictures once."""
    if isinstance(row, PlainUpscaler):
        return enlarge_by(row)
    upscaler = loaded.upscaler
    assert upscaler is not None and upscaler.upscaler.path == row.path

    def enlarge(picture: Image.Image, _times: float) -> Image.Image:
        larger = upscaler.enlarge(picture)
        loaded.fallbacks += [each for each in upscaler.events if each not in loaded.fallbacks]
        return larger

    return enlarge


def _as_picture(pixels: torch.Tensor) -> Image.Image:
    """The picture of pixels in -1..1 as A1111 enlarges it: its levels cut down to whole ones."""
    levels = (((pixels[0] + 1) / 2).clamp(0, 1) * 255).to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy(), "RGB")


def _cut(latents: torch.Tensor, enlarged: Enlarged) -> torch.Tensor:
    """The middle of what covers too much."""
    high, wide = latents.shape[-2:]
    across, down = enlarged.cut_across, enlarged.cut_down
    return latents[:, :, down // 2 : high - (down + 1) // 2, across // 2 : wide - (across + 1) // 2]
