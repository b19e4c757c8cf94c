"""The U-Net: learns to tell picture from noise in a latent, given a caption. Asked again and again,
it draws.

The loss of denoising diffusion (Ho et al., 2020) on latents (Rombach et al., 2022): take a latent,
a noise and a time; mix them as that time says; ask the U-Net for the velocity, which is the noise
in a clean latent and the latent in a noisy one (Salimans and Ho, 2022). One caption in ten is
withheld, so that the model also knows what a picture is like when nothing was asked, which is what
guidance pushes away from (Ho and Salimans, 2022).

Beside that, it is asked what stands where (`binding.py`): a small share of the loss, meant to let
words find their things sooner.

Most of a picture is ground, which is soon learnt: at first, things count more, and every other step
looks at them from near (`closeups.py`).

The first minutes are spent on pictures of half the side, at a quarter of the price: what words
mean, and which colour is whose, is learnt there.
"""

from __future__ import annotations

import random
from pathlib import Path

import clip
import latents
import numpy as np
import torch
import vae as vae_stage
from binding import Binding
from captions import describe
from closeups import SIDE, Closeup, look_closer
from data import HELD_OUT, Pictures, Words, vocabulary
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from loop import Course, Loop, arguments, averaged, course_of
from PIL import Image
from scenes import imagine, sheet
from torch.nn.functional import adaptive_avg_pool2d
from transformers import CLIPTextModel
from world import Scene

STEPS, CFG = 20, 7.0  # a young U-Net wants a firm hand
BINDING = 0.03  # the share of the second lesson
NEAR = 0.8  # until then two of three steps look at things from near
THINGS = 3.0  # how much more than the ground a thing counts, at first; in the end as much
WIDTHS, ATTENTION, HEADS, GROUPS, LAYERS = (64, 128, 192), (False, True, True), 4, 32, 1
SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}
PROMPTS = (
    "a red house by the sea at night",
    "a yellow star on a blue background",
    "a black cat in the snow by day",
    "a blue boat on the sea at sunset",
    "a pink girl holding a green balloon, on a hill, by day",
    "a big orange mushroom in the forest in the fog",
    "a purple car in the city at night, pixel art",
    "a white owl in the forest, stained glass",
)


def build(size: int = 192) -> UNet2DConditionModel:
    """An untrained U-Net in SD 1.x's layout: attention where the latent is small, and cheap."""
    return UNet2DConditionModel(
        sample_size=size // 8,
        block_out_channels=WIDTHS,
        layers_per_block=LAYERS,
        norm_num_groups=GROUPS,
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in ATTENTION),
        up_block_types=tuple(
            "CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(ATTENTION)
        ),
        cross_attention_dim=clip.WIDTH,
        attention_head_dim=HEADS,
    )


