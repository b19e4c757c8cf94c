"""How something is trained: every answer, none left open. The rows are in `training/options.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a trained file, beside its model and its pictures."""

    # what is learnt
    rank: int
    alpha: float
    conv_rank: int  # 0: convolutions of 3x3 are left alone
    conv_alpha: float
    targets: str  # transformer, attention
    dora: bool
    text_encoder: bool
    vectors: int  # of a word
    init: str  # the word whose vectors a new one begins with; "": noise
    # how long, how fast
    steps: int
    batch: int
    accumulate: int
    lr: float
    text_lr: float
    schedule: str  # constant, linear, cosine
    warmup: int
    optimizer: str  # auto, adamw, adamw8bit, prodigy
    weight_decay: float
    clip: float  # the longest gradient; 0: any
    # the loss
    min_snr: float  # 0: off
    offset_noise: float
    prior: str  # model, pictures
    prior_weight: float  # of regularisation pictures
    masks: bool
    # the words
    caption: str  # of pictures that have none
    trigger: str
    caption_dropout: float
    shuffle: bool
    keep: int  # tags that stay in front where the others are shuffled
    # the pictures
    size: int
    buckets: bool
    enlarge: bool  # whether a picture that is smaller than its bucket is made larger
    crop: str  # middle, random
    flip: bool
    repeats: int
    # the run
    seed: int
    save_every: int
    checkpointing: str  # auto, on, off
    # the file
    about: str
    license: str
