"""What A1111 did otherwise before: by the version that a picture names, as that program does itself.

Where the text names no version, A1111 takes it for its own, and so is it taken here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from sdcli.errors import BadRequest
from sdcli.metadata.a1111_format import VERSION
from sdcli.metadata.readers.draft import ForeignPictureBuilder
from sdcli.options.table import OPTIONS
from sdcli.prompts.a1111 import parse_a1111_weights
from sdcli.prompts.chunks import split_into_chunks
from sdcli.prompts.syntax import SYNTAXES
from sdcli.prompts.tags import extract_foreign_tags
from sdcli.prompts.tokenizer import clip_tokenizer

Version = tuple[int, ...]

LATEST: Version = (2**31,)
NEW_TIMELINES: Version = (1, 6, 0)
FULL_ALPHAS: Version = (1, 7, 0, 225)  # the commits since 1.7.0
_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:-(\d{1,5})\b)?")
_STEPS = 1_000  # among which every change of a prompt shows


def read_earlier_rules(draft: ForeignPictureBuilder, fields: Mapping[str, str]) -> None:
    """The rules of the version that drew it, or that its settings kept, where they are not today's."""
    version = parse_version(fields.get(VERSION, ""))  # ours begins with a name: today's rules
    if version < FULL_ALPHAS or _is_on(fields, "downcast-alphas"):
        draft.values["downcast_alphas"] = True
    with suppress(BadRequest):  # prompts that nobody can read are told of when they are drawn
        if version < NEW_TIMELINES or _is_on(fields, "prompt-syntax"):
            _read_old_timelines(draft)
        if version < NEW_TIMELINES and fields.get(OPTIONS["scheduler"].a1111) in ("DDIM", "PLMS"):
            _note_unequal_prompts(draft)


def parse_version(text: str) -> Version:
    """`v1.5.2-310-gabcdef` as numbers; the latest where it is no version of that program."""
    parts = _VERSION.match(text)
    return tuple(int(part or 0) for part in parts.groups()) if parts else LATEST


def _is_on(fields: Mapping[str, str], option: str) -> bool:
    return fields.get(OPTIONS[option].a1111, "").strip().lower() == "true"


def _read_old_timelines(draft: ForeignPictureBuilder) -> None:
    texts = [draft.values["prompt"], draft.values["negative"]]
    texts += [draft.second.get(name, "") for name in ("hires_prompt", "hires_negative")]
    now, then = SYNTAXES["a1111"].schedule, SYNTAXES["a1111-1.5"].schedule
    passes = (0, _STEPS) if draft.second else (0,)
    for text in texts:
        if "[" in text and any(now(text, _STEPS, n) != then(text, _STEPS, n) for n in passes):
            draft.values.setdefault("syntax", "a1111-1.5")


def _note_unequal_prompts(draft: ForeignPictureBuilder) -> None:
    """With these two samplers the shorter prompt was stretched, or the negative one cut."""
    texts = (extract_foreign_tags(draft.values["prompt"])[0], draft.values["negative"])
    lengths = {
        len(split_into_chunks(parse_a1111_weights(text), clip_tokenizer(), {})) for text in texts
    }
    if len(lengths) > 1:
        draft.note_difference(
            f"its prompts are of unequal length, which A1111 before 1.6 stretched or cut to fit "
            f"with {draft.values.get('scheduler', 'this sampler')}"
        )