def trained(
    folder: Path, words: Words, *, size: int = 192
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """The U-Net and the text encoder that learned with it, as their stage left them (averaged
    weights).
    """
    unet, text = build(size), clip.build(words)
    unet.load_state_dict(averaged(folder, "unet", "unet"))
    text.load_state_dict(averaged(folder, "unet", "text"))
    return unet.eval().requires_grad_(False), text.eval().requires_grad_(False)


class Noise:
    """How much noise each time means, and which times to practise."""

    def __init__(self, device: torch.device) -> None:
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        kept = (1 - betas).cumprod(0)
        self.signal = kept.sqrt().float().to(device)
        self.noise = (1 - kept).sqrt().float().to(device)
        sigma = self.noise / self.signal
        # Where a thing is and how it is turned is soon learnt, above sigma 2; its outlines, between
        # 0.5 and 2, are not; what is wrong below, the decoder forgives (`guesses.py`).
        spacing = sigma.log().diff(prepend=2 * sigma[:1].log() - sigma[1:2].log())
        self.density = torch.exp(-0.5 * ((sigma.log() - 0.35) / 1.25) ** 2) * spacing + 1e-4

    def times(self, n: int) -> torch.Tensor:
        """Times to practise, each from its own share of them all: a batch has no gaps."""
        shares = self.density.cumsum(0) / self.density.sum()
        steps = (torch.randperm(n) + torch.rand(n)).to(shares.device) / n
        return torch.searchsorted(shares, steps).clamp(max=len(shares) - 1)

    def mix(self, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """The latents as they are at those times."""
        return self._at(self.signal, times) * clean + self._at(self.noise, times) * noise

    def velocity(
        self, clean: torch.Tensor, noise: torch.Tensor, times: torch.Tensor
    ) -> torch.Tensor:
        """What the U-Net should say there."""
        return self._at(self.signal, times) * noise - self._at(self.noise, times) * clean

    @staticmethod
    def _at(levels: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        return levels[times, None, None, None]


def step_loss(
    unet: UNet2DConditionModel,
    levels: Noise,
    clean: torch.Tensor,
    read: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    """How far off the U-Net's guess at the velocity is, more where `weight` is larger."""
    noise = torch.randn_like(clean)
    times = levels.times(len(clean)).to(clean.device)
    guess = unet(levels.mix(clean, noise, times), times, encoder_hidden_states=read).sample
    wrong = (guess.float() - levels.velocity(clean, noise, times)).pow(2)
    return (weight * wrong).mean()


def things_of(whose: np.ndarray, side: int) -> torch.Tensor:
    """How much of each place of latents of a side is things."""
    return adaptive_avg_pool2d(torch.from_numpy((whose & 15) > 0).float()[:, None], side)


def weight_of(whose: np.ndarray, side: int, more: float) -> torch.Tensor:
    """A weight for each place of latents of a side: `more` than 1 where a thing is, 1 on average."""
    weight = 1 + more * things_of(whose, side)
    return weight / weight.mean()


Lesson = tuple[list[Scene], list[Scene], torch.Tensor, np.ndarray]
"""Scenes, what to say of them, latents, and the maps of whose each place is."""


def wholes(store: latents.Latents, drawn: Pictures, dice: random.Random, many: int) -> Lesson:
    """Whole pictures."""
    seeds = [dice.randrange(store.done) for _ in range(many)]
    scenes = [imagine(seed) for seed in seeds]
    return scenes, scenes, store.take(seeds), np.array(drawn.whose[seeds])


def closeups(store: latents.Latents, drawn: Pictures, dice: random.Random, many: int) -> Lesson:
    """Things from near, as many as cost as much as that many whole pictures."""
    looks: list[Closeup] = []
    cells = store.store.shape[-1]
    while len(looks) < round(many / SIDE**2):
        seed = dice.randrange(store.done)
        if look := look_closer(seed, imagine(seed), cells, dice):
            looks.append(look)
    latent = store.take([look.seed for look in looks])
    return (
        [look.scene for look in looks],
        [look.words_of for look in looks],
        torch.stack([look.cut(z) for look, z in zip(looks, latent, strict=True)]),
        np.stack([look.cut(np.array(drawn.whose[look.seed])) for look in looks]),
    )


def train(folder: Path, course: Course, *, size: int, batch: int, small: float) -> None:
    """The stage. `small` is for how many minutes pictures of half the side are practised on."""
    words = Words(vocabulary())
    learnt = (folder / "unet.pt").exists()
    text = clip.build(words) if learnt else clip.trained(folder, words)
    unet = build(size)
    binding = Binding(unet)
    # a tenth faster than channels last on a CPU, where the latents are small
    layout = torch.channels_last if torch.cuda.is_available() else torch.contiguous_format
    modules = {"unet": unet, "text": text, "binding": binding}
    loop = Loop(folder, "unet", modules, course, layout)
    if loop.device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())  # faster than torch's own for so few places
    levels = Noise(loop.device)
    dice = random.Random()
    kept: dict[int, tuple[latents.Latents, Pictures]] = {}
    for step in loop.steps():
        side = size // 2 if loop.spent < 60 * small else size
        if side not in kept:
            kept[side] = latents.Latents(folder, side), Pictures(folder, side)
        store, drawn = kept[side]
        near = step % 3 < 2 and side == size and loop.progress < NEAR
        lesson = closeups if near else wholes
        scenes, said, clean, whose = lesson(store, drawn, dice, batch * (2 if side < size else 1))
        captions = ["" if dice.random() < 0.1 else describe(scene, dice) for scene in said]
        rows = words.rows(captions, fillers=dice).to(loop.device)
        clean = clean.to(loop.device, memory_format=layout)
        weight = weight_of(whose, clean.shape[-1], THINGS * (1 - loop.progress))
        with loop.half():
            read = text(input_ids=rows).last_hidden_state
            loss = step_loss(unet, levels, clean, read, weight.to(loop.device))
            second = binding.loss(scenes, whose)
        loop.learn(loss, beside=BINDING * second)
        if step % 500 == 499 and not course.follows:
            loop.save()
            show(folder, words, folder / "unet.png", side)


def sample(
    unet: UNet2DConditionModel,
    text: CLIPTextModel,
    vae: AutoencoderKL,
    words: Words,
    prompts: list[str],
    *,
    seeds: list[int],
    scale: float,
) -> list[Image.Image]:
    """Pictures of prompts."""
    with torch.no_grad():
        device = unet.device
        nothing, asked = (
            text(input_ids=words.rows(said).to(device)).last_hidden_state
            for said in ([""] * len(prompts), prompts)
        )
    return sample_read(unet, vae, nothing, asked, seeds=seeds, scale=scale)


@torch.no_grad()
def sample_read(
    unet: UNet2DConditionModel,
    vae: AutoencoderKL,
    nothing: torch.Tensor,
    asked: torch.Tensor,
    *,
    seeds: list[int],
    scale: float,
) -> list[Image.Image]:
    """Pictures of prompts already read, the shortest way there is: what the whole program does,
    in ten lines.
    """
    scheduler = DPMSolverMultistepScheduler(**SCHEDULE, use_karras_sigmas=True)
    scheduler.set_timesteps(STEPS)
    side = unet.config.sample_size
    dice = [torch.Generator().manual_seed(s) for s in seeds]
    z = torch.cat([torch.randn(1, 4, side, side, generator=g) for g in dice]).to(unet.device)
    for t in scheduler.timesteps:
        guess = unet(torch.cat([z, z]), t, encoder_hidden_states=torch.cat([nothing, asked])).sample
        unasked, wanted = guess.chunk(2)
        z = scheduler.step(unasked + CFG * (wanted - unasked), t, z).prev_sample
    drawn = vae.decode(z / scale).sample.add(1).mul(127.5).clamp(0, 255).round().byte()
    return [Image.fromarray(p) for p in drawn.permute(0, 2, 3, 1).cpu().numpy()]


def show(folder: Path, words: Words, path: Path, size: int) -> None:
    """A sheet of what the averaged weights draw now."""
    unet, text = trained(folder, words, size=size)
    prompts = [
        *PROMPTS,
        *(describe(imagine(HELD_OUT + k), random.Random(k), whole=True) for k in range(16)),
    ]
    drawn = sample(
        unet, text, vae_stage.trained(folder), words, prompts,
        seeds=list(range(len(prompts))), scale=latents.scale_of(folder),
    )  # fmt: skip
    sheet(drawn, 8).save(path)


if __name__ == "__main__":
    said = arguments(__doc__, batch=32, lr=1.5e-3, minutes=95)
    said.add_argument(
        "--small", type=float, default=0, help="minutes on pictures of half the side, first"
    )
    chosen = said.parse_args()
    torch.manual_seed(random.randrange(1 << 30))
    course = course_of(chosen, hold=0.6, decay=0.998, slow={"text": 0.5})
    train(chosen.folder, course, size=chosen.size, batch=chosen.batch, small=chosen.small)
