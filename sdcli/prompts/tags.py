"""Tags in prompts: `<lora:name:0.8>` is no words, but a LoRA that is worn.

A1111 strips every `<kind:name...>` from a prompt; what is done here is LoRAs alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sdcli.errors import BadRequest
from sdcli.library.find import BUILTIN
from sdcli.request import Lora

_TAG = re.compile(r"<(\w+):([^>]+)>")


def extract_lora_tags(text: str) -> tuple[str, tuple[Lora, ...]]:
    """The text without its `<lora:name:weight>` tags, and the LoRAs that they name.

    BadRequest where a tag asks for what is not done here.

    >>> extract_lora_tags("a fox <lora:ink:0.8>")
    ('a fox ', (Lora(name='ink', unet=0.8, te=0.8),))
    """
    words, tags = _split_off_tags(text)
    return words, tuple(_parse_lora_tag(tag) for tag in tags)


def extract_foreign_tags(text: str) -> tuple[str, tuple[Lora, ...], tuple[str, ...]]:
    """As `extract_lora_tags` for another program's prompt: what cannot be followed is reported.

    A1111 strips every tag from a prompt, those of hypernetworks and of extensions too, and goes on
    without a LoRA whose weight is no number.

    >>> extract_foreign_tags("a fox <segment:face>")[2]
    ('its tag `<segment:face>` asks for what is not done here',)
    """
    words, tags = _split_off_tags(text)
    loras, remarks = list[Lora](), list[str]()
    for tag in tags:
        followed = tag.without_extras()
        if len(followed.values) < len(tag.values):
            remarks.append(f"its tag `{tag}` asks for more than a weight, which is not done here")
        try:
            loras.append(_parse_lora_tag(followed))
        except BadRequest:
            remarks.append(f"its tag `{tag}` asks for what is not done here")
    return words, tuple(loras), tuple(remarks)


def escape_tags(text: str) -> str:
    """The text with its tags made words, which are read so by A1111 too.

    >>> escape_tags("<lora:ink:1>")
    '<\\\\lora:ink:1>'
    """
    last = max(text.rfind(">"), 0)  # so that no text takes long
    return re.sub(r"<(?=\w+:[^>])", r"<\\", text[:last]) + text[last:]


def refuse_stray_tags(text: str) -> None:
    """A tag that was not taken out is never drawn as if it were words, unless it is escaped."""
    if tag := re.search(r"<(?:lora|lyco|hypernet):[^<>]+>", text):
        raise BadRequest(
            f"`{tag[0]}` stands where nothing wears it",
            hint="a LoRA goes into the prompt, not the negative one, or to `--lora`; "
            f"`{escape_tags(tag[0])}` is words",
        )


def parse_weight(text: str, where: str) -> float:
    """A number; `where` is what it stands in, for the refusal of one that is none."""
    try:
        return float(text)
    except ValueError:
        raise BadRequest(
            f"`{text}` in `{where}` is no weight",
            hint="write a number such as `0.8`, or `\\(` and `\\)` for brackets that are text",
        ) from None


class _Tag(NamedTuple):
    """`<kind:name:0.8:te=0.5>`: its kind, its name and what stands behind that."""

    kind: str
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"<{':'.join((self.kind, self.name, *self.values))}>"

    def without_extras(self) -> _Tag:
        """The tag with the two weights alone that a LoRA can have."""
        named = [v for v in self.values if v.partition("=")[0] in ("te", "unet")]
        placed = [v for v in self.values if "=" not in v]
        return self._replace(values=(*placed[:2], *named))


def _split_off_tags(text: str) -> tuple[str, list[_Tag]]:
    """The words and the tags; nothing behind the last `>` is looked at, so no text takes long."""
    end = text.rfind(">") + 1
    tags = list[_Tag]()

    def take(mark: re.Match[str]) -> str:
        name, *values = (part.strip() for part in mark[2].split(":"))
        if name == BUILTIN and values and re.match(r"[a-z][\w-]*$", values[0]):
            name = f"{name}:{values.pop(0)}"
        tags.append(_Tag(mark[1], name, tuple(values)))
        return ""

    return _TAG.sub(take, text[:end]) + text[end:], tags


def _parse_lora_tag(tag: _Tag) -> Lora:
    """`name:te:unet`, or `te=` and `unet=`. Unsaid, the U-Net's weight is the text encoder's."""
    if tag.kind not in ("lora", "lyco"):
        raise BadRequest(
            f"`{tag}`: sdcli knows no `{tag.kind}` networks",
            hint="only `<lora:name:weight>` is known; `--prompt-syntax plain` takes it as words",
        )
    if len(tag.values) > len(tag.without_extras().values):
        raise BadRequest(
            f"`{tag}` says more than a name and two weights",
            hint="write `<lora:name:weight>`, or `<lora:name:te=0.5:unet=1>`",
        )
    named = dict(value.split("=", 1) for value in tag.values if "=" in value)
    placed = [value for value in tag.values if "=" not in value]
    te = named.get("te", placed[0] if placed else "1")
    unet = named.get("unet", placed[1] if len(placed) > 1 else te)
    return Lora(tag.name, unet=parse_weight(unet, str(tag)), te=parse_weight(te, str(tag)))
