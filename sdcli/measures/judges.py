"""The files that judge pictures: CLIPs, the halves of CLIPs, and heads to be put on one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from PIL import Image

from sdcli.errors import BadRequest
from sdcli.library.find import BUILTIN, find_adapter, find_checkpoint
from sdcli.measures import aesthetic, clip_score, hpsv2, pickscore
from sdcli.measures.measure import Seen
from sdcli.weights.aesthetic_head import AestheticHead, head_from_header, is_aesthetic_head
from sdcli.weights.clip_file import Clip, clip_from_header, join_clips, require_vision
from sdcli.weights.clip_shapes import ACTIVATIONS
from sdcli.weights.read_header import read_header

TOWER = f"{BUILTIN}:tower"  # reads with the text encoder of the built-in model
CLIPS = (clip_score.JUDGE, hpsv2.JUDGE, pickscore.JUDGE)
# What a file judges, by its own name; any other CLIP gives the CLIP score.
_NAMES = ((re.compile("hps", re.IGNORECASE), hpsv2.JUDGE),
          (re.compile("pick.?score", re.IGNORECASE), pickscore.JUDGE))  # fmt: skip


@dataclass(frozen=True)
class Judges:
    """CLIPs by what they judge, and a head for the one that gives the CLIP score."""

    clips: Mapping[str, Clip] = field(default_factory=dict[str, Clip])
    head: AestheticHead | None = None

    def __bool__(self) -> bool:
        return bool(self.clips) or self.head is not None

    @property
    def names(self) -> set[str]:
        """What is judged, by the names that measures ask for."""
        heads = {aesthetic.JUDGE} if self.head and clip_score.JUDGE in self.clips else set[str]()
        return {*self.clips, *heads}

    @property
    def readers(self) -> set[str]:
        """Those that read words, too."""
        return {name for name, clip in self.clips.items() if clip.is_whole}

    def describe(self) -> list[str]:
        """Each judge in a line: which CLIP it is, of which file, with which activation."""
        lines = [f"{name}: {_describe(clip)}" for name, clip in self.clips.items()]
        return [*lines, *([f"{aesthetic.JUDGE}: {self.head.path.name}"] if self.head else [])]


class JudgeLike(Protocol):
    """Judges with their tensors, ready to look: in this process, or in any other."""

    def look(self, images: Sequence[Image.Image], words: Sequence[str]) -> list[dict[str, Seen]]:
        """What each judge makes of each picture, and of its words where there are any."""
        ...


class _Named(NamedTuple):
    """What `--with` names: a file, and what it judges and was trained with where that is said."""

    name: str
    judge: str = ""
    activation: str = ""


def find_judges(texts: Iterable[str]) -> Judges:
    """The judges that `[MEASURE=]FILE[:ACTIVATION]` and so on name; two halves of a CLIP are one."""
    clips: dict[str, Clip] = {}
    head: AestheticHead | None = None
    for text in texts:
        named = _read_named(text)
        if named.name == BUILTIN:
            clips[clip_score.JUDGE] = _put(clips.get(clip_score.JUDGE), builtin_clip(), text)
            continue
        path = find_adapter(named.name, "CLIP")
        header = read_header(path)
        if is_aesthetic_head(header):
            head = head_from_header(header)
            continue
        judge = named.judge or _judge_by_name(path)
        clip = _with_builtin(clip_from_header(header, named.activation))
        clips[judge] = _put(clips.get(judge), clip, text)
    judges = Judges({name: require_vision(clip) for name, clip in clips.items()}, head)
    _check_head(judges)
    return judges


def builtin_clip() -> Clip:
    """The CLIP in the box: the built-in model's own text encoder, and an image tower that met it."""
    return _with_builtin(clip_from_header(read_header(find_adapter(TOWER))))


def builtin_judges() -> Judges:
    """The CLIP in the box as the only judge."""
    return Judges({clip_score.JUDGE: builtin_clip()})


def _describe(clip: Clip) -> str:
    if clip.own.get("reads") == BUILTIN:
        return "by the CLIP in the box, which knows the world of the built-in model and no other"
    return f"by {clip.title} ({clip.activation}), {clip.path.name}"


def _with_builtin(clip: Clip) -> Clip:
    if clip.own.get("reads") != BUILTIN:
        return clip
    return join_clips(clip, clip_from_header(read_header(find_checkpoint(BUILTIN))))


def _put(before: Clip | None, clip: Clip, text: str) -> Clip:
    """A CLIP beside the one that judges the same: the other half of it, or one too many."""
    if before is None:
        return clip
    if before.is_whole or clip.is_whole:
        raise BadRequest(
            f"`--with {text}` is a second CLIP for the same measure",
            hint="say what each is for: `--with pickscore=FILE`, `--with hpsv2=FILE`",
        )
    return join_clips(before, clip)


def _read_named(text: str) -> _Named:
    judge, equals, name = text.partition("=")
    if not equals or judge not in CLIPS:
        judge, name = "", text
    head, colon, tail = name.rpartition(":")
    return _Named(head, judge, tail) if colon and tail in ACTIVATIONS else _Named(name, judge)


def _judge_by_name(path: Path) -> str:
    place = f"{path.parent.name}/{path.name}"
    return next((judge for pattern, judge in _NAMES if pattern.search(place)), clip_score.JUDGE)


def _check_head(judges: Judges) -> None:
    clip = judges.clips.get(clip_score.JUDGE)
    if judges.head is None or (clip and clip.meets == judges.head.width):
        return
    what = f"{clip.title} sees them {clip.meets} wide" if clip else "no CLIP is named"
    raise BadRequest(
        f"`{judges.head.path.name}` rates vectors {judges.head.width} wide, and {what}",
        hint="name the CLIP that it was made for with a second `--with`: ViT-L/14 for LAION's",
    )
