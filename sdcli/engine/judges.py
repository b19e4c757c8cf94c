"""Judges of pictures, with their tensors: each looks, reads, and rates where it can."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image

from sdcli.engine.clip_encoder import ClipEncoder, Vectors
from sdcli.engine.read_tensors import TensorReader
from sdcli.images.clip_view import clip_view
from sdcli.measures import aesthetic, clip_score, hpsv2
from sdcli.measures.aesthetic import Layer, rate
from sdcli.measures.judges import Judges
from sdcli.measures.measure import Seen
from sdcli.prompts.bare_words import cut_words
from sdcli.weights.aesthetic_head import AestheticHead

WHOLE_PICTURE = (hpsv2.JUDGE,)  # whose authors show it all of a picture, between black bars


class LoadedJudges:
    """The judges that are asked, in memory."""

    def __init__(self, judges: Judges, asked: Collection[str], device: str = "auto") -> None:
        names = {clip_score.JUDGE if name == aesthetic.JUDGE else name for name in asked}
        self._encoders = {name: ClipEncoder(judges.clips[name], device) for name in sorted(names)}
        rated = judges.head if aesthetic.JUDGE in asked else None
        self._head = read_head(rated) if rated else None
        self._read: dict[tuple[str, str], Vectors] = {}  # texts last read: many pictures share one

    def look(self, images: Sequence[Image.Image], words: Sequence[str]) -> list[dict[str, Seen]]:
        """What each judge makes of each picture, and of its words where there are any."""
        found: list[dict[str, Seen]] = [{} for _ in images]
        for name, encoder in self._encoders.items():
            shape = encoder.clip.shape
            assert shape is not None
            whole = name in WHOLE_PICTURE
            once = {id(one): one for one in images}  # many texts may be held against one picture
            views = [clip_view(one, shape.image, whole=whole) for one in once.values()]
            vectors = dict(zip(once, encoder.see(views), strict=True))
            pictures = np.stack([vectors[id(one)] for one in images])
            texts = self._vectors(name, encoder, words)
            scale = encoder.scale
            for seen, picture, text in zip(found, pictures, texts, strict=True):
                seen[name] = Seen(picture, text, scale)
            if name == clip_score.JUDGE and self._head is not None:
                for seen, rating in zip(found, rate(pictures, self._head), strict=True):
                    seen[aesthetic.JUDGE] = Seen(seen[name].picture, rating=float(rating))
        return found

    def _vectors(
        self, name: str, encoder: ClipEncoder, words: Sequence[str]
    ) -> list[Vectors | None]:
        """The words' vectors; None for no words, and where the judge cannot read."""
        if not encoder.clip.is_whole:
            return [None] * len(words)
        known = {text: self._read[name, text] for text in words if (name, text) in self._read}
        new = [text for text in dict.fromkeys(words) if text and text not in known]
        if new:
            vectors = encoder.read([cut_words(text).tokens for text in new])
            known |= dict(zip(new, vectors, strict=True))
        self._read = {key: v for key, v in self._read.items() if key[0] != name}
        self._read |= {(name, text): vector for text, vector in known.items()}
        return [known.get(text) for text in words]


def read_head(head: AestheticHead) -> list[Layer]:
    """The numbers of an aesthetic predictor, layer by layer."""
    with TensorReader() as reader:
        pairs = [
            tuple(reader.read(head.header.tensors[f"{name}{end}"]) for end in ("weight", "bias"))
            for name in head.layers
        ]
    return [(w.float().numpy(), np.atleast_1d(b.float().numpy())) for w, b in pairs]
