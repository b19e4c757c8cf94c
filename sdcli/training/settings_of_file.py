"""The settings that a trained file says it was made with: ours, or kohya's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdcli.errors import BadRequest
from sdcli.training.options import LORA, options_for
from sdcli.training.record import find_record
from sdcli.weights.json_table import parse_json_table
from sdcli.weights.read_header import read_header

OF_KOHYA: Mapping[str, str] = {
    "ss_network_dim": "rank",
    "ss_network_alpha": "alpha",
    "ss_unet_lr": "lr",
    "ss_text_encoder_lr": "text-lr",
    "ss_lr_warmup_steps": "warmup",
    "ss_max_train_steps": "steps",
    "ss_batch_size_per_device": "batch",
    "ss_gradient_accumulation_steps": "accumulate",
    "ss_max_grad_norm": "clip",
    "ss_min_snr_gamma": "min-snr",
    "ss_noise_offset": "offset-noise",
    "ss_prior_loss_weight": "prior-weight",
    "ss_caption_dropout_rate": "caption-dropout",
    "ss_keep_tokens": "keep",
    "ss_seed": "seed",
}
OF_ARGUMENTS: Mapping[str, str] = {"conv_dim": "conv-rank", "conv_alpha": "conv-alpha"}


def settings_of_file(path: Path, kind: str) -> dict[str, Any]:
    """The values of options by their names; BadRequest where the file says nothing of its training."""
    header = read_header(path)
    if record := find_record(header):
        if record.kind != kind:
            raise BadRequest(
                f"`{path.name}` was trained as another kind ({record.kind})",
                hint=f"`sdcli train {record.kind}` takes its settings",
            )
        return dict(record.values)
    found = _of_kohya(header.metadata) if kind == LORA else {}
    if not found:
        raise BadRequest(
            f"`{path.name}` does not say how it was trained",
            hint="only files of this program and of kohya's trainer do",
        )
    return found


def _of_kohya(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What of kohya's settings has its like here, where it is within the bounds of its option."""
    rows = options_for(LORA)
    texts = {name: metadata.get(key, "None") for key, name in OF_KOHYA.items()}
    arguments = parse_json_table(metadata.get("ss_network_args", ""))
    texts |= {name: str(arguments.get(key, "None")) for key, name in OF_ARGUMENTS.items()}
    found: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            found[name] = rows[name].read(text)
        except BadRequest:  # `None`, or what has no meaning here
            continue
    return found
