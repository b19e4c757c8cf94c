"""OpenVINO's own pipeline (`openvino-genai`) on the same weights, for the bench of steps: it is given a
folder as its exporter writes them, and tells by itself how long its steps take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from sdcli.engine.openvino_backend import _convert, _Decoder, _Unet
from sdcli.engine.pipeline import Pipeline
from sdcli.plan import Plan
from sdcli.prompts.tokenizer import clip_tokenizer
from sdcli.weights.clip import CHUNK_LENGTH

PLACES = CHUNK_LENGTH + 2


class OpenvinoPipeline:
    """The program whose steps are taken, compiled for the size of a plan."""

    def __init__(self, pipe: Pipeline, plan: Plan, folder: Path) -> None:
        genai: Any = import_module("openvino_genai")
        self._plan = plan
        export(pipe, plan, folder)
        self._program = genai.Text2ImagePipeline(folder)
        self._program.reshape(1, plan.height, plan.width, plan.cfg)
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        threads = torch.get_num_threads()
        self._program.compile("CPU", **settings, NUM_STREAMS="1", INFERENCE_NUM_THREADS=threads)

    def draw(self) -> Any:
        """Its picture, as numbers."""
        plan = self._plan
        return self._program.generate(
            plan.prompt, negative_prompt=plan.negative, width=plan.width, height=plan.height,
            guidance_scale=plan.cfg, num_inference_steps=plan.steps, rng_seed=plan.seed,
        ).data  # fmt: skip

    def step(self) -> float:
        """Seconds that a step of a picture takes it, the first one left out: it waits for memory."""
        self.draw()
        took = self._program.get_performance_metrics().raw_metrics.iteration_durations
        return fmean(took[1:] or took) / 1e6


class _TextEncoder(nn.Module):
    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        found = self.encoder(input_ids)
        return found.last_hidden_state, found.pooler_output


class _VaeDecoder(nn.Module):
    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = vae.post_quant_conv, _Decoder(vae.decoder)

    def forward(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents))


def export(pipe: Pipeline, plan: Plan, folder: Path) -> None:
    """The models and settings of SD 1.x as its pipeline reads them."""
    width = pipe.unet.config.cross_attention_dim
    latents, words = torch.zeros(2, 4, 16, 16), torch.zeros(2, PLACES, width)
    ids = torch.zeros(1, PLACES, dtype=torch.int64)
    moment = torch.ones(1, dtype=torch.int64)
    _write(folder / "unet", _Unet(pipe.unet), (latents, moment, words),
           ("sample", "timestep", "encoder_hidden_states"), ("out_sample",),
           dict(pipe.unet.config))  # fmt: skip
    _write(folder / "vae_decoder", _VaeDecoder(pipe.vae), (latents,), ("latent_sample",), ("sample",),
           dict(pipe.vae.config))  # fmt: skip
    encoder = pipe.text_encoder
    _write(folder / "text_encoder", _TextEncoder(encoder), (ids,), ("input_ids",),
           ("last_hidden_state", "pooler_output"), encoder.config.to_dict())  # fmt: skip
    _write_tokenizer(folder / "tokenizer")
    scheduler = {
        "_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "prediction_type": "epsilon",
        "timestep_spacing": "linspace", "steps_offset": 1,
    }  # fmt: skip
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", scheduler["_class_name"]],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))


def _write(
    folder: Path,
    module: nn.Module,
    given: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    config: dict[str, Any],
) -> None:
    folder.mkdir(parents=True)
    model = _convert(module, given)
    for port, name in zip((*model.inputs, *model.outputs), (*inputs, *outputs), strict=True):
        port.get_tensor().set_names({name})
    import_module("openvino").save_model(
        model, folder / "openvino_model.xml", compress_to_fp16=False
    )
    (folder / "config.json").write_text(json.dumps(config, default=str))


def _write_tokenizer(folder: Path) -> None:
    """CLIP's vocabulary as OpenVINO's tokenizer reads it."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=clip_tokenizer()._tokenizer, model_max_length=PLACES,
        bos_token="<|startoftext|>", eos_token="<|endoftext|>", pad_token="<|endoftext|>",
    )  # fmt: skip
    convert: Any = import_module("openvino_tokenizers").convert_tokenizer
    folder.mkdir()
    made = convert(fast, with_detokenizer=False)
    import_module("openvino").save_model(made, folder / "openvino_tokenizer.xml")
