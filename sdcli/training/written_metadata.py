"""What a trained file says of its training: kohya's keys and Stability's, for other programs, and our
own record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sdcli.training.batches import BatchOrder
from sdcli.training.learnt_picture import LearntPicture
from sdcli.training.options import LORA
from sdcli.training.plan import TrainingPlan
from sdcli.training.record import KEY, KINDS, own_record
from sdcli.weights.families import FAMILIES

ARCHITECTURES: Mapping[str, str] = {
    "sd1": "stable-diffusion-v1",
    "sd2": "stable-diffusion-v2-512",
    "sdxl": "stable-diffusion-xl-v1-base",
}


def file_metadata(plan: TrainingPlan, step: int, report: Mapping[str, Any]) -> dict[str, str]:
    """All that the file says, each a text."""
    theirs = _kohya_metadata(plan, step, report) if plan.kind == LORA else {}
    return {**theirs, **_spec_metadata(plan), KEY: json.dumps(own_record(plan, step, report))}


def _spec_metadata(plan: TrainingPlan) -> dict[str, str]:
    """Stability's metadata for models, version 1.0.1."""
    family = FAMILIES[plan.drawing.family]
    width = height = plan.settings.size
    said = {"description": plan.settings.about, "license": plan.settings.license}
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{ARCHITECTURES[family.base]}/{KINDS[plan.kind]}",
        "modelspec.implementation": "diffusers",
        "modelspec.title": plan.out.stem,
        "modelspec.resolution": f"{width}x{height}",
        "modelspec.trigger_phrase": plan.trigger,
        "modelspec.prediction_type": {"eps": "epsilon"}.get(
            plan.drawing.prediction, plan.drawing.prediction
        ),
        **{f"modelspec.{key}": text for key, text in said.items() if text},
    }


def _kohya_metadata(plan: TrainingPlan, step: int, report: Mapping[str, Any]) -> dict[str, str]:
    """What kohya's trainer says of a LoRA, under its names; every value a text, as it has it."""
    drawing, settings, order = plan.drawing, plan.settings, BatchOrder(plan)
    family = FAMILIES[drawing.family]
    learnt = [one for one in plan.pictures if not one.regular]
    regular = [one for one in plan.pictures if one.regular]
    rounds = -(-settings.steps * settings.accumulate // order.batches_per_round)
    base = family.kohya_base
    if family.base == "sd2" and drawing.prediction == "v":
        base = f"{base}_v"
    values: dict[str, Any] = {
        "output_name": plan.out.stem,
        "base_model_version": base,
        "v2": family.base == "sd2",
        "sd_model_name": drawing.model.path.name,
        "new_sd_model_hash": drawing.model.sha256,
        "network_module": "networks.lora",
        "network_dim": settings.rank,
        "network_alpha": settings.alpha,
        "network_args": json.dumps(_network_args(plan)),
        "steps": step,
        "max_train_steps": settings.steps,
        "num_epochs": rounds,
        "epoch": -(-step * settings.accumulate // order.batches_per_round),
        "num_train_images": sum(one.repeats for one in learnt),
        "num_reg_images": sum(one.repeats for one in regular),
        "num_batches_per_epoch": order.batches_per_round,
        "batch_size_per_device": settings.batch,
        "total_batch_size": settings.batch * settings.accumulate,
        "gradient_accumulation_steps": settings.accumulate,
        "gradient_checkpointing": report["checkpointing"],
        "learning_rate": settings.lr,
        "unet_lr": settings.lr,
        "text_encoder_lr": settings.text_lr if settings.text_encoder else None,
        "lr_scheduler": settings.schedule,
        "lr_warmup_steps": settings.warmup,
        "optimizer": report["optimizer"],
        "max_grad_norm": settings.clip,
        "mixed_precision": _PRECISIONS.get(report["dtype"], "no"),
        "min_snr_gamma": settings.min_snr or None,
        "noise_offset": settings.offset_noise or None,
        "zero_terminal_snr": drawing.zero_snr,
        "prior_loss_weight": settings.prior_weight,
        "caption_dropout_rate": settings.caption_dropout,
        "shuffle_caption": settings.shuffle,
        "keep_tokens": settings.keep,
        "clip_skip": drawing.clip_skip,
        "cache_latents": settings.crop == "middle",
        "random_crop": settings.crop == "random",
        "flip_aug": settings.flip,
        "seed": settings.seed,
        "resolution": f"({settings.size}, {settings.size})",
        "enable_bucket": settings.buckets,
        "bucket_no_upscale": not settings.enlarge,
        "bucket_info": json.dumps(_bucket_info(plan)),
        "dataset_dirs": json.dumps(_folders(learnt)),
        "reg_dataset_dirs": json.dumps(_folders(regular)),
        "tag_frequency": json.dumps(_tag_frequency(learnt)),
    }
    return {f"ss_{name}": str(value) for name, value in values.items()}


_PRECISIONS: Mapping[str, str] = {"bfloat16": "bf16", "float16": "fp16"}


def _network_args(plan: TrainingPlan) -> dict[str, str]:
    settings, found = plan.settings, dict[str, str]()
    if settings.conv_rank:
        found |= {"conv_dim": str(settings.conv_rank), "conv_alpha": str(settings.conv_alpha)}
    return found | ({"dora_wd": "True"} if settings.dora else {})


def _bucket_info(plan: TrainingPlan) -> dict[str, Any]:
    counts = Counter(size for one in plan.pictures for size in [one.placement.bucket] * one.repeats)
    rows = sorted(counts.items())
    return {
        "buckets": {
            str(place): {"resolution": list(size), "count": count}
            for place, (size, count) in enumerate(rows)
        }
    }


def _folders(pictures: list[LearntPicture]) -> dict[str, Any]:
    """The folders by their bare names: where their owner keeps them is nobody's business."""
    found: dict[str, Any] = {}
    for one in pictures:
        name = one.file.path.parent.name
        known = found.setdefault(name, {"n_repeats": one.repeats, "img_count": 0})
        known["img_count"] += 1
    return found


def _tag_frequency(pictures: list[LearntPicture]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for one in pictures:
        tags = [tag.strip() for tag in one.caption.split(",") if tag.strip()]
        found.setdefault(one.file.path.parent.name, Counter()).update(tags)
    return {folder: dict(tags) for folder, tags in found.items()}
