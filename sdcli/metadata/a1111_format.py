"""The text that AUTOMATIC1111 writes into pictures, and that everybody has imitated since.

    prompt, over any number of lines
    Negative prompt: words, over any number of lines
    Steps: 20, Sampler: Euler a, Lora hashes: "a: 1234, b: 5678", Version: v1.10

Written strictly, read leniently: unquoted JSON, wrapped and trailing lines, repeated names, and the
single line that exiftool makes of it all are in circulation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST_INFOTEXT = 2**20  # characters; no program writes a hundredth of it
NEGATIVE_LABEL = "Negative prompt:"
# Names in it that are no option's: those are in the table of options.
SCHEDULE, SIZE, MODEL_HASH, VAE_HASH = "Schedule type", "Size", "Model hash", "VAE hash"
HIRES_RESIZE, HIRES_SCHEDULE = "Hires resize", "Hires schedule type"  # of a second pass
UNWEIGHTED = "None"  # what it calls the emphasis of prompts whose brackets are letters
LORA_HASHES, EMBEDDING_HASHES, VERSION = "Lora hashes", "TI hashes", "Version"
TEMPLATE, NEGATIVE_TEMPLATE = "Template", "Negative Template"  # what a prompt was chosen from
_KEY = re.compile(r"\s*(\w[\w \-/]{0,80}):[ \t]*")
_STRING = re.compile(r'"(?:\\.|[^\\"])*+"(?=\s*(?:,|$))', re.S)
_PAIR = re.compile(r'(\w[\w \-/]{1,80}):\s*+("(?:\\.|[^\\"])++"|[^,]*+)(?:,|$)')
_PARAMETERS = re.compile(r"^[ \t]*Steps: *\d+[ \t]*(?:,|\||$)", re.M)
_BARRED = re.compile(r"\s*Steps: *\d+[ \t]*\|")
_UPSCALED = re.compile(r"\s*Postprocess [\w ]+:")
_TRAILING = re.compile(r"^((?:Negative )?Template): ?", re.M)
_PRINTED = re.compile(r"\A\s*Parameters\s*:\s*")
_JAMMED = re.compile(r"\.\s*(Steps: *\d+,)")
_JAMMED_NEGATIVE = re.compile(r"\.\s*(Negative prompt:)")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Infotext:
    """What such a text says: two prompts, and the rest by name, all of it still as text."""

    prompt: str
    negative: str = ""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])


def compose_infotext(info: Infotext) -> str:
    """The text, as AUTOMATIC1111 would write it."""
    pairs = ", ".join(f"{name}: {quote_value(value)}" for name, value in info.fields.items())
    negative = [f"{NEGATIVE_LABEL} {info.negative}"] if info.negative else []
    return "\n".join([info.prompt, *negative, pairs]).strip()


def quote_value(value: str) -> str:
    """A value as it stands in the last line: quoted only where it would be misread."""
    return json.dumps(value, ensure_ascii=False) if re.search("[,\n:]", value) else value


def parse_infotext(text: str) -> Infotext:
    """What `text` says. Every text says something: at the least it is a prompt."""
    text = text[:LONGEST_INFOTEXT].replace("\r\n", "\n").strip()
    words, parameters = _split_off_parameters(*_restore_line_ends(text))
    prompt, negative = _split_prompts(words)
    parameters, *trailing = _TRAILING.split(parameters)
    fields = _parse_fields(_with_commas(parameters).replace("\n", " "))
    templates = zip(trailing[::2], trailing[1::2], strict=True)
    return Infotext(prompt, negative, fields | {name: said.strip() for name, said in templates})


def _with_commas(parameters: str) -> str:
    """The settings between commas, where somebody has written ` | ` between them."""
    if not _BARRED.match(parameters):
        return parameters
    pairs = (part.strip().partition(":") for part in parameters.split("|"))
    return ", ".join(f"{name}: {quote_value(value.strip())}" for name, _, value in pairs)


def _restore_line_ends(text: str) -> tuple[str, bool]:
    """The lines again, where exiftool has printed dots instead of line ends."""
    printed = _PRINTED.match(text)
    text = text[printed.end() :] if printed else text
    jammed = "\n" not in text and _JAMMED.search(text)
    if jammed:
        text = _JAMMED_NEGATIVE.sub(r"\n\1", _JAMMED.sub(r"\n\1", text))
    return text, bool(jammed)


def _split_off_parameters(text: str, jammed: bool) -> tuple[str, str]:
    """The words, and the line (or lines) of parameters."""
    if "\n" not in text and _UPSCALED.match(text):  # an upscaler's own line, and no prompt
        return "", text
    starts = [match.start() for match in _PARAMETERS.finditer(text)]
    if starts:
        words = text[: starts[-1]]
        if jammed:
            words = "\n".join(line.rstrip(" .,") for line in words.split("\n"))
        return words, text[starts[-1] :]
    words, _, last = text.rpartition("\n")
    # AUTOMATIC1111's own rule: fewer than three pairs are a line of the prompt.
    enough = len(_PAIR.findall(last[:5_000])) >= 3
    return (words, last) if enough else (text, "")


def _split_prompts(words: str) -> tuple[str, str]:
    prompt: list[str] = []
    negative: list[str] = []
    current = prompt
    for line in words.split("\n"):
        if line.strip().startswith(NEGATIVE_LABEL):
            current = negative
            line = line.strip()[len(NEGATIVE_LABEL) :]
        current.append(line)
    return "\n".join(prompt).strip(), "\n".join(negative).strip()


def _parse_fields(parameters: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    at, structured = 0, True
    while at < len(parameters):
        key = _KEY.match(parameters, at)
        if key is None:
            at = _next_comma(parameters, at) + 1
            continue
        name = key[1].strip()
        value, at, structured = _parse_value(parameters, key.end(), structured)
        # Only text encoders come in several: stable-diffusion.cpp writes one `TE` for each.
        fields[name] = f"{fields[name]}, {value}" if name == "TE" and name in fields else value
    return {name: value for name, value in fields.items() if value}


def _parse_value(text: str, at: int, structured: bool) -> tuple[str, int, bool]:
    """A value, where the next name begins, and whether quotes and brackets still mean anything.

    They do until one of them is never closed: looking for its end again and again takes for ever.
    """
    start = text[at : at + 1]
    if structured and start == '"':
        string = _STRING.match(text, at)
        if string:
            return _unquote(string[0]), _next_comma(text, string.end()) + 1, True
        structured = False
    elif structured and start in ("{", "["):
        try:
            end = _DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError):
            structured = False
        else:
            return text[at:end], _next_comma(text, end) + 1, True
    end = _next_comma(text, at)
    return text[at:end].strip(), end + 1, structured


def _unquote(string: str) -> str:
    try:
        return str(json.loads(string, strict=False))
    except ValueError:
        return string[1:-1]


def _next_comma(text: str, at: int) -> int:
    end = text.find(",", at)
    return len(text) if end < 0 else end
