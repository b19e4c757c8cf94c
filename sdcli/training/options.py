"""The table of training's options: everything that can be set of a training, each in one row.

As in `options/table.py`, a row holds an option's name, its field, how its text is read and within what
bounds, its help and its default. The flags of `sdcli train`, what `--like` takes over and the bounds
within which a file's own record is read back follow from it. A new option is a row here, a field in
`TrainingSettings`, and the place that uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdcli.options.parse import Real, Switch, Text, Toggle, Whole, Word
from sdcli.options.table import Default, Option, always, worked_out

LORA, EMBEDDING = "lora", "embedding"
BOTH = (LORA, EMBEDDING)
OWN, PICTURES = "model", "pictures"  # of `prior`
LONGEST_WORDS = 10_000  # characters of a caption

_SIDE = Whole(32, 4096, multiple=8)

_ROWS: tuple[tuple[tuple[str, ...], Option], ...] = (
    ((LORA,), Option("rank", "rank", Whole(1, 1024), "How much it can learn; 4 to 64 is usual.", "N",
                     default=always(16))),
    ((LORA,), Option("alpha", "alpha", Real(1e-6, 1e6),
                     "It is worn at alpha / rank of what is learnt.", "X", default=worked_out("the rank"))),
    ((LORA,), Option("conv-rank", "conv_rank", Whole(0, 1024),
                     "Learn convolutions of 3x3, too, at this rank.", "N", default=always(0, "0: not"))),
    ((LORA,), Option("conv-alpha", "conv_alpha", Real(1e-6, 1e6), "The same for them.", "X",
                     default=worked_out("the conv rank"))),
    ((LORA,), Option("targets", "targets", Word("transformer", "attention"),
                     "What is learnt beside: all of the transformers, or what attends in them.",
                     "transformer|attention", default=always("transformer"))),
    ((LORA,), Option("dora", "dora", Switch(), "Learn lengths and directions apart (DoRA).",
                     default=Default(False))),
    ((LORA,), Option("text-encoder", "text_encoder", Toggle(),
                     "Whether the text encoder learns, too.", default=worked_out("yes; with SDXL no"))),
    ((EMBEDDING,), Option("vectors", "vectors", Whole(1, 75), "How many tokens the word takes.", "N",
                          default=always(4))),
    ((EMBEDDING,), Option("init", "init", Text(200), "Begin with what these words say.", "WORDS",
                          default=always("", "noise"))),
    (BOTH, Option("steps", "steps", Whole(1, 10_000_000), "Steps of learning.", "N",
                  default=always(1500, "1,500"))),
    (BOTH, Option("batch", "batch", Whole(1, 1024), "Pictures of a step.", "N", default=always(1))),
    (BOTH, Option("accumulate", "accumulate", Whole(1, 1024),
                  "Batches of a step, one after the other: for more than memory holds.", "N",
                  default=always(1))),
    (BOTH, Option("lr", "lr", Real(1e-9, 100), "How far a step goes.", "X",
                  default=worked_out("1e-4; of a word 5e-3; of Prodigy 1"))),
    ((LORA,), Option("text-lr", "text_lr", Real(0, 100), "The same for the text encoder.", "X",
                     default=worked_out("half of it"))),
    (BOTH, Option("schedule", "schedule", Word("constant", "linear", "cosine"),
                  "How the rate falls.", "constant|linear|cosine", default=always("constant"))),
    (BOTH, Option("warmup", "warmup", Whole(0, 1_000_000), "Steps in which it rises at first.", "N",
                  default=worked_out("100, a tenth at most"))),
    (BOTH, Option("optimizer", "optimizer", Word("auto", "adamw", "adamw8bit", "prodigy"),
                  "Who takes the steps.", "auto|adamw|adamw8bit|prodigy",
                  default=always("auto", "adamw; on a GPU adamw8bit where bitsandbytes is there"))),
    (BOTH, Option("weight-decay", "weight_decay", Real(0, 10), "How what is learnt fades.", "X",
                  default=worked_out("0.01; of a word 0"))),
    (BOTH, Option("clip", "clip", Real(0, 1e6), "The longest gradient that is followed; 0: any.", "X",
                  default=always(1.0, "1"))),
    (BOTH, Option("min-snr", "min_snr", Real(0, 1e6),
                  "Weigh steps of little noise no more than this much signal to noise; 0: by themselves.",
                  "X", default=always(5.0, "5"))),
    (BOTH, Option("offset-noise", "offset_noise", Real(0, 10),
                  "Noise of one colour all over, for dark and bright pictures; 0.05 is usual.", "X",
                  default=always(0.0, "0"))),
    ((LORA,), Option("prior", "prior", Word(OWN, PICTURES),
                     "What `--regularisation` holds on to: what the model said of its pictures before, "
                     "or the pictures.", f"{OWN}|{PICTURES}", default=always(OWN))),
    (BOTH, Option("prior-weight", "prior_weight", Real(0, 1000),
                  "How much pictures of `--regularisation` weigh.", "X", default=always(1.0, "1"))),
    (BOTH, Option("masks", "masks", Switch(), "Learn nothing of where pictures are transparent.",
                  default=Default(False))),
    (BOTH, Option("caption", "caption", Text(LONGEST_WORDS), "The words for pictures that have none.",
                  "TEXT", default=Default(""))),
    ((LORA,), Option("trigger", "trigger", Text(200),
                     "Words that stand before every caption, and in the file.", "WORDS",
                     default=worked_out("the folder's class words, where it has some"))),
    (BOTH, Option("caption-dropout", "caption_dropout", Real(0, 1),
                  "The share of captions that are left away.", "X",
                  default=worked_out("0.1; of a word 0"))),
    (BOTH, Option("shuffle", "shuffle", Switch(), "Shuffle what stands between commas in captions.",
                  default=Default(False))),
    (BOTH, Option("keep", "keep", Whole(0, 1000), "But not the first so many.", "N",
                  default=always(1))),
    (BOTH, Option("size", "size", _SIDE, "Pictures have as many pixels as a square of this side.", "PIXELS",
                  default=worked_out("the model's"))),
    (BOTH, Option("buckets", "buckets", Toggle(),
                  "Whether pictures keep nearly their shapes, or are cut square.",
                  default=always(True, "yes"))),
    (BOTH, Option("enlarge", "enlarge", Toggle(), "Whether small pictures are made larger.",
                  default=always(True, "yes"))),
    (BOTH, Option("crop", "crop", Word("middle", "random"), "Which part stays where something is cut off.",
                  "middle|random", default=always("middle"))),
    (BOTH, Option("flip", "flip", Switch(), "Show pictures mirrored half of the time.",
                  default=Default(False))),
    (BOTH, Option("repeats", "repeats", Whole(1, 10_000),
                  "How often each picture is shown in a round, where its folder does not say.", "N",
                  default=always(1))),
    (BOTH, Option("seed", "seed", Whole(0, 2**63 - 1), "Of all that is random.", "N", default=always(0))),
    (BOTH, Option("save-every", "save_every", Whole(1, 10_000_000),
                  "Save and draw samples after so many steps.", "N", default=always(250))),
    (BOTH, Option("about", "about", Text(LONGEST_WORDS), "What it is, for whoever finds the file.", "TEXT",
                  default=Default(""))),
    (BOTH, Option("license", "license", Text(200), "Under which license it is given away.", "NAME",
                  default=Default(""))),
    (BOTH, Option("checkpointing", "checkpointing", Word("auto", "on", "off"),
                  "Compute some things twice instead of keeping them: less memory, a quarter slower.",
                  "auto|on|off", default=always("auto", "when memory is short"))),
)  # fmt: skip

TRAINING_OPTIONS: Mapping[str, Option] = {row.name: row for _, row in _ROWS}
_KINDS: Mapping[str, tuple[str, ...]] = {row.name: kinds for kinds, row in _ROWS}

# Of drawing's options, those that say what model is trained with and how it computes.
OF_DRAWING = ("model", "vae", "prediction", "zero-snr", "clip-skip", "device", "dtype")


def options_for(kind: str) -> dict[str, Option]:
    """The options that have a meaning for a LoRA, or for a word."""
    return {name: row for name, row in TRAINING_OPTIONS.items() if kind in _KINDS[name]}


def read_values(stored: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A file's own settings, each within the bounds of its option; what is not known is left out."""
    known = options_for(kind)
    return {name: known[name].check(value) for name, value in stored.items() if name in known}
