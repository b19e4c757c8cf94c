"""The U-Net and the VAE's decoder computed by OpenVINO on a CPU: the same to rounding.

A module is converted once and kept on disk by its content; it is then compiled for each shape of its
inputs, which must not vary. Computed in f32: left alone, OpenVINO rounds to what the CPU does fastest.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sdcli.engine.denoise import Predict, UnetCall
from sdcli.engine.pipeline import Pipeline
from sdcli.events import Listener
from sdcli.library.converted_models import drop_converted, find_converted, keep_converted
from sdcli.plan import Plan

EDITION = 1  # of the conversion below; another one has another place on disk
MOST_SHAPES = 2  # compiled at once: each holds the weights in an order of its own
MADE_BY = ("openvino", "torch", "diffusers")


class OpenvinoBackend:
    """The modules of one loaded model as OpenVINO computes them, with whatever LoRAs they wear."""

    def __init__(self, pipe: Pipeline, plan: Plan) -> None:
        self._pipe = pipe
        self._unet: tuple[object, ConvertedModule] | None = None  # and what it was made from
        decoder = ConvertedModule(
            _Decoder(pipe.vae.decoder), {"part": "vae", **_facts(plan.vae.sha256)}
        )
        pipe.vae.decoder.forward = lambda latents, *_: decoder(latents)

    def make_predict(self, plan: Plan, listener: Listener) -> Predict:
        """The U-Net's call with the plan's LoRAs."""
        worn = sorted((one.file.sha256, one.unet) for one in plan.loras)
        facts = {"part": "unet", "loras": worn, **_facts(plan.model.sha256)}
        if self._unet is None or self._unet[0] != facts:
            self._unet = (facts, ConvertedModule(_Unet(self._pipe.unet), facts))
        unet = self._unet[1]

        def predict(call: UnetCall) -> Tensor:
            added = (
                () if call.added is None else (call.added["text_embeds"], call.added["time_ids"])
            )
            given = (call.latents, call.timestep, call.embeds, *added)
            return unet(*given, listener=listener)

        return predict


class ConvertedModule:
    """A module as OpenVINO computes it."""

    def __init__(self, module: nn.Module, facts: Mapping[str, object]) -> None:
        self._module, self._facts = module, facts
        self._requests: OrderedDict[tuple[torch.Size, ...], Any] = OrderedDict()

    def __call__(self, *inputs: Tensor, listener: Listener | None = None) -> Tensor:
        """What the module computes of these inputs, to rounding."""
        shapes = tuple(each.shape for each in inputs)
        if shapes not in self._requests:
            while len(self._requests) >= MOST_SHAPES:
                self._requests.popitem(last=False)
            self._requests[shapes] = self._compile(inputs, listener)
        self._requests.move_to_end(shapes)
        request = self._requests[shapes]
        request.infer([each.float().contiguous().numpy() for each in inputs], share_inputs=True)
        return torch.from_numpy(request.get_output_tensor(0).data.copy())

    def _compile(self, inputs: tuple[Tensor, ...], listener: Listener | None) -> Any:
        core: Any = import_module("openvino").Core()
        model = self._read_or_convert(core, inputs, listener)
        if listener is not None:
            listener.on_stage("compiling for OpenVINO")
        model.reshape({n: list(each.shape) for n, each in enumerate(inputs)})
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        }
        return core.compile_model(model, "CPU", settings).create_infer_request()

    def _read_or_convert(
        self, core: Any, inputs: tuple[Tensor, ...], listener: Listener | None
    ) -> Any:
        # A side that does not halve evenly is traced on a road of its own.
        height, width = inputs[0].shape[-2:]
        even = height % 8 == 0 and width % 8 == 0
        facts = {**self._facts, "traced": "even" if even else [height, width]}
        kept = find_converted(facts)
        if kept is not None:
            try:
                return core.read_model(kept / "model.xml")
            except RuntimeError:  # damaged
                drop_converted(facts)
        if listener is not None:
            listener.on_stage("converting for OpenVINO, which is kept for the next time")
        model = _convert(self._module, tuple(_small(each) if even else each for each in inputs))
        try:
            with keep_converted(facts) as folder:
                _save(model, folder)
        except (OSError, RuntimeError):  # no room: the next time it is converted again
            return model
        kept = find_converted(facts)
        return model if kept is None else core.read_model(kept / "model.xml")


def _small(given: Tensor) -> Tensor:
    """The corner of latents: to be traced they need not be large. Other inputs as they are."""
    return given[..., :16, :16].contiguous() if given.dim() == 4 else given


def _convert(module: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """OpenVINO's model of a module, by its own reader of traces: `convert_model` tells its makers."""
    decoder: Any = import_module("openvino.frontend.pytorch.ts_decoder")
    front_end: Any = (
        import_module("openvino.frontend").FrontEndManager().load_by_framework("pytorch")
    )
    with warnings.catch_warnings(), torch.inference_mode(mode=False), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = decoder.TorchScriptPythonDecoder(
            module.eval(), example_input=tuple(each.clone() for each in inputs)
        )
        return front_end.convert(front_end.load(traced))


def _save(model: Any, folder: Path) -> None:
    import_module("openvino").save_model(model, folder / "model.xml", compress_to_fp16=False)


def _facts(sha256: str) -> dict[str, object]:
    return {"of": sha256, "edition": EDITION, **{name: version(name) for name in MADE_BY}}


class _Unet(nn.Module):
    """The U-Net with inputs that have an order, SDXL's two among them."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, latents: Tensor, timestep: Tensor, embeds: Tensor, *added: Tensor) -> Tensor:
        more = {"text_embeds": added[0], "time_ids": added[1]} if added else None
        return self.unet(
            latents,
            timestep,
            encoder_hidden_states=embeds,
            added_cond_kwargs=more,
            return_dict=False,
        )[0]


class _Decoder(nn.Module):
    """A VAE's decoder as it was before its `forward` was replaced."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder
        self._usual: Callable[[Tensor], Tensor] = type(decoder).forward.__get__(decoder)

    def forward(self, latents: Tensor) -> Tensor:
        return self._usual(latents)
