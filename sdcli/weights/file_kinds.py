"""What kinds of files there are, told by the names of their tensors, and where each belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdcli.weights import clip
from sdcli.weights.safetensors import Header


@dataclass(frozen=True)
class FileKind:
    """A kind of file, the names that give it away, and the flag that takes it."""

    name: str
    title: str
    name_pattern: re.Pattern[str]
    hint: str = "sdcli has no use for such a file"


def _kind(name: str, title: str, tell: str, hint: str = "") -> FileKind:
    return FileKind(name, title, re.compile(tell), hint or FileKind.hint)


DRAWS = "sdcli draws with SD 1, SD 2 and SDXL"
# Kinds that have a U-Net like ours and are drawn with in other ways.
FOREIGN = ("flux", "sd3", "unclip", "zero123", "depth", "video", "motion") + (
    "nf4",
    "svdquant",
    "packed",
    "scaled",
)
LARGER = "use the fp16 version, or one in fp8"
_LORA = (
    r"lora_(unet|te\d?|prior)_|lycoris_|base_model\.model\.|bundle_emb\."
    r"|.*\.(lora_[AB]|lora_(up|down|mid)|lora\.(up|down)|lora_embedding_[AB])(\.|$)"
    r"|.*(_lora|lora_linear_layer)\.(up|down)\."
    r"|.*\.(hada_w1_a|lokr_w[12](_a)?|oft_blocks|oft_diag|dora_scale|diff|diff_b|w_norm|on_input)$"
)
# The first whose tell-tale name is there; a checkpoint last, for others may lie inside one.
FILE_KINDS: tuple[FileKind, ...] = (
    _kind("lora", "a LoRA", _LORA, "wear it with `--lora FILE`"),
    _kind(
        "controlnet",
        "a ControlNet",
        r"control_model\.|(module\.)?(input_hint_block|zero_convs|controlnet_)",
        "follow it with `--control FILE:IMAGE`",
    ),
    _kind(
        "embedding",
        "a textual inversion",
        r"(emb_params|string_to_param(\..*)?|clip_[lg]|<[^<>]+>)$",
        "learn its word with `--embedding FILE`",
    ),
    _kind("flux", "a Flux model", r"(.*\.)?double_blocks\.", DRAWS),
    _kind("sd3", "a Stable Diffusion 3 model", r"(.*\.)?joint_blocks\.", DRAWS),
    _kind("unclip", "an unCLIP model", r"embedder\.model\.visual\.|noise_augmentor\.", DRAWS),
    _kind("zero123", "a Stable Zero123 model", r"cc_projection\.", DRAWS),
    _kind("depth", "a depth-to-image model", r"depth_model\.", DRAWS),
    _kind("video", "a video model", r".*\.(time_stack|time_mixer|temporal_transformer)\.", DRAWS),
    _kind(
        "nf4",
        "a model in bitsandbytes' 4-bit numbers (nf4)",
        r".*\.(absmax|nested_absmax|quant_map|quant_state\.bitsandbytes__\w+)$",
        LARGER,
    ),
    _kind(
        "svdquant",
        "a model in SVDQuant's 4-bit numbers (nunchaku)",
        r".*\.(wscales|wtscale|smooth_factor(_orig)?)$",
        LARGER,
    ),
    _kind("packed", "a model in packed integers (GPTQ, AWQ)", r".*\.(qweight|qzeros)$", LARGER),
    # Those scales that `scaled.multiply_out` has left, because it does not know them.
    _kind(
        "scaled",
        "a model in scaled numbers of a kind that sdcli does not know",
        r"scaled_fp8$|.*\.(scale_weight|weight_scale(_2)?|pre_quant_scale|comfy_quant)$",
        LARGER,
    ),
    _kind("ip-adapter", "an IP-Adapter", r"ip_adapter\.|image_proj\.", "sdcli cannot wear one"),
    _kind("t2i-adapter", "a T2I adapter", r"(adapter\.)?body\.\d+\.(block\d|in_conv|resnets)\."),
    _kind("motion", "a motion module", r".*motion_modules\."),
    _kind(
        "checkpoint",
        "a checkpoint",
        r"(model\.diffusion_model|diffusion_model|unet|model_ema)[.]|(input|down)_blocks\.0\.",
        "draw with it: `--model FILE`",
    ),
    _kind(
        "clip",
        "a CLIP",
        r"(module\.)?(visual|vision_model|visual_projection)\.",
        "score with it: `sdcli score PICTURE --with FILE`",
    ),
    _kind(
        "aesthetic",
        "an aesthetic predictor",
        r"layers\.[0-9]\.(weight|bias)$",
        "rate pictures with it: `sdcli score PICTURE --with CLIP --with FILE`",
    ),
    _kind(
        "vae",
        "a VAE",
        r"(first_stage_model\.|vae\.)?(encoder|decoder)\.(conv_in|conv_out|mid|layers\.\d+\.(weight|conv))"
        r"|(?:[1-9]|1\d)\.conv\.0\.weight$",  # TAESD
        "decode with it: `--vae FILE`",
    ),
    _kind(
        "upscaler",
        "an upscaler",
        r"((module|generator|netG)\.)?"
        r"((model|body|RRDB_trunk)\.\d+\.(sub|rdb\d|RDB\d)|conv_first\.|body\.\d+\.weight|params)",
        "enlarge pictures with it: `sdcli upscale PICTURE --with FILE`",
    ),
    _kind(
        "text-encoder",
        "a text encoder",
        r"(.*\.)?(text_model\.|transformer\.resblocks\.|encoder\.layers\.|token_embedding)",
        "sdcli takes text encoders from whole checkpoints",
    ),
)
UNKNOWN = FileKind("unknown", "nothing that sdcli knows", re.compile("$^"))


def find_file_kind(header: Header) -> FileKind:
    """What a file is, as a row of `KINDS`."""
    for row in FILE_KINDS:
        if any(row.name_pattern.match(name) for name in header.tensors):
            return row
    if _is_embedding(header):
        return next(row for row in FILE_KINDS if row.name == "embedding")
    return UNKNOWN


def _is_embedding(header: Header) -> bool:
    """diffusers' learned_embeds: a single tensor under the new word's own name."""
    shapes = [tensor.shape for tensor in header.tensors.values()]
    return len(shapes) == 1 and len(shapes[0]) in (1, 2) and shapes[0][-1] in clip.WIDTHS
